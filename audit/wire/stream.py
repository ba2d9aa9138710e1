"""Streamed responses as logs hold them, server-sent event text or lists of chunks, joined into one response body."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

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
        for choice in event.get("choices") or ():
            if isinstance(choice, dict):
                _add_choice(choices, choice)
    body["choices"] = list(choices.values())
    for choice in body["choices"]:
        _finish_message(choice["message"])
    return body


def _add_choice(choices: dict[Any, dict[str, Any]], choice: Chunk) -> None:
    index = choice.get("index", 0)
    state = choices.setdefault(index, {"index": index, "message": {"role": "assistant"}, "finish_reason": None})
    if choice.get("finish_reason"):
        state["finish_reason"] = choice["finish_reason"]
    message = state["message"]
    delta = choice.get("delta") or choice.get("message") or {}
    if isinstance(choice.get("text"), str):
        delta = {"content": choice["text"]}
    if not isinstance(delta, dict):
        return
    for key in ("content", "refusal", "reasoning_content", "reasoning"):
        if isinstance(delta.get(key), str):
            message.setdefault(key, []).append(delta[key])
    for call in delta.get("tool_calls") or ():
        if isinstance(call, dict):
            _add_call(message.setdefault("_calls", {}), call)


def _add_call(calls: dict[Any, dict[str, Any]], call: Chunk) -> None:
    empty = {"type": "function", "function": {"name": "", "arguments": ""}}
    state = calls.setdefault(call.get("index", len(calls)), empty)
    if call.get("id"):
        state["id"] = call["id"]
    function = call.get("function")
    if isinstance(function, dict):
        for key in ("name", "arguments"):
            if isinstance(function.get(key), str):
                state["function"][key] += function[key]


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


def _join_anthropic(events: Sequence[Chunk]) -> dict[str, Any]:
    body: dict[str, Any] = {"type": "message", "role": "assistant", "content": []}
    blocks: dict[Any, dict[str, Any]] = {}
    usage: dict[str, Any] = {}
    for event in events:
        kind = event.get("type")
        if kind == "message_start" and isinstance(event.get("message"), dict):
            body.update(event["message"])
        elif kind == "content_block_start" and isinstance(event.get("content_block"), dict):
            blocks[event.get("index", len(blocks))] = dict(event["content_block"])
        elif kind == "content_block_delta" and isinstance(event.get("delta"), dict):
            _add_block(blocks.setdefault(event.get("index", 0), {"type": "text", "text": ""}), event["delta"])
        elif kind == "message_delta":
            body.update({key: value for key, value in (event.get("delta") or {}).items() if value is not None})
        elif kind == "error":
            body["error"] = event.get("error") or dict(event)
        for holder in (event.get("message"), event):
            counts = holder.get("usage") if isinstance(holder, dict) else None
            if isinstance(counts, dict):
                _add_counts(usage, counts)
        metrics = event.get("amazon-bedrock-invocationMetrics")
        if isinstance(metrics, dict):
            body["amazon-bedrock-invocationMetrics"] = metrics
    body["content"] = [_finish_block(block) for block in blocks.values()] or body["content"]
    body["usage"] = usage or None
    return body


def _add_counts(usage: dict[str, Any], counts: Chunk) -> None:
    # counts are cumulative: the last output replaces the 1 of message_start; some proxies send 0 for known inputs
    for key, value in counts.items():
        known = usage.get(key)
        if value is not None and not (type(known) is int and type(value) is int and known > value):
            usage[key] = value


def _add_block(block: dict[str, Any], delta: Chunk) -> None:
    for source, target in (("text", "text"), ("thinking", "thinking"), ("partial_json", "_json")):
        if isinstance(delta.get(source), str):
            block.setdefault("_" + target, []).append(delta[source])


def _finish_block(block: dict[str, Any]) -> dict[str, Any]:
    for key in ("text", "thinking"):
        pieces = block.pop("_" + key, None)
        if pieces:
            block[key] = str(block.get(key) or "") + "".join(pieces)
    pieces = block.pop("__json", None)
    if pieces:
        block["input"] = maybe_json("".join(pieces))
    return block


def _join_gemini(events: Sequence[Chunk]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    candidates: dict[Any, dict[str, Any]] = {}
    for event in events:
        body.update({key: value for key, value in event.items() if key != "candidates" and value is not None})
        for candidate in event.get("candidates") or ():
            if isinstance(candidate, dict):
                _add_candidate(candidates.setdefault(candidate.get("index", 0), {}), candidate)
    body["candidates"] = list(candidates.values())
    return body


def _add_candidate(state: dict[str, Any], candidate: Chunk) -> None:
    parts = state.setdefault("content", {"role": "model", "parts": []})["parts"]
    state.update({key: value for key, value in candidate.items() if key != "content" and value is not None})
    content = candidate.get("content")
    new = content.get("parts") if isinstance(content, dict) else None
    for part in new or ():
        plain = isinstance(part, dict) and set(part) <= {"text", "thought"} and isinstance(part.get("text"), str)
        if plain and parts and set(parts[-1]) == set(part):
            parts[-1] = {**part, "text": parts[-1]["text"] + part["text"]}
        else:
            parts.append(part)


def _join_converse(events: Sequence[Chunk]) -> dict[str, Any]:
    blocks: dict[Any, dict[str, Any]] = {}
    body: dict[str, Any] = {}
    for event in events:
        start, delta = event.get("contentBlockStart"), event.get("contentBlockDelta")
        if isinstance(start, dict):
            blocks[start.get("contentBlockIndex", 0)] = dict(start.get("start") or {})
        if isinstance(delta, dict):
            _add_converse(blocks.setdefault(delta.get("contentBlockIndex", 0), {}), delta.get("delta") or {})
        if isinstance(event.get("messageStop"), dict):
            body["stopReason"] = event["messageStop"].get("stopReason")
        if isinstance(event.get("metadata"), dict):
            body.update(event["metadata"])
    body["output"] = {"message": {"role": "assistant", "content": list(blocks.values())}}
    return body


def _add_converse(block: dict[str, Any], delta: Chunk) -> None:
    if isinstance(delta.get("text"), str):
        block["text"] = block.get("text", "") + delta["text"]
    tool, reasoning = delta.get("toolUse"), delta.get("reasoningContent")
    if isinstance(tool, dict):
        use = dict(block.get("toolUse") or {})
        use["input"] = str(use.get("input") or "") + str(tool.get("input") or "")
        block["toolUse"] = use
    if isinstance(reasoning, dict) and isinstance(reasoning.get("text"), str):
        block["reasoningContent"] = {"text": (block.get("reasoningContent") or {}).get("text", "") + reasoning["text"]}


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
        calls.extend(holder.get("tool_calls") or ())
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
    "anthropic": _join_anthropic,
    "gemini": _join_gemini,
    "converse": _join_converse,
    "ollama": _join_ollama,
}
