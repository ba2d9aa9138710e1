"""Which fails of a program leave room for doubt: those about a fact that may have more than one right answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from audit.scorers import Context, Score
from audit.scorers._facts import facts
from audit.scorers._normalise import words

ANOTHER_NAME = "another name"
ANOTHER_VALUE = "another value"
ANOTHER_FINAL = "another final value"
OTHER_FIGURES = "the same words with other figures"
_OF_FIGURES = frozenset({ANOTHER_VALUE, ANOTHER_FINAL, OTHER_FIGURES})
_WORKED_OUT_FROM = 2
"""Figures in a request from which on an answer may have been worked out of them."""


def with_doubt(score: Score, reference: str, context: Context) -> Score:
    """The score, marked as doubtful where an answer fails for another name or figure than a fact the model recalled.

    Who introduced the Christmas tree, or when a film came out, has several right answers; which of the names in a
    passage is meant, or what 3 and 4 add up to, has one.
    """
    if score.passed is not False:
        return score
    named = score.reason == ANOTHER_NAME and not _holds(reference, context)
    dated = score.reason in _OF_FIGURES and _recalled_figures(reference, context)
    return replace(score, doubtful=True) if named or dated else score


def unsaid(value: Any, context: Context) -> bool:
    """Whether a text or number is a model's own choice of words: the request does not hold it.

    True and false never are: a request that wants either says it in other words.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    return not _holds(value if isinstance(value, str) else f"{value:.15g}", context)


def _recalled_figures(reference: str, context: Context) -> bool:
    """Whether a request holds neither the figures of the logged answer nor any they could be worked out from."""
    asked, said = facts(context.user), facts(reference)
    figures, held = said.numbers | said.dates, asked.numbers | asked.dates
    return bool(figures) and not figures <= held and len(held) < _WORKED_OUT_FROM


def _holds(text: str, context: Context) -> bool:
    """Whether instructions or request hold the words of a text, one behind the other."""
    return f" {' '.join(words(text))} " in f" {' '.join(words(f'{context.system} {context.user}'))} "
