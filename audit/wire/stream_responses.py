"""Streams of OpenAI's Responses API, put together into one response body."""

from __future__ import annotations

from typing import Any

from audit.wire.joiner import Chunk, Joiner

_LAST = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")
_CALLS = ("function_call", "custom_tool_call")


class ResponsesJoiner(Joiner):
    """The last event holds the whole response; what is needed of the others is kept for a stream that has none."""

    def __init__(self) -> None:
        self._last: dict[str, Any] = {}
        self._done: list[Any] = []
        self._text: list[str] = []

    def add(self, event: Chunk) -> None:
        """Take an event; kinds nobody knows are passed over."""
        kind, item = str(event.get("type")), event.get("item")
        if isinstance(event.get("response"), dict):
            self._last = dict(event["response"])
        self.complete = self.complete or kind in _LAST
        if kind.endswith(".delta"):
            self.begun = self.begun or (isinstance(event.get("delta"), str) and bool(event["delta"]))
        elif kind == "response.output_item.added":
            self.begun = self.begun or (isinstance(item, dict) and item.get("type") in _CALLS)
        if kind == "response.output_item.done":
            self._done.append(item)
        elif kind == "response.output_text.delta" and isinstance(event.get("delta"), str):
            self._text.append(event["delta"])
        elif kind == "error":
            self._last.setdefault("error", event.get("error") or dict(event))

    def body(self) -> dict[str, Any]:
        """The last response told, with the items that were done where it lists none."""
        made = dict(self._last)
        made.setdefault("object", "response")
        if not made.get("output"):
            made["output"] = self._done or ([_text_item("".join(self._text))] if self._text else [])
        return made


def _text_item(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}
