"""What a reviewer sees of one answer: the request, and the answers without their makers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.store import Store

MOST_CHARACTERS = 20_000
"""Of one text; the rest is cut, and a line says so."""

_ITEMS = """
SELECT i.item, i.replay_id, i.request_id, i.candidate_first, i.twice, p.text, p.tool_calls,
       COALESCE(w.name, '') AS workflow
FROM review_item AS i
LEFT JOIN replay AS p ON p.replay_id = i.replay_id
LEFT JOIN request AS r ON r.request_id = i.request_id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
WHERE i.review = $review
ORDER BY i.item
"""
_SEGMENTS = """
SELECT s.request_id, s.direction, s.role, s.kind, c.text
FROM segment AS s
JOIN content AS c ON c.content_hash = s.content_hash
WHERE s.request_id IN (SELECT request_id FROM review_item WHERE review = $review)
  AND s.kind NOT IN ('tools', 'reasoning')
ORDER BY s.request_id, s.position
"""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to rate: the turns before the answer as (role, text), and one answer or two.

    Two answers stand in an order drawn by chance; nothing here tells which of them was logged. `item` is opaque.
    """

    item: str
    workflow: str
    turns: tuple[tuple[str, str], ...]
    answers: tuple[str, ...]
    twice: bool


def items(store: Store, review: str) -> list[Item]:
    """The answers of a draw in an order of chance (that of their opaque names)."""
    turns: dict[int, list[tuple[str, str]]] = {}
    logged: dict[int, list[str]] = {}
    for row in store.rows(_SEGMENTS, review=review):
        text = row["text"] if row["text"] is not None else "(the text was not kept)"
        if row["direction"] == "output":
            logged.setdefault(row["request_id"], []).append(_call(text) if row["kind"] == "tool_call" else text)
        else:
            turns.setdefault(row["request_id"], []).append((str(row["role"] or row["kind"]), cut(text)))
    return [
        _item(row, turns.get(row["request_id"], ()), "\n".join(logged.get(row["request_id"], ())))
        for row in store.rows(_ITEMS, review=review)
    ]


def _item(row: Mapping[str, Any], turns: Sequence[tuple[str, str]], logged: str) -> Item:
    answers = [cut(logged)]
    if row["replay_id"] is not None:
        calls = [_call(json.dumps(call, ensure_ascii=False)) for call in json.loads(row["tool_calls"] or "[]")]
        candidate = cut("\n".join(filter(None, (row["text"], *calls))))
        answers = [candidate, *answers] if row["candidate_first"] else [*answers, candidate]
    return Item(row["item"], row["workflow"], tuple(turns), tuple(answers), bool(row["twice"]))


def _call(text: str) -> str:
    """A tool call as both sides write it, so that its layout does not tell who made it."""
    try:
        call = json.loads(text)
        arguments = call.get("arguments")
        if isinstance(arguments, str):
            arguments = json.loads(arguments)
        return f"calls {call.get('name')}({json.dumps(arguments, ensure_ascii=False, sort_keys=True, indent=1)})"
    except (ValueError, AttributeError):
        return text


def cut(text: str) -> str:
    """The text, shortened to what a person would read."""
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]}\n[… {len(text) - MOST_CHARACTERS:,} more characters]"
