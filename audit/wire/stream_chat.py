"""Streams of chat completions and of Ollama's chat, put together into one response body."""

from __future__ import annotations

from typing import Any

from audit.wire.joiner import Chunk, Joiner
from audit.wire.shape import fields, objects, words

_TOLD_ONCE = ("id", "created", "model", "service_tier", "system_fingerprint", "usage", "provider", "error")
_TEXTS = ("content", "refusal", "reasoning_content", "reasoning")


class ChatJoiner(Joiner):
    """Chunks of OpenAI's chat completions and of the many servers that speak them."""

    def __init__(self) -> None:
        self._body: dict[str, Any] = {"object": "chat.completion", "choices": []}
        self._choices: dict[str, _Choice] = {}

    def add(self, event: Chunk) -> None:
        """Take a chunk; one without choices holds the counts, or Azure's word on the prompt."""
        for key in _TOLD_ONCE:
            if event.get(key) is not None:
                self._body[key] = event[key]
        # Groq puts the counts of a stream here
        self._body["usage"] = fields(event.get("x_groq")).get("usage") or self._body.get("usage")
        for choice in objects(event.get("choices")):
            index = choice.get("index", 0)
            state = self._choices.setdefault(str(index), _Choice(index))
            self.begun = state.add(choice) or self.begun
            self.complete = self.complete or state.finish_reason is not None

    @property
    def counted(self) -> bool:
        """The counts come behind the end of the answer; without them only the last word of the stream tells."""
        return False

    def body(self) -> dict[str, Any]:
        """One completion."""
        return {**self._body, "choices": [choice.body() for choice in self._choices.values()]}


class _Choice:
    """One of the answers of a stream."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self._texts: dict[str, list[str]] = {}
        self._calls: list[dict[str, Any]] = []
        self._open: dict[str, dict[str, Any]] = {}
        self._error: Any = None
        self.finish_reason: Any = None

    def add(self, choice: Chunk) -> bool:
        """Take a piece; whether it says anything."""
        if choice.get("finish_reason"):
            self.finish_reason = choice["finish_reason"]
        self._error = choice.get("error") or self._error
        delta = fields(choice.get("delta") or choice.get("message"))
        if isinstance(choice.get("text"), str):
            delta = {"content": choice["text"]}
        said = False
        for key in _TEXTS:
            text = _text(delta.get(key))
            if text is not None:
                self._texts.setdefault(key, []).append(text)
                said = said or bool(text)
        for call in objects(delta.get("tool_calls")):
            said = self._add_call(call) or said
        return said

    def _add_call(self, call: Chunk) -> bool:
        place, named = str(call.get("index", len(self._calls))), call.get("id")
        state = self._open.get(place)
        if state is None or (named and state.get("id") not in (None, named)):
            # some servers give every call of a turn the same place; the id tells them apart
            state = {"type": "function", "name": [], "arguments": []}
            self._open[place] = state
            self._calls.append(state)
        if named:
            state["id"] = named
        function = fields(call.get("function"))
        for key in ("name", "arguments"):
            state[key].append(words(function.get(key)))
        return bool(words(function.get("name"), function.get("arguments")))

    def body(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant"}
        message.update((key, "".join(pieces)) for key, pieces in self._texts.items())
        if self._calls:
            message["tool_calls"] = [_whole(call) for call in self._calls]
        made = {"index": self._index, "message": message, "finish_reason": self.finish_reason}
        return made | ({"error": self._error} if self._error else {})


def _whole(call: dict[str, Any]) -> dict[str, Any]:
    function = {key: "".join(call[key]) for key in ("name", "arguments")}
    return {"type": "function", "function": function} | ({"id": call["id"]} if "id" in call else {})


def _text(value: object) -> str | None:
    """The text of a piece of content: a string, or the text parts of a list (Mistral's thinking comes in parts)."""
    if isinstance(value, str):
        return value
    texts = [part["text"] for part in objects(value) if isinstance(part.get("text"), str)]
    return "".join(texts) if texts else None


class OllamaJoiner(Joiner):
    """Ollama's chat and generate."""

    def __init__(self) -> None:
        self._body: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {"content": [], "thinking": [], "response": []}
        self._calls: list[Any] = []

    def add(self, event: Chunk) -> None:
        """Take a line; the last one holds the counts."""
        message = event.get("message")
        holder = message if isinstance(message, dict) else event
        for key, pieces in self._texts.items():
            if isinstance(holder.get(key), str):
                pieces.append(holder[key])
        self._calls.extend(objects(holder.get("tool_calls")))
        self._body.update(event)

    def body(self) -> dict[str, Any]:
        """One answer of chat or generate."""
        text = {key: "".join(pieces) for key, pieces in self._texts.items()}
        body = dict(self._body)
        if isinstance(body.get("message"), dict):
            body["message"] = {"role": "assistant", "content": text["content"], "tool_calls": self._calls}
            if text["thinking"]:
                body["message"]["thinking"] = text["thinking"]
        elif "response" in body:
            body["response"] = text["response"]
        return body
