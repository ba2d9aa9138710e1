"""Answers that are a formula or an expression: their signs say as much as their words."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from audit.scorers import Score

_LONGEST = 200
# signs of mathematics and programs; brackets where they hold a list or follow a name; a minus before or between terms
_SIGN = re.compile(
    r"[=<>+*/^\\{}|~!&]|(?<![\w.])-(?=[\w(\\])|(?<=\w) - (?=\w)|\w[(\[](?!s\))"
    r"|[(\[][^()\[\]]{0,80},[^()\[\]]{0,80}[)\]]"
)
_ORDINARY = re.compile(r"(?<![\\\w])[^\W\d_]{4,}(?![\w(\[])")
_SPACING = re.compile(r"\\(?:left|right)(?![a-z])|\\[,;:! ]|\s+|\$")
_AROUND = "`\"'“”„’ \n"


def with_signs(score: Score, reference: str, candidate: str) -> Score:
    """The score, undecided where an answer would pass for its words but has other signs: x < y for x > y."""
    wanted = _expression(reference)
    if not score.passed or wanted is None or _holds(wanted, candidate):
        return score
    return replace(score, passed=None, reason="the same words with other signs: needs a judge or a person")


@lru_cache(maxsize=512)
def _expression(text: str) -> str | None:
    """An answer that is an expression, without blanks and marks around it; None with ordinary words or no sign."""
    plain = _bare(text)
    if not plain or len(plain) > _LONGEST or _ORDINARY.search(plain) or not _SIGN.search(plain):
        return None
    return _squeezed(plain)


def _bare(text: str) -> str:
    plain = text.strip().strip(_AROUND)
    if len(plain) > 4 and plain[:2] == plain[-2:] == "**":
        plain = plain[2:-2]
    return plain.strip(_AROUND).rstrip(".!?;,").strip(_AROUND)


def _squeezed(text: str) -> str:
    return _SPACING.sub("", text.replace("−", "-").replace("–", "-")).casefold()


def _holds(wanted: str, candidate: str) -> bool:
    """Whether a candidate is the expression, or has it in a sentence with nothing more of it before or behind."""
    if _squeezed(_bare(candidate)) == wanted:
        return True
    blanks = r"\s*".join(map(re.escape, wanted))
    alone = rf"(?<![\w+\-*/^\\!<>(])(?:\$\s*)?{blanks}(?![\w^*/(+<>=]|\s*[-+*/^<>=])"
    return re.search(alone, candidate.replace("−", "-"), re.IGNORECASE) is not None
