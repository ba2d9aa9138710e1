"""Reasoning: the final answer counts where both texts state one; the way there is for a person."""

from __future__ import annotations

import re

from audit.scorers import Answer, Context, Score, Scorer
from audit.scorers._normalise import normalise, overlap
from audit.scorers._typed import compare_typed

_MARKER = re.compile(
    r"^[^\w\n]{0,20}(?:(?:so|therefore|thus|hence),? )?(?:(?:the )?(?:final )?answer|result"
    r"|endergebnis|antwort|réponse(?: finale)?|respuesta(?: final)?)\**"
    r"[ \t]*(?:is|:|=)\**[ \t]*:?\s{0,20}(?P<a>[^\n]+)|####[ \t]*(?P<b>[^\n]+)",
    re.IGNORECASE | re.MULTILINE,
)
_BOXED = re.compile(r"\\boxed\{(?P<c>(?:[^{}]|\{[^{}]*\})+)\}")
_LONGEST = 120


def final_answer(text: str) -> str | None:
    """The last stated final answer of a text (`\\boxed{…}`, `#### …`, `Final answer: …`), None when there is none."""
    boxed = [match["c"] for match in _BOXED.finditer(text)]
    if boxed:
        return boxed[-1].strip()
    stated = [match["a"] or match["b"] for match in _MARKER.finditer(text)]
    answer = stated[-1].strip().strip("*$ ") if stated else ""
    return answer if 0 < len(answer) <= _LONGEST else None


def _judge(reference: Answer, candidate: Answer, context: Context) -> Score:
    del context
    if reference.text.split() == candidate.text.split():
        return Score(1.0, True, "the same text as the logged answer")
    value = overlap(reference.text, candidate.text)
    ours, theirs = final_answer(reference.text), final_answer(candidate.text)
    if ours is None or theirs is None:
        return Score(value, None, "no final answer stated: needs a person")
    if normalise(ours) == normalise(theirs):
        return Score(1.0, True, "same final answer")
    equal = compare_typed(ours, theirs)
    if equal is not None:
        return Score(float(equal), equal, "same final value" if equal else "another final value")
    return Score(value, None, "final answers are worded differently: needs a person")


SCORER = Scorer("reasoning", "1", ("reasoning",), _judge)
