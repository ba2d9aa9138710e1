"""What became of an answer, from the scores and feedback that gateways and tracers keep beside a call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.wire.columns import normal
from audit.wire.text import label, maybe_json

NAMES = (
    "outcome", "user_feedback", "feedback", "feedback_rating", "helicone_score_feedback", "user_score", "user_rating",
    "rating", "thumbs", "thumbs_up", "resolved", "resolution", "accepted", "helpful", "task_success", "success", "csat",
)  # fmt: skip
"""Scores that people or the product give, in the order they are believed; other scores are evaluations of a part."""


def outcome_of(scores: Any) -> str | None:
    """The outcome among scores by name, or in a list of {name or key, value or score}; None when none tells.

    A score between 0 and 1, such as a mean, is `positive` from one half on; other values keep their words.
    """
    found = {normal(name): value for name, value in _pairs(maybe_json(scores))}
    for name in NAMES:
        word = word_of(found.get(name))
        if word is not None:
            return word
    return None


def _pairs(scores: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(scores, Mapping):
        return [(str(name), value) for name, value in scores.items()]
    if isinstance(scores, list):
        return [
            (str(score.get("name") or score.get("key") or ""), score) for score in scores if isinstance(score, Mapping)
        ]
    return ()


def word_of(value: Any) -> str | None:
    """A score, a truth value, or an object or list that holds one, as a word; None when there is none."""
    value = maybe_json(value)
    if isinstance(value, list):
        return word_of(value[-1]) if value else None
    if isinstance(value, Mapping):
        for key in ("stringValue", "string_value", "value", "score", "avg", "rating", "thumbs", "label"):
            word = word_of(value.get(key))
            if word is not None:
                return word
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and 0 < value < 1:
        return "positive" if value >= 0.5 else "negative"
    return label(value)
