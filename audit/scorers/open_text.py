"""Text that is wording: only a judge or a person can tell; similarity never passes an answer."""

from __future__ import annotations

from audit.scorers import Answer, Context, Score, Scorer
from audit.scorers._facts import differences
from audit.scorers._normalise import overlap


def _judge(reference: Answer, candidate: Answer, context: Context) -> Score:
    del context
    if reference.text.split() == candidate.text.split():
        return Score(1.0, True, "the same text as the logged answer")
    value = overlap(reference.text, candidate.text)
    changed = differences(reference.text, candidate.text)
    note = f"; {', '.join(changed)}" if changed else ""
    return Score(value, None, f"needs a judge or a person{note}")


SCORER = Scorer("open_text", "2", ("summary", "rewrite", "translation", "drafting"), _judge)
