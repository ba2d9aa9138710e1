"""The plain form of a question: its words of meaning in order, in one spelling, without courtesies and small words.

Short questions share few runs of three words after the smallest rewording ("how can I …", "how do I …, please"), so
equal plain forms find the near copies that shingles miss.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from audit.similarity._lexicon import COURTEOUS, FILLERS
from audit.similarity.near import Pairs
from audit.similarity.reading import canonical
from audit.similarity.spelling import corrected, is_word
from audit.similarity.words import Hashes, Ints, mixed, runs, word_chunks

_WINDOW = 8
_DROPPED = np.uint64(0)


def plain_pairs(texts: Sequence[str], groups: Ints) -> Pairs:
    """Pairs of texts of one group and equal plain form, in time order: each with the eight before it and the first."""
    form = mixed(_forms(texts) + mixed(groups.view(np.uint64)))
    order = np.lexsort((np.arange(form.size), form))
    ordered = form[order]
    opens = np.append(True, ordered[1:] != ordered[:-1])[: form.size]
    starts = np.maximum.accumulate(np.where(opens, np.arange(form.size), 0)) if form.size else order
    back = np.arange(form.size) - starts
    lefts, rights = [order[:0]], [order[:0]]
    for step in range(1, _WINDOW + 1):
        later = np.flatnonzero(back >= step)
        lefts.append(order[later - step])
        rights.append(order[later])
    late = np.flatnonzero(back > _WINDOW)
    left, right = np.concatenate((*lefts, order[starts[late]])), np.concatenate((*rights, order[late]))
    return Pairs(left, right, np.ones(left.size))


def _forms(texts: Sequence[str]) -> Hashes:
    """One hash per text; a text without words of meaning has one of its own."""
    known: dict[str, int] = {}
    counts, hashes = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)]
    for lengths, words in word_chunks(texts, without=COURTEOUS):
        counts.append(lengths)
        hashes.append(words.hash().to_numpy())
        fresh = words.unique()
        known.update(zip(fresh.to_list(), fresh.hash().to_list(), strict=True))
    kept = _looked_up(np.concatenate(hashes), known)
    lengths = np.concatenate(counts)
    owner = np.repeat(np.arange(lengths.size), lengths)[kept != _DROPPED]
    kept = kept[kept != _DROPPED]
    lengths = np.bincount(owner, minlength=lengths.size)
    place = runs(np.zeros(lengths.size, dtype=np.int64), lengths).view(np.uint64)
    forms = mixed(np.arange(lengths.size, dtype=np.uint64))
    filled = np.flatnonzero(lengths)
    if filled.size:
        with np.errstate(over="ignore"):
            forms[filled] = np.add.reduceat(mixed(kept + mixed(place)), (np.cumsum(lengths) - lengths)[filled])
    return forms


def _looked_up(hashes: Hashes, known: dict[str, int]) -> Hashes:
    """The hash of the one form of each word, 0 for small words."""
    if not known:
        return hashes
    before = np.fromiter(known.values(), dtype=np.uint64, count=len(known))
    after = pl.Series(_spelled(list(known)), dtype=pl.String)
    table = np.where(after.is_null().to_numpy(), _DROPPED, after.hash().to_numpy())
    order = np.argsort(before)
    return np.asarray(table[order][np.searchsorted(before[order], hashes)], dtype=np.uint64)


def _spelled(words: list[str]) -> list[str | None]:
    """The one form of each word, None for a small word."""
    usual = {word for word in words if word.isalpha() and is_word(word)}
    spelled = (corrected(word, usual) for word in words)
    return [None if word in FILLERS else canonical(word) for word in spelled]
