"""Extraction: valid JSON, every required field equal, and leaf-path F1 of at least .95."""

from __future__ import annotations

from audit.scorers import Answer, Context, Score, Scorer
from audit.scorers._normalise import Json, find_json, given_json
from audit.scorers._schema import violation
from audit.scorers._trees import difference, leaf_match, partial

_MIN_F1 = 0.95


def _judge(reference: Answer, candidate: Answer, context: Context) -> Score:
    logged, found = find_json(reference.text), given_json(candidate.text)
    if logged is None:
        return Score(0.0, None, "the logged answer is not JSON")
    if found is None:
        return Score(0.0, False, "not JSON")
    match = leaf_match(logged.value, found.value)
    value = match.f1
    broken = violation(context.schema, found.value) if context.schema else None
    if broken and not (context.schema and violation(context.schema, logged.value)):
        return Score(value, False, f"breaks the schema: {broken}")
    parts = difference(logged.value, found.value, context.schema)
    if parts.wrong:
        value = partial(value, len(parts.wrong), match.reference)
        return Score(value, False, f"{len(parts.wrong)} of {match.reference} fields differ")
    if parts.free_text:
        facts = ", hard facts too" if parts.facts else ""
        return Score(value, None, f"{len(parts.free_text)} free-text fields are worded differently{facts}")
    if value < _MIN_F1:
        return Score(value, False, f"leaf F1 {value:.2f} below {_MIN_F1}")
    return wrapped(Score(value, True, "all fields equal"), logged, found)


def wrapped(score: Score, logged: Json, found: Json) -> Score:
    """A passed score with what stands around the JSON: a fence is told, and prose leaves it undecided.

    A program that reads the answers has to strip either; nobody can tell from here whether it does.
    """
    if found.wrapped == logged.wrapped or found.wrapped == "bare":
        return score
    if found.wrapped == "fence":
        return Score(score.value, score.passed, f"{score.reason} (inside a code fence)")
    return Score(score.value, None, f"{score.reason}, but text stands around the JSON")


SCORER = Scorer("extraction", "2", ("extraction",), _judge)
