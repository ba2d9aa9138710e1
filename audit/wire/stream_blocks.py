"""Streams that come in blocks and parts: Anthropic, Gemini and Bedrock events joined into one response body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit.wire.shape import fields, objects, words
from audit.wire.text import maybe_json

Chunk = Mapping[str, Any]


def join_anthropic(events: Sequence[Chunk]) -> dict[str, Any]:
    """Messages API events; input counts come first, the cumulative output count last."""
    body: dict[str, Any] = {"type": "message", "role": "assistant", "content": []}
    blocks: dict[Any, dict[str, Any]] = {}
    usage: dict[str, Any] = {}
    for event in events:
        kind = event.get("type")
        if kind == "message_start" and isinstance(event.get("message"), dict):
            body.update(event["message"])
        elif kind == "content_block_start" and isinstance(event.get("content_block"), dict):
            blocks[str(event.get("index", len(blocks)))] = dict(event["content_block"])
        elif kind == "content_block_delta" and isinstance(event.get("delta"), dict):
            _add_block(blocks.setdefault(str(event.get("index", 0)), {"type": "text", "text": ""}), event["delta"])
        elif kind == "message_delta":
            body.update({key: value for key, value in fields(event.get("delta")).items() if value is not None})
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


def join_gemini(events: Sequence[Chunk]) -> dict[str, Any]:
    """Pieces of a streamed generateContent; the last one holds the usage."""
    body: dict[str, Any] = {}
    candidates: dict[Any, dict[str, Any]] = {}
    for event in events:
        body.update({key: value for key, value in event.items() if key != "candidates" and value is not None})
        for candidate in objects(event.get("candidates")):
            _add_candidate(candidates.setdefault(str(candidate.get("index", 0)), {}), candidate)
    body["candidates"] = list(candidates.values())
    return body


def _add_candidate(state: dict[str, Any], candidate: Chunk) -> None:
    parts = state.setdefault("content", {"role": "model", "parts": []})["parts"]
    state.update({key: value for key, value in candidate.items() if key != "content" and value is not None})
    for part in objects(fields(candidate.get("content")).get("parts")):
        if parts and _is_plain(part) and _is_plain(parts[-1]) and parts[-1].get("thought") == part.get("thought"):
            parts[-1] = {**part, "text": parts[-1]["text"] + part["text"]}
        else:
            parts.append(part)


def _is_plain(part: Chunk) -> bool:
    return part.keys() <= {"text", "thought"} and isinstance(part.get("text"), str)


def join_converse(events: Sequence[Chunk]) -> dict[str, Any]:
    """Events of ConverseStream; the metadata event holds usage and latency."""
    blocks: dict[Any, dict[str, Any]] = {}
    body: dict[str, Any] = {}
    for event in events:
        start, delta = fields(event.get("contentBlockStart")), fields(event.get("contentBlockDelta"))
        if start:
            blocks[str(start.get("contentBlockIndex", 0))] = dict(fields(start.get("start")))
        if delta:
            block = blocks.setdefault(str(delta.get("contentBlockIndex", 0)), {})
            _add_converse(block, fields(delta.get("delta")))
        if isinstance(event.get("messageStop"), dict):
            body["stopReason"] = event["messageStop"].get("stopReason")
        body.update(fields(event.get("metadata")))
    body["output"] = {"message": {"role": "assistant", "content": list(blocks.values())}}
    return body


def _add_converse(block: dict[str, Any], delta: Chunk) -> None:
    if isinstance(delta.get("text"), str):
        block["text"] = words(block.get("text"), delta["text"])
    if isinstance(delta.get("toolUse"), dict):
        use = dict(fields(block.get("toolUse")))
        use["input"] = words(use.get("input"), delta["toolUse"].get("input"))
        block["toolUse"] = use
    if isinstance(delta.get("reasoningContent"), dict):
        known = fields(block.get("reasoningContent"))
        block["reasoningContent"] = {"text": words(known.get("text"), delta["reasoningContent"].get("text"))}
