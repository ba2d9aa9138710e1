"""Classification: the candidate gives the same label."""

from __future__ import annotations

import re

from audit.scorers import Answer, Context, Score, Scorer
from audit.scorers._normalise import find_json, is_document, normalise, overlap
from audit.scorers._schema import violation
from audit.scorers._trees import difference, leaf_match


def _judge(reference: Answer, candidate: Answer, context: Context) -> Score:
    logged = find_json(reference.text)
    if logged is not None and is_document(logged.value):
        return _judge_json(logged.value, candidate, context)
    expected, found = normalise(reference.text), normalise(candidate.text)
    if expected == found:
        return Score(1.0, True, "same label")
    if context.labels is None:
        return _open_set(expected, found)
    if found in context.labels:
        return Score(0.0, False, "another label of the set")
    named = {label for label in context.labels | {expected} if _names(found, label)}
    if expected in named and not any(label != expected and label not in expected for label in named):
        return Score(overlap(expected, found), None, "names the label among other words")
    return Score(0.0, False, "not a label of the set")


def _open_set(expected: str, found: str) -> Score:
    """Without a closed set two different labels may still mean the same."""
    return Score(overlap(expected, found), None, "another label, and the set of labels is not known")


def _names(text: str, label: str) -> bool:
    return bool(label) and re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text) is not None


def _judge_json(expected: object, candidate: Answer, context: Context) -> Score:
    found = find_json(candidate.text)
    if found is None:
        return Score(0.0, False, "not JSON")
    value = leaf_match(expected, found.value).f1
    broken = violation(context.schema, found.value) if context.schema else None
    if broken:
        return Score(value, False, f"breaks the schema: {broken}")
    parts = difference(expected, found.value, context.schema)
    if parts.wrong:
        return Score(value, False, "another label")
    if parts.free_text:
        return Score(value, None, "same label, other explanation")
    return Score(value, True, "same label")


SCORER = Scorer("classification", "1", ("classification",), _judge)
