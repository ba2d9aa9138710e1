"""Slips of the keyboard and words that are written with a capital, told by a vocabulary learnt from much text.

The vocabulary of a tokenizer holds the words of its languages as single tokens, the commoner the lower their number.
So a word that falls into pieces while a neighbour one slip away is a single token was mistyped; and a word that is
commoner with a capital than without is a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from functools import lru_cache
from string import ascii_lowercase

from audit.tokens import reference

_DOUBLED = re.compile(r"(.)\1")
_SHORTEST = 5
_MOST_PIECES = 2
_COMMONER = 3
"""An ordinary word is so much higher in rank without a capital; names that are words too (Bill, Oslo) are not."""


def mistyped(one: str, other: str) -> bool:
    """Whether two lower-case words are one word, once typed with a letter lost, doubled, added or exchanged.

    The first and last letter must stand: endings carry meaning (employer, employee).
    """
    if min(len(one), len(other)) < _SHORTEST or not (one.isalpha() and other.isalpha()):
        return False
    if one[0] != other[0] or one[-1] != other[-1] or not _one_slip(one, other):
        return False
    pieces, others = _rank(one)[0], _rank(other)[0]
    if pieces != others:
        return min(pieces, others) <= _MOST_PIECES
    return pieces > 1 and _DOUBLED.sub(r"\1", one) == _DOUBLED.sub(r"\1", other)


def corrected(word: str, known: Set[str]) -> str:
    """The known word that was meant where this one is a slip of the keyboard."""
    if len(word) < _SHORTEST or word in known or not word.isalpha() or is_word(word):
        return word
    return min((each for each in _slips(word) if each in known and mistyped(word, each)), default=word)


def is_word(word: str) -> bool:
    """Whether a lower-case word is so common that it is never taken for a slip."""
    return _rank(word)[0] == 1


def may_be_name(token: str) -> bool:
    """Whether a word that is written with a capital where any word would be may be a name."""
    if not token[:1].isupper() or len(token) < 2:
        return False
    (plain_pieces, plain), (pieces, rank) = _rank(token.lower()), _rank(token)
    return not (plain_pieces == 1 and (pieces > 1 or rank >= _COMMONER * plain))


@lru_cache(maxsize=50_000)
def _rank(word: str) -> tuple[int, int]:
    """Tokens a word falls into inside a sentence, and the number of the first."""
    ids = reference("o200k_base").encode_ordinary(f" {word}")
    return len(ids), ids[0]


def _slips(word: str) -> Iterator[str]:
    """Words one slip away."""
    for place in range(1, len(word) - 1):
        yield word[:place] + word[place + 1 :]
        yield word[:place] + word[place : place + 2][::-1] + word[place + 2 :]
    for place in range(1, len(word)):
        for letter in ascii_lowercase:
            yield word[:place] + letter + word[place:]


def _one_slip(one: str, other: str) -> bool:
    """Whether one letter was added, lost, or exchanged with its neighbour; another letter in its place is no slip."""
    short, long = sorted((one, other), key=len)
    start = next((place for place in range(len(short)) if short[place] != long[place]), len(short))
    if len(long) - len(short) == 1:
        return short[start:] == long[start + 1 :]
    swapped = short[:start] + short[start : start + 2][::-1] + short[start + 2 :]
    return len(long) == len(short) and one != other and swapped == long
