"""Texts seen by one process: normalised once, counted once per encoding, told apart by hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audit import tokens
from audit.hashes import content_hash, spaced, worded
from audit.tokens import EncodingName

ENCODINGS: tuple[EncodingName, ...] = ("o200k_base", "cl100k_base")
_GENERATION = 60_000
"""How many texts a process remembers at least; at most twice as many."""

Ints = npt.NDArray[np.int64]


@dataclass(slots=True)
class Text:
    """What is known of a text: its hashes with equal layout and with equal wording, its length, its tokens by
    encoding (None until needed; the first always)."""

    spaced_hash: int
    folded_hash: int
    characters: int
    tokens: list[int | None]


class New(NamedTuple):
    """A text this process had not met: its hash, the text, what is known of it."""

    content_hash: int
    text: str
    known: Text


class Texts:
    """A memory of texts of bounded size; what was forgotten is worked out again and comes out equal."""

    def __init__(self) -> None:
        self._young: dict[int, Text] = {}
        self._old: dict[int, Text] = {}
        self._new: list[New] = []

    def look_up(self, hashes: list[int], texts: list[str], second: npt.NDArray[np.bool_]) -> list[Text]:
        """What is known of distinct texts, given with their hashes; `second` marks those to be counted in the second
        encoding too."""
        found: list[Text] = []
        uncounted: list[New] = []
        for key, text in zip(hashes, texts, strict=True):
            known = self._young.get(key)
            if known is None:
                known = self._old.get(key)
                if known is None:
                    known = _described(key, text)
                    uncounted.append(New(key, text, known))
                self._remember(key, known)
            found.append(known)
        _count(uncounted, 0)
        _count([New(hashes[at], texts[at], found[at]) for at in np.flatnonzero(second)], 1)
        self._new.extend(uncounted)
        return found

    def take_new(self) -> list[New]:
        """Texts met for the first time since this was last asked."""
        new, self._new = self._new, []
        return new

    def _remember(self, key: int, known: Text) -> None:
        if len(self._young) >= _GENERATION:
            self._old, self._young = self._young, {}
        self._young[key] = known


def _described(key: int, text: str) -> Text:
    plain = spaced(text)
    wording = worded(plain)
    spaced_hash = key if plain == text else content_hash(plain)
    return Text(spaced_hash, spaced_hash if wording == plain else content_hash(wording), len(text), [None, None])


def _count(waiting: list[New], encoding: int) -> None:
    waiting = [each for each in waiting if each.known.tokens[encoding] is None]
    if waiting:
        counted = tokens.count_in([each.text for each in waiting], ENCODINGS[encoding])
        for each, number in zip(waiting, counted, strict=True):
            each.known.tokens[encoding] = number
