"""Short answers: equal once normalised, or equal in value, or the answer in a plain sentence; else a judge."""

from __future__ import annotations

from audit.scorers import Answer, Context, Score, Scorer
from audit.scorers._facts import differences
from audit.scorers._normalise import normalise, overlap
from audit.scorers._typed import carried, compare_typed, truth


def _judge(reference: Answer, candidate: Answer, context: Context) -> Score:
    expected, found = normalise(reference.text), normalise(candidate.text)
    if expected == found:
        return Score(1.0, True, "same answer")
    equal = compare_typed(reference.text, candidate.text)
    if equal is not None:
        return Score(float(equal), equal, "same value" if equal else "another value")
    if carried(reference.text, candidate.text, context.user):
        return Score(1.0, True, "the answer in a sentence")
    value = overlap(reference.text, candidate.text)
    if _contradicts(reference.text, found):
        return Score(value, False, "yes against no")
    changed = differences(reference.text, candidate.text)
    note = f"; {', '.join(changed)}" if changed else ""
    return Score(value, None, f"worded differently: needs a judge or a person{note}")


def _contradicts(reference: str, found: str) -> bool:
    """A plain yes or no answered by a sentence that opens with the opposite and never says the other."""
    expected = truth(reference)
    opening = truth(found.split()[0]) if found else None
    return expected is not None and opening is not None and opening != expected and reference.casefold() not in found


SCORER = Scorer("short_answer", "1", ("short_answer",), _judge)
