"""Whether an answer draws on a piece of its prompt: a citation, wording, numbers, names in common."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

_WORD = re.compile(r"\w+(?:[.,'’\-:/]\w+)*")
_GRAM = 5
_COMMON_SHARE = 0.2
_LEAST_WORDS = 2
"""So many uncommon words in common are taken for a paraphrase."""
_CACHED = 20_000
T = TypeVar("T")


class Traits(NamedTuple):
    """What can be recognised of a text: its 5-grams of words, its numbers and codes, its names and longer words."""

    grams: frozenset[int]
    numbers: frozenset[str]
    words: frozenset[str]


@lru_cache(maxsize=_CACHED)
def traits(text: str) -> Traits:
    """The traits of a text; word forms are case-folded and long words cut to their first seven letters."""
    found = _WORD.findall(text.casefold())
    grams = frozenset(hash(tuple(found[i : i + _GRAM])) for i in range(len(found) - _GRAM + 1))
    numbers = frozenset(word for word in found if any(map(str.isdigit, word)) and len(word) >= 2)
    words = frozenset(word[:7] for word in found if len(word) >= 5 and word.isalpha())
    return Traits(grams, numbers, words)


def drawn_on(answer: str, pieces: Sequence[str], labels: Sequence[str] = (), rest: str = "") -> list[bool]:
    """Which of the pieces of a prompt an answer draws on; in doubt, it does.

    A piece is used when the answer cites its label, or shares a 5-gram of words, a number or code or three longer words
    with it that neither the `rest` of the prompt nor more than a fifth of the pieces hold.
    """
    said, other = traits(answer), traits(rest)
    each = [traits(piece) for piece in pieces]
    most = max(1, int(_COMMON_SHARE * len(pieces)))
    grams = _uncommon(said.grams - other.grams, [one.grams for one in each], most)
    numbers = _uncommon(said.numbers - other.numbers, [one.numbers for one in each], most)
    words = _uncommon(said.words - other.words, [one.words for one in each], most)
    cited = [bool(label) and _cites(answer, label) for label in labels] or [False] * len(pieces)
    return [
        quoted
        or not grams.isdisjoint(one.grams)
        or not numbers.isdisjoint(one.numbers)
        or len(words & one.words) >= _LEAST_WORDS
        for one, quoted in zip(each, cited, strict=True)
    ]


def _uncommon(said: frozenset[T], held: Sequence[frozenset[T]], most: int) -> frozenset[T]:
    """What was said that some, but at most `most`, of the pieces hold."""
    times = Counter(value for one in held for value in one & said)
    return frozenset(value for value, number in times.items() if number <= most)


def _cites(answer: str, label: str) -> bool:
    """`[3]`, `(kb-020)`, `【3】`, `source 3`; a label that is more than a number may stand alone."""
    mark = re.escape(label)
    if re.search(rf"[\[(【^]\s*(?:[\w .\-]{{1,12}}\s)?{mark}\s*[\])】,;†:]", answer, re.IGNORECASE):
        return True
    if re.search(rf"\b(?:document|doc|source|passage|article|result|reference)s?\s+#?{mark}\b", answer, re.IGNORECASE):
        return True
    alone = len(label) >= 4 and not label.isdigit()
    return alone and re.search(rf"(?<!\w){mark}(?!\w)", answer, re.IGNORECASE) is not None
