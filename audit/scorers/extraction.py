"""Extraction: valid JSON, every required field equal, and leaf-path F1 of at least .95."""

from __future__ import annotations

from audit.scorers import Answer, Context, Score, Scorer
from audit.scorers._normalise import find_json
from audit.scorers._schema import violation
from audit.scorers._trees import difference, leaf_match, partial

_MIN_F1 = 0.95


def _judge(reference: Answer, candidate: Answer, context: Context) -> Score:
    logged, found = find_json(reference.text), find_json(candidate.text)
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
    note = " (inside a code fence)" if found.wrapped == "fence" and logged.wrapped == "bare" else ""
    return Score(value, True, f"all fields equal{note}")


SCORER = Scorer("extraction", "1", ("extraction",), _judge)
