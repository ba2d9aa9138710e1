"""The word lists of the guards, read from `lexicon.toml`."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

_LISTS = tomllib.loads(files("audit.similarity").joinpath("lexicon.toml").read_text(encoding="utf-8"))


def _words(name: str) -> frozenset[str]:
    return frozenset(_LISTS[name].split())


def _lines(name: str) -> dict[str, int]:
    """Word → number of its line; a word that stands twice belongs to the first."""
    found: dict[str, int] = {}
    for number, line in enumerate(_LISTS[name].strip().splitlines(), start=1):
        for word in line.split():
            found.setdefault(word, number)
    return found


def _sides(name: str) -> dict[str, tuple[int, int]]:
    """Word → (line, side of the line)."""
    found: dict[str, tuple[int, int]] = {}
    for number, line in enumerate(_LISTS[name].strip().splitlines()):
        for side, listed in enumerate(line.split("|")):
            for word in listed.split():
                found.setdefault(word, (number, side))
    return found


def _values(name: str) -> dict[str, str]:
    """Word → what stands before `=` on its line."""
    pairs = (line.split("=") for line in _LISTS[name].strip().splitlines())
    return {word: value.strip() for value, listed in pairs for word in listed.split()}


OPPOSITES = _sides("opposites")
ACTIONS = _lines("actions")
PRESENCE = _lines("presence")
QUESTIONS = _lines("questions")
NEGATIONS = _words("negations")
NEGATION_SIGNS: str = _LISTS["negation_signs"]
NEGATION_ENDINGS = tuple(_LISTS["negation_endings"])
OPPOSITE_PREFIXES = tuple(_LISTS["opposite_prefixes"].split())
RELATIONS = _words("relations")
PERSONS = _lines("persons")
COURTESIES = _words("courtesies")
_PHRASES = "|".join(sorted(_LISTS["courteous"], key=len, reverse=True))
_SALUTATIONS = "|".join(_LISTS["salutations"].split())
_SIGNED = rf"\b(?:{'|'.join(_LISTS['sign_offs'])})[ ,.!]*\n\s*[\w.'-]+(?: [\w.'-]+){{0,2}}\s*$"
COURTEOUS = rf"(?i)^\W*(?:{_SALUTATIONS})(?: [\w.'-]+){{0,3}} ?[,!:\n]|{_SIGNED}|\b(?:{_PHRASES})\b"
"""Phrases of courtesy, with whom they greet and who signs, as a regular expression that both engines in use read."""
_FORMAL = "|".join(_LISTS["formal_salutations"])
LETTER = re.compile(rf"(?i)\A(?:[^\n:]{{1,20}}:[^\n]*\n\s*)?(?:{_SALUTATIONS}|{_FORMAL})\b[^\n]{{0,60}}\n|{_SIGNED}")
"""A text with a salutation on a line of its own, below a subject or not, or a name below a closing."""
OBLIGED, ALLOWED = (rf"\b(?:{'|'.join(_LISTS[name])})\b" for name in ("obligations", "permissions"))
"""Regular expressions over words with one space between them."""

TIES = tuple(_lines(name) for name in ("prepositions", "conjunctions", "modals"))
SYNONYMS = _lines("synonyms")
FILLERS = _words("fillers")
UNITS = _words("units")
MONTHS = _lines("months")
WEEKDAYS = _lines("weekdays")
SPELLED = _values("spelled")

KNOWN = frozenset().union(
    OPPOSITES, ACTIONS, PRESENCE, QUESTIONS, NEGATIONS, RELATIONS, PERSONS, *TIES, FILLERS, UNITS, MONTHS,
    WEEKDAYS, SPELLED,
)  # fmt: skip
"""Every word a guard knows."""
