"""Streamed responses as logs hold them, server-sent event text or lists of chunks, joined into one response body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from audit.wire.events import Events
from audit.wire.joiner import Chunk, Joiner
from audit.wire.stream_blocks import AnthropicJoiner, ConverseJoiner, GeminiJoiner
from audit.wire.stream_chat import ChatJoiner, OllamaJoiner
from audit.wire.stream_responses import ResponsesJoiner
from audit.wire.text import maybe_json


def is_stream(value: Any) -> bool:
    """Whether `value` looks like a streamed response: event text, or a list of chunk objects or event texts."""
    if type(value) is str:
        head = value[:200].lstrip()
        return head.startswith(("data:", "event:", "id:", ":")) or _looks_like_lines(head)
    if isinstance(value, list) and value:
        first = maybe_json(value[0])
        if isinstance(first, str):
            return first.lstrip().startswith(("data:", "event:"))
        return isinstance(first, dict) and (_joiner(first) is not None or isinstance(first.get("error"), dict))
    return False


def _looks_like_lines(head: str) -> bool:
    # newline-delimited chunks without the `data:` prefix (Ollama)
    return head.startswith("{") and '"done":' in head.replace(" ", "") and '"created_at"' in head


def join(value: Any) -> Any:
    """One response body out of a stream; `value` itself when it is none, None when no event of it can be read."""
    if not is_stream(value):
        return value
    stream = Stream()
    for event in _events(value):
        stream.add(event)
    return stream.body()


class Stream:
    """A stream of whatever API, put together as its events come."""

    def __init__(self) -> None:
        self._first: list[Chunk] = []
        self._joiner: Joiner | None = None

    def add(self, event: Chunk) -> None:
        """Take the next event; the first that shows whose API it is decides how all are read."""
        if self._joiner is not None:
            self._joiner.add(event)
            return
        self._first.append(event)
        made = _joiner(event)
        if made is not None:
            self._open(made)

    def _open(self, joiner: Joiner) -> None:
        self._joiner = joiner
        for event in self._first:
            joiner.add(event)
        self._first.clear()

    @property
    def begun(self) -> bool:
        """Whether anything the asker can use has come; see `Joiner`."""
        return self._joiner is not None and self._joiner.begun

    @property
    def complete(self) -> bool:
        """Whether the sender said how the answer ended."""
        return self._joiner is not None and self._joiner.complete

    @property
    def counted(self) -> bool:
        """Whether the sender has had its chance to say how many tokens it took."""
        return self._joiner is not None and self._joiner.counted

    def body(self) -> dict[str, Any] | None:
        """The response body so far; None when no event showed what it is."""
        if self._joiner is None and any(isinstance(event.get("error"), dict) for event in self._first):
            self._open(ChatJoiner())
        return None if self._joiner is None else self._joiner.body()


def _events(value: str | list[Any]) -> Iterator[Chunk]:
    events = Events()
    for item in [value] if isinstance(value, str) else value:
        held = maybe_json(item)
        if isinstance(held, dict):
            # Bedrock's log wraps nothing, but SDK dumps hold {"event": …, "data": {…}}
            inner = held.get("data")
            yield inner if isinstance(inner, dict) and "event" in held else held
        elif isinstance(item, str):
            yield from events.feed(item + "\n")
    yield from events.end()


def _joiner(event: Chunk) -> Joiner | None:
    """What takes the events of the API that an event is of; None where it doesn't show."""
    kind = event.get("type")
    if isinstance(kind, str):
        if kind.startswith("response."):
            return ResponsesJoiner()
        if kind in ("message_start", "content_block_start", "content_block_delta", "message_delta"):
            return AnthropicJoiner()
    if isinstance(event.get("choices"), list) and event.get("object") != "chat.completion":
        return ChatJoiner()
    if "candidates" in event or "usageMetadata" in event or "usage_metadata" in event:
        return GeminiJoiner()
    if "messageStart" in event or "contentBlockDelta" in event or "messageStop" in event:
        return ConverseJoiner()
    if "done" in event and ("message" in event or "response" in event):
        return OllamaJoiner()
    return None
