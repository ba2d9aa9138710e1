"""Whether an answer draws on a piece of its prompt: a citation, wording, numbers, names in common."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.hashes import MIX

# scripts without spaces are taken sign by sign
_SIGNS = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_SIGNS}]|[^\W{_SIGNS}]+(?:[.,'’\-:/][^\W{_SIGNS}]+)*")
_DIGIT = re.compile(r"\d")
_GRAM = 5
_COMMON_SHARE = 0.2
_LEAST_WORDS = 2
"""So many uncommon words in common are taken for a paraphrase."""
_CACHED = 20_000
_MIX = np.uint64(MIX[0])
Hashes = NDArray[np.uint64]


class Traits(NamedTuple):
    """What can be recognised of a text: its 5-grams of words, its numbers and codes, its names and longer words.

    Each as sorted distinct hashes, which take a tenth of the memory of the words; they hold within one run only.
    """

    grams: Hashes
    numbers: Hashes
    words: Hashes


@lru_cache(maxsize=_CACHED)
def traits(text: str) -> Traits:
    """The traits of a text; word forms are case-folded and long words cut to their first seven letters."""
    found = _WORD.findall(text.casefold())
    numbers = [word for word in found if len(word) >= 2 and _DIGIT.search(word)]
    words = [word[:7] for word in found if len(word) >= 5 and word.isalpha()]
    return Traits(_grams(found), np.unique(_hashes(numbers)), np.unique(_hashes(words)))


def _hashes(words: Sequence[str]) -> Hashes:
    return np.fromiter(map(hash, words), dtype=np.int64, count=len(words)).view(np.uint64)


def _grams(words: Sequence[str]) -> Hashes:
    """A hash of each run of five words: a polynomial in their hashes."""
    each = _hashes(words)
    length = max(0, len(each) - _GRAM + 1)
    mixed = np.zeros(length, dtype=np.uint64)
    for place in range(_GRAM):
        mixed = mixed * _MIX + each[place : place + length]
    return np.unique(mixed)


def drawn_on(answer: str, pieces: Sequence[str], labels: Sequence[str] = (), rest: str = "") -> list[bool]:
    """Which of the pieces of a prompt an answer draws on; in doubt, it does.

    A piece is used when the answer cites its label, or shares a 5-gram of words, a number or code or two longer words
    with it that neither the `rest` of the prompt nor more than a fifth of the pieces hold.
    """
    said, other = traits(answer), traits(rest)
    each = [traits(piece) for piece in pieces]
    most = max(1, int(_COMMON_SHARE * len(pieces)))
    grams = _shared(said.grams, other.grams, [one.grams for one in each], most)
    numbers = _shared(said.numbers, other.numbers, [one.numbers for one in each], most)
    words = _shared(said.words, other.words, [one.words for one in each], most)
    cited = [bool(label) and _cites(answer, label) for label in labels] or [False] * len(pieces)
    return [
        quoted or grams[place] > 0 or numbers[place] > 0 or words[place] >= _LEAST_WORDS
        for place, quoted in enumerate(cited)
    ]


def _shared(said: Hashes, other: Hashes, held: Sequence[Hashes], most: int) -> list[int]:
    """How much of what was said each piece holds, without what the rest or more than `most` of the pieces hold."""
    own = said[~_within(said, other)]
    if not len(own):
        return [0] * len(held)
    found = np.array([_within(own, one) for one in held]).reshape(len(held), len(own))
    found &= found.sum(axis=0) <= most
    return [int(number) for number in found.sum(axis=1)]


def _within(few: Hashes, many: Hashes) -> NDArray[np.bool_]:
    """Which of `few` are among `many`; both are sorted."""
    if not len(many):
        return np.zeros(len(few), dtype=np.bool_)
    place = np.minimum(np.searchsorted(many, few), len(many) - 1)
    return np.asarray(many[place] == few)


def _cites(answer: str, label: str) -> bool:
    """`[3]`, `(kb-020)`, `【3】`, `source 3`; a label that is more than a number may stand alone."""
    mark = re.escape(label)
    if re.search(rf"[\[(【^]\s*(?:[\w .\-]{{1,12}}\s)?{mark}\s*[\])】,;†:]", answer, re.IGNORECASE):
        return True
    if re.search(rf"\b(?:document|doc|source|passage|article|result|reference)s?\s+#?{mark}\b", answer, re.IGNORECASE):
        return True
    alone = len(label) >= 4 and not label.isdigit()
    return alone and re.search(rf"(?<!\w){mark}(?!\w)", answer, re.IGNORECASE) is not None
