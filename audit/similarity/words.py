"""Texts as runs of word hashes, for kernels that compare many texts at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

# scripts without spaces are compared sign by sign
_SIGNS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = rf"[{_SIGNS}]|[[\p{{L}}\p{{N}}\p{{M}}]--[{_SIGNS}]]+"
_CHUNK = 100_000
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class Words:
    """Words of texts laid end to end: those of text i are `hashes[starts[i]:starts[i + 1]]`.

    Hashes are equal for equal words, case aside, within one process only.
    """

    starts: Ints
    hashes: Hashes

    @property
    def lengths(self) -> Ints:
        """Number of words of each text."""
        return np.diff(self.starts)


def words(texts: Sequence[str]) -> Words:
    """Words of each text, lower-cased; punctuation is left out."""
    lengths, hashes = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)]
    for counts, found in word_chunks(texts):
        lengths.append(counts)
        hashes.append(found.hash().to_numpy())
    return Words(np.concatenate(([0], np.cumsum(np.concatenate(lengths)))).astype(np.int64), np.concatenate(hashes))


def word_chunks(texts: Sequence[str], without: str | None = None) -> Iterator[tuple[Ints, pl.Series]]:
    """The words of 100,000 texts at a time, laid end to end, with their number in each text.

    What matches the regular expression `without` is taken out first.
    """
    for start in range(0, len(texts), _CHUNK):
        part = pl.Series(texts[start : start + _CHUNK], dtype=pl.String)
        part = part if without is None else part.str.replace_all(without, " ")
        lists = part.str.to_lowercase().str.extract_all(_WORD)
        yield lists.list.len().to_numpy().astype(np.int64), lists.explode().drop_nulls()


def digits_of(texts: Sequence[str]) -> Hashes:
    """One hash per text of all its digits in order; texts with other digits hold other numbers."""
    return pl.Series(texts, dtype=pl.String).str.replace_all(r"[^\p{Nd}]", "").hash().to_numpy()


def mixed(values: Hashes) -> Hashes:
    """The values spread evenly over 64 bits (SplitMix64's finaliser, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = values + _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        found: Hashes = z ^ (z >> np.uint64(31))
    return found


def runs(starts: Ints, lengths: Ints) -> Ints:
    """The places start, start+1, … start+length-1 of every run, one after another."""
    total = int(lengths.sum())
    if total == 0:
        return np.zeros(0, dtype=np.int64)
    offsets = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    places: Ints = np.arange(total, dtype=np.int64) + offsets
    return places
