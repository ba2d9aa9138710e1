"""What made a prompt or an answer so long, read from its text where the log has it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pyarrow as pa

from audit.store import Store

_ENCODED = re.compile(r"[A-Za-z0-9+/=]{400,}")
_LOOP_RATIO = 0.5
_USER_SHARE = 0.2
_WORKFLOW_SHARE = 0.5
_LEAST_OUTLIERS = 5
_LENGTH = ("length", "max_tokens", "max_output_tokens")
# what the longest part of a prompt is called where nothing more telling is found
_LONG_PART = {
    "user": "long_message", "retrieved": "long_context", "system": "long_instructions",
    "tools": "long_tool_definitions", "example": "long_examples",
}  # fmt: skip

_FACTS = """
SELECT o.request_id, o.meter, LOWER(COALESCE(r.finish_reason, '')) AS finish_reason, r.user_id, r.workflow_id,
       o.excess_cost_pico
FROM flagged_outlier AS o JOIN request AS r ON r.request_id = o.request_id
"""

_TEXTS = """
SELECT o.request_id, o.meter, s.kind, s.content_hash, s.tokens, c.text
FROM (SELECT DISTINCT request_id, meter FROM flagged_outlier) AS o
JOIN segment AS s ON s.request_id = o.request_id AND s.direction = o.meter
JOIN content AS c ON c.content_hash = s.content_hash
WHERE o.request_id >= $first AND o.request_id <= $last
ORDER BY o.request_id, o.meter, s.position
"""
_CHUNK = 500


def causes(store: Store, found: list[dict[str, Any]]) -> dict[tuple[int, str], str]:
    """The likely cause of each outlier, by (request_id, meter): what its text shows, else a user who stands out, else
    the part that makes up most of the prompt."""
    if not found:
        return {}
    columns = ("request_id", "meter", "excess_cost_pico")
    store.replace("flagged_outlier", pa.Table.from_pylist([{name: row[name] for name in columns} for row in found]))
    facts = store.rows(_FACTS)
    heavy = _heavy_users(facts)
    texts, parts = _text_causes(store, sorted({row["request_id"] for row in found}))
    reasons: dict[tuple[int, str], str] = {}
    for fact in facts:
        place = (fact["request_id"], fact["meter"])
        if fact["meter"] == "output" and fact["finish_reason"] in _LENGTH:
            reasons[place] = "loop" if texts.get(place) == "loop" else "truncated"
        elif texts.get(place):
            reasons[place] = texts[place]
        else:
            abuse = not heavy.isdisjoint({(fact["user_id"], None), (fact["user_id"], fact["workflow_id"])})
            reasons[place] = "one_user" if abuse else parts.get(place, "unknown")
    return reasons


def _heavy_users(facts: list[dict[str, Any]]) -> set[tuple[str, int | None]]:
    """Users who alone make up more than a fifth of the outliers' excess dollars (with None), or most of those of one
    workflow in five outliers or more (with that workflow)."""
    excess: Counter[tuple[str | None, int | None]] = Counter()
    often: Counter[tuple[str | None, int | None]] = Counter()
    for fact in facts:
        for user in {None, fact["user_id"]}:
            for workflow in {None, fact["workflow_id"]}:
                excess[user, workflow] += fact["excess_cost_pico"]
                often[user, workflow] += 1
    return {
        (user, workflow)
        for (user, workflow), cost in excess.items()
        if user is not None
        and cost > (_USER_SHARE if workflow is None else _WORKFLOW_SHARE) * excess[None, workflow]
        and (workflow is None or often[user, workflow] >= _LEAST_OUTLIERS)
    }


def _text_causes(store: Store, request_ids: list[int]) -> tuple[dict[tuple[int, str], str], dict[tuple[int, str], str]]:
    """What the texts show, and which part is most of the prompt; both by (request_id, meter)."""
    reasons: dict[tuple[int, str], str] = {}
    parts_of: dict[tuple[int, str], str] = {}
    for start in range(0, len(request_ids), _CHUNK):
        chunk = request_ids[start : start + _CHUNK]
        segments: dict[tuple[int, str], list[dict[str, Any]]] = {}
        for row in store.rows(_TEXTS, first=chunk[0], last=chunk[-1]):
            segments.setdefault((row["request_id"], row["meter"]), []).append(row)
        for place, parts in segments.items():
            reason = _output_cause(parts) if place[1] == "output" else _input_cause(parts)
            if reason:
                reasons[place] = reason
            elif place[1] == "input" and (part := _long_part(parts)):
                parts_of[place] = part
    return reasons, parts_of


def _input_cause(parts: list[dict[str, Any]]) -> str:
    tokens = sum(part["tokens"] or 0 for part in parts) or 1
    hashes = Counter(part["content_hash"] for part in parts if (part["tokens"] or 0) >= 64)
    if any(times > 1 for times in hashes.values()):
        return "repeated_text"
    if any(part["text"] and _ENCODED.search(part["text"]) for part in parts):
        return "encoded_data"
    if sum(part["tokens"] or 0 for part in parts if part["kind"] in ("history", "tool_result")) > tokens / 2:
        return "history"
    return "repeated_text" if any(loop_ratio(part["text"] or "") > _LOOP_RATIO for part in parts) else ""


def _long_part(parts: list[dict[str, Any]]) -> str:
    """The kind of text that alone makes up more than half of a prompt."""
    by_kind: Counter[str] = Counter()
    for part in parts:
        by_kind[part["kind"]] += part["tokens"] or 0
    kind, tokens = by_kind.most_common(1)[0]
    return _LONG_PART.get(kind, "") if 2 * tokens > by_kind.total() else ""


def _output_cause(parts: list[dict[str, Any]]) -> str:
    text = " ".join(part["text"] or "" for part in parts)
    if loop_ratio(text) > _LOOP_RATIO:
        return "loop"
    return "encoded_data" if _ENCODED.search(text) else ""


def loop_ratio(text: str, size: int = 8) -> float:
    """Share of the word 8-grams of a text that occurred in it before; near 1 for an answer that loops."""
    words = text.split()[:20_000]
    if len(words) < 4 * size:
        return 0.0
    grams = [tuple(words[i : i + size]) for i in range(len(words) - size + 1)]
    return 1 - len(set(grams)) / len(grams)
