"""Streams that come in blocks and parts: Anthropic, Gemini and Bedrock events joined into one response body."""

from __future__ import annotations

from typing import Any

from audit.wire.joiner import Chunk, Joiner
from audit.wire.shape import fields, objects, words
from audit.wire.text import maybe_json


class AnthropicJoiner(Joiner):
    """Messages API events; input counts come first, the cumulative output count last."""

    def __init__(self) -> None:
        self._body: dict[str, Any] = {"type": "message", "role": "assistant", "content": []}
        self._blocks: dict[Any, dict[str, Any]] = {}
        self._usage: dict[str, Any] = {}

    def add(self, event: Chunk) -> None:
        """Take an event; pings and kinds nobody knows are passed over."""
        kind = event.get("type")
        if kind == "message_start" and isinstance(event.get("message"), dict):
            self._body.update(event["message"])
        elif kind == "content_block_start" and isinstance(event.get("content_block"), dict):
            block = dict(event["content_block"])
            self._blocks[str(event.get("index", len(self._blocks)))] = block
            # blocks of text and thinking start empty; others say in their start what they are
            spoken = block.get(str(block["type"])) if block.get("type") in ("text", "thinking") else True
            self.begun = self.begun or bool(spoken)
        elif kind == "content_block_delta" and isinstance(event.get("delta"), dict):
            block = self._blocks.setdefault(str(event.get("index", 0)), {"type": "text", "text": ""})
            self.begun = _add_block(block, event["delta"]) or self.begun
        elif kind == "message_delta":
            self._body.update({key: value for key, value in fields(event.get("delta")).items() if value is not None})
        elif kind == "error":
            self._body["error"] = event.get("error") or dict(event)
        self.complete = self.complete or kind == "message_stop" or bool(self._body.get("stop_reason"))
        self._count(event)

    def _count(self, event: Chunk) -> None:
        for holder in (event.get("message"), event):
            counts = holder.get("usage") if isinstance(holder, dict) else None
            if isinstance(counts, dict):
                _add_counts(self._usage, counts)
        metrics = event.get("amazon-bedrock-invocationMetrics")
        if isinstance(metrics, dict):
            self._body["amazon-bedrock-invocationMetrics"] = metrics

    def body(self) -> dict[str, Any]:
        """One message."""
        content = [_finish_block(dict(block)) for block in self._blocks.values()]
        return {**self._body, "content": content or self._body["content"], "usage": self._usage or None}


def _add_counts(usage: dict[str, Any], counts: Chunk) -> None:
    # counts are cumulative: the last output replaces the 1 of message_start; some proxies send 0 for known inputs
    for key, value in counts.items():
        known = usage.get(key)
        if value is not None and not (type(known) is int and type(value) is int and known > value):
            usage[key] = value


def _add_block(block: dict[str, Any], delta: Chunk) -> bool:
    """Take a piece of a block; whether it says anything. Signatures and citations are about what was said."""
    said = False
    for source, target in (("text", "text"), ("thinking", "thinking"), ("partial_json", "_json")):
        if isinstance(delta.get(source), str):
            block.setdefault("_" + target, []).append(delta[source])
            said = said or bool(delta[source])
    return said


def _finish_block(block: dict[str, Any]) -> dict[str, Any]:
    for key in ("text", "thinking"):
        pieces = block.pop("_" + key, None)
        if pieces:
            block[key] = str(block.get(key) or "") + "".join(pieces)
    pieces = block.pop("__json", None)
    if pieces:
        block["input"] = maybe_json("".join(pieces))
    return block


class GeminiJoiner(Joiner):
    """Pieces of a streamed generateContent; the last one holds the usage."""

    def __init__(self) -> None:
        self._body: dict[str, Any] = {}
        self._candidates: dict[Any, dict[str, Any]] = {}

    def add(self, event: Chunk) -> None:
        """Take a piece."""
        self._body.update({key: value for key, value in event.items() if key != "candidates" and value is not None})
        for candidate in objects(event.get("candidates")):
            _add_candidate(self._candidates.setdefault(str(candidate.get("index", 0)), {}), candidate)

    def body(self) -> dict[str, Any]:
        """One answer of generateContent."""
        return {**self._body, "candidates": list(self._candidates.values())}


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


class ConverseJoiner(Joiner):
    """Events of ConverseStream; the metadata event holds usage and latency."""

    def __init__(self) -> None:
        self._body: dict[str, Any] = {}
        self._blocks: dict[Any, dict[str, Any]] = {}

    def add(self, event: Chunk) -> None:
        """Take an event."""
        start, delta = fields(event.get("contentBlockStart")), fields(event.get("contentBlockDelta"))
        if start:
            self._blocks[str(start.get("contentBlockIndex", 0))] = dict(fields(start.get("start")))
        if delta:
            block = self._blocks.setdefault(str(delta.get("contentBlockIndex", 0)), {})
            _add_converse(block, fields(delta.get("delta")))
        if isinstance(event.get("messageStop"), dict):
            self._body["stopReason"] = event["messageStop"].get("stopReason")
        self._body.update(fields(event.get("metadata")))

    def body(self) -> dict[str, Any]:
        """One answer of Converse."""
        return {**self._body, "output": {"message": {"role": "assistant", "content": list(self._blocks.values())}}}


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
