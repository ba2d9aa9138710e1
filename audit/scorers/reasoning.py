"""Reasoning and open questions: the final answer counts where both texts come to one; else a judge or a person."""

from __future__ import annotations

from audit.scorers import Answer, Context, Score, Scorer
from audit.scorers._beyond import asks_who, same_beyond
from audit.scorers._doubt import ANOTHER_NAME, with_doubt
from audit.scorers._facts import differences
from audit.scorers._final import same_final
from audit.scorers._normalise import overlap


def _judge(reference: Answer, candidate: Answer, context: Context) -> Score:
    return with_doubt(_compared(reference, candidate, context), reference.text, context)


def _compared(reference: Answer, candidate: Answer, context: Context) -> Score:
    if reference.text.split() == candidate.text.split():
        return Score(1.0, True, "the same text as the logged answer")
    found = same_final(reference.text, candidate.text, context.user)
    if found.equal is not None:
        return Score(float(found.equal), found.equal, found.reason)
    added = same_beyond(reference.text, candidate.text, context.user) if asks_who(context.user) else None
    if added is not None:
        return Score(float(added), added, "the same beyond the question" if added else ANOTHER_NAME)
    reasons = [f"{found.reason}: needs a judge or a person", *differences(reference.text, candidate.text)]
    return Score(overlap(reference.text, candidate.text), None, "; ".join(reasons))


SCORER = Scorer("reasoning", "6", ("reasoning", "open", "mixed", "unknown"), _judge)
