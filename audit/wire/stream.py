"""Streamed responses as logs hold them, server-sent event text or lists of chunks, joined into one response body."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from audit.wire.shape import fields, objects, words
from audit.wire.stream_blocks import join_anthropic, join_converse, join_gemini
from audit.wire.text import maybe_json

Chunk = Mapping[str, Any]


def is_stream(value: Any) -> bool:
    """Whether `value` looks like a streamed response: event text, or a list of chunk objects or event texts."""
    if type(value) is str:
        head = value[:200].lstrip()
        return head.startswith(("data:", "event:", "id:", ":")) or _looks_like_lines(head)
    if isinstance(value, list) and value:
        first = maybe_json(value[0])
        if isinstance(first, str):
            return first.lstrip().startswith(("data:", "event:"))
        return isinstance(first, dict) and _flavour([first]) is not None
    return False


def _looks_like_lines(head: str) -> bool:
    # newline-delimited chunks without the `data:` prefix (Ollama)
    return head.startswith("{") and '"done":' in head.replace(" ", "") and '"created_at"' in head


def join(value: Any) -> Any:
    """One response body out of a stream; `value` itself when it is none, None when no event of it can be read."""
    if not is_stream(value):
        return value
    events = list(_events(value))
    flavour = _flavour(events)
    return None if flavour is None else _JOINERS[flavour](events)


def _events(value: Any) -> Iterator[Chunk]:
    lines: Sequence[Any] = value.splitlines() if isinstance(value, str) else value
    for line in lines:
        if isinstance(line, str):
            text = line.strip()
            if text.startswith(("data:", "event:")) and "\n" in text:
                yield from _events(text)
                continue
            line = maybe_json(text[5:].strip() if text.startswith("data:") else text)
        if isinstance(line, dict):
            # Bedrock's log wraps nothing, but SDK dumps hold {"event": …, "data": {…}}
            inner = line.get("data")
            yield inner if isinstance(inner, dict) and "event" in line else line


def _flavour(events: Sequence[Chunk]) -> str | None:
    for event in events:
        kind = event.get("type")
        if isinstance(kind, str):
            if kind.startswith("response."):
                return "responses"
            if kind in ("message_start", "content_block_start", "content_block_delta", "message_delta"):
                return "anthropic"
        if isinstance(event.get("choices"), list) and event.get("object") != "chat.completion":
            return "chat"
        if "candidates" in event or "usageMetadata" in event or "usage_metadata" in event:
            return "gemini"
        if "messageStart" in event or "contentBlockDelta" in event or "messageStop" in event:
            return "converse"
        if "done" in event and ("message" in event or "response" in event):
            return "ollama"
    return "chat" if any(isinstance(event.get("error"), dict) for event in events) else None


def _join_chat(events: Sequence[Chunk]) -> dict[str, Any]:
    body: dict[str, Any] = {"object": "chat.completion", "choices": []}
    choices: dict[Any, dict[str, Any]] = {}
    for event in events:
        for key in ("id", "created", "model", "service_tier", "system_fingerprint", "usage", "provider", "error"):
            if event.get(key) is not None:
                body[key] = event[key]
        # Groq puts the counts of a stream here
        body["usage"] = fields(event.get("x_groq")).get("usage") or body.get("usage")
        for choice in objects(event.get("choices")):
            _add_choice(choices, choice)
    body["choices"] = list(choices.values())
    for choice in body["choices"]:
        _finish_message(choice["message"])
    return body


def _add_choice(choices: dict[Any, dict[str, Any]], choice: Chunk) -> None:
    index = choice.get("index", 0)
    state = choices.setdefault(str(index), {"index": index, "message": {"role": "assistant"}, "finish_reason": None})
    if choice.get("finish_reason"):
        state["finish_reason"] = choice["finish_reason"]
    message = state["message"]
    delta = fields(choice.get("delta") or choice.get("message"))
    if isinstance(choice.get("text"), str):
        delta = {"content": choice["text"]}
    for key in ("content", "refusal", "reasoning_content", "reasoning"):
        if isinstance(delta.get(key), str):
            message.setdefault(key, []).append(delta[key])
    for call in objects(delta.get("tool_calls")):
        _add_call(message.setdefault("_calls", {}), call)


def _add_call(calls: dict[Any, dict[str, Any]], call: Chunk) -> None:
    empty = {"type": "function", "function": {"name": "", "arguments": ""}}
    state = calls.setdefault(str(call.get("index", len(calls))), empty)
    if call.get("id"):
        state["id"] = call["id"]
    function = fields(call.get("function"))
    for key in ("name", "arguments"):
        state["function"][key] += words(function.get(key))


def _finish_message(message: dict[str, Any]) -> None:
    for key in ("content", "refusal", "reasoning_content", "reasoning"):
        if key in message:
            message[key] = "".join(message[key])
    calls = message.pop("_calls", None)
    if calls:
        message["tool_calls"] = list(calls.values())


def _join_responses(events: Sequence[Chunk]) -> dict[str, Any]:
    last: dict[str, Any] = {}
    done: list[Any] = []
    text: list[str] = []
    for event in events:
        if isinstance(event.get("response"), dict):
            last = dict(event["response"])
        kind = event.get("type")
        if kind == "response.output_item.done":
            done.append(event.get("item"))
        elif kind == "response.output_text.delta" and isinstance(event.get("delta"), str):
            text.append(event["delta"])
        elif kind == "error":
            last.setdefault("error", dict(event))
    last.setdefault("object", "response")
    if not last.get("output"):
        last["output"] = done or ([_text_item("".join(text))] if text else [])
    return last


def _text_item(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def _join_ollama(events: Sequence[Chunk]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    text: dict[str, list[str]] = {"content": [], "thinking": [], "response": []}
    calls: list[Any] = []
    for event in events:
        message = event.get("message")
        holder = message if isinstance(message, dict) else event
        for key, pieces in text.items():
            if isinstance(holder.get(key), str):
                pieces.append(holder[key])
        calls.extend(objects(holder.get("tool_calls")))
        body.update(event)
    if isinstance(body.get("message"), dict):
        body["message"] = {"role": "assistant", "content": "".join(text["content"]), "tool_calls": calls}
        if text["thinking"]:
            body["message"]["thinking"] = "".join(text["thinking"])
    elif "response" in body:
        body["response"] = "".join(text["response"])
    return body


_JOINERS: dict[str, Callable[[Sequence[Chunk]], dict[str, Any]]] = {
    "chat": _join_chat,
    "responses": _join_responses,
    "anthropic": join_anthropic,
    "gemini": join_gemini,
    "converse": join_converse,
    "ollama": _join_ollama,
}
