"""What a reviewer sees of one answer: the request, and the answers without their makers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.scoring import Transcript, answer_text, transcripts
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
    rows = store.rows(_ITEMS, review=review)
    found = transcripts(store, [row["request_id"] for row in rows])
    return [_item(row, found[row["request_id"]]) for row in rows]


def _item(row: Mapping[str, Any], transcript: Transcript) -> Item:
    answers = [cut(transcript.answer)]
    if row["replay_id"] is not None:
        candidate = cut(answer_text(row["text"], row["tool_calls"]))
        answers = [candidate, *answers] if row["candidate_first"] else [*answers, candidate]
    turns = tuple((role, cut(text)) for role, text in transcript.turns)
    return Item(row["item"], row["workflow"], turns, tuple(answers), bool(row["twice"]))


def cut(text: str) -> str:
    """The text, shortened to what a person would read."""
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]}\n[… {len(text) - MOST_CHARACTERS:,} more characters]"
