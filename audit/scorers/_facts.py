"""Hard facts of an answer: what must not change even where the wording may."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from audit.refusals import refuses
from audit.scorers._normalise import AMOUNT, DATE, iso_date, quantity

_URL = re.compile(r"\bhttps?://[^\s<>\"')\]]+|\bwww\.[^\s<>\"')\]]+", re.IGNORECASE)
# hostile text: every repetition that could fail late is bounded
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_TOKEN = re.compile(r"\w[\w-]*")
# not an attempt at grammar: a count that differs sends the answer to a judge
_NEGATION = re.compile(
    r"\b(?:no|not|never|none|nothing|neither|nor|without|cannot|\w+n['’]t"
    r"|nicht|kein\w*|nie|niemals|ohne|weder|ne|pas|jamais|sans|aucune?|nunca|jamás|sin|ningun\w*"
    r"|não|nenhum\w*|sem|non|mai|senza|nessun\w*|niet|geen|nooit|не|нет|никогда|без)\b|[不没沒無无]|ない|ません",
    re.IGNORECASE,
)
# "one" is too often a pronoun
_SPELLED = dict(
    zip(
        ("zero", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
        ("0", *map(str, range(2, 13))),
        strict=True,
    )
)
_SPELLED_WORD = re.compile(rf"\b(?:{'|'.join(_SPELLED)})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Facts:
    """The hard facts of one text, by category; negations are a count."""

    numbers: frozenset[str]
    dates: frozenset[str]
    links: frozenset[str]
    codes: frozenset[str]
    negations: int
    refusal: bool


@lru_cache(maxsize=512)
def facts(text: str) -> Facts:
    """Numbers with units, dates, links and addresses, codes, negation words and refusal of a text."""
    refusal = refuses(text)
    links = frozenset(
        found.rstrip(".,;:!?").casefold() for pattern in (_URL, _EMAIL) for found in pattern.findall(text)
    )
    rest = _EMAIL.sub(" ", _URL.sub(" ", text)).replace("−", "-")
    dates = frozenset(iso_date(match) for match in DATE.finditer(rest))
    rest = DATE.sub(" ", rest)
    rest = spelled_out(rest)
    numbers = frozenset(_numbers(rest))
    codes = frozenset(token.casefold() for token in _TOKEN.findall(rest) if _is_code(token))
    return Facts(numbers, dates, links, codes, len(_NEGATION.findall(rest)), refusal)


def spelled_out(text: str) -> str:
    """The text with numbers that are written as words in digits."""
    return _SPELLED_WORD.sub(lambda match: _SPELLED[match.group(0).casefold()], text)


def _is_code(token: str) -> bool:
    return any(map(str.isdigit, token)) and any(map(str.isalpha, token))


def _numbers(text: str) -> list[str]:
    found = []
    for match in AMOUNT.finditer(text):
        amount = quantity(match)
        if amount is None:
            found.append(match["digits"])
        else:
            found.append(f"{amount.value.normalize():f}{amount.unit}")
    return found


def differences(reference: str, candidate: str) -> list[str]:
    """What hard facts differ between two texts, in words; empty when none does."""
    left, right = facts(reference), facts(candidate)
    found = []
    for name in ("numbers", "dates", "links", "codes"):
        ours, theirs = getattr(left, name), getattr(right, name)
        if ours != theirs:
            found.append(_change(name, sorted(ours - theirs), sorted(theirs - ours)))
    if left.negations != right.negations:
        found.append("negation differs")
    if left.refusal != right.refusal:
        found.append("refusal differs")
    return found


def _change(name: str, missing: list[str], added: list[str]) -> str:
    """Counts only: reasons are printed in reports, and facts can be personal."""
    parts = [f"{len(items)} {word}" for items, word in ((missing, "missing"), (added, "added")) if items]
    return f"{name} differ ({', '.join(parts)})"
