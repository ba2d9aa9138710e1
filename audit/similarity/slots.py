"""Filled-in templates: texts that share a frame and differ in what was put into its gap ask different things."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audit.similarity.near import Pairs
from audit.similarity.words import Hashes, Ints, Words, mixed, runs

FILLINGS = 5
"""From this many different fillings on, a frame is a template and not a sentence that someone reworded."""

_CONTEXT = 3
_EDGE = np.uint64(0x5851F42D4C957F2D)


def filled_templates(words: Words, groups: Ints, pairs: Pairs) -> NDArray[np.bool_]:
    """Which pairs are one template filled in twice.

    The frame of a pair is the three words before the first and after the last difference. It is a template where at
    least five different texts stand in it among all pairs of its group, and it makes up half of the shorter text.
    """
    left, right = pairs.left, pairs.right
    before = _common(words, left, right, np.zeros(left.size, dtype=np.int64), backwards=False)
    after = _common(words, left, right, before, backwards=True)
    shorter = np.minimum(words.lengths[left], words.lengths[right])
    frame = mixed(_frame(words, left, before, after) + mixed(groups[left].view(np.uint64)))
    fillings = np.concatenate((_filling(words, left, before, after), _filling(words, right, before, after)))
    frames = np.concatenate((frame, frame))
    order = np.lexsort((fillings, frames))
    frames, fillings = frames[order], fillings[order]
    new = np.append(True, (frames[1:] != frames[:-1]) | (fillings[1:] != fillings[:-1]))[: frames.size]
    known, counts = np.unique(frames[new], return_counts=True)
    many = counts[np.searchsorted(known, frame)] >= FILLINGS
    found: NDArray[np.bool_] = many & (2 * (before + after) >= shorter)
    return found


def _common(words: Words, left: Ints, right: Ints, taken: Ints, *, backwards: bool) -> Ints:
    """How many words two texts share from the start, or from the end without those `taken` from the start."""
    limit = np.minimum(words.lengths[left], words.lengths[right]) - taken
    shared = np.zeros(left.size, dtype=np.int64)
    active = np.flatnonzero(limit > 0)
    step = 0
    while active.size:
        if backwards:
            one, other = words.starts[left[active] + 1] - 1 - step, words.starts[right[active] + 1] - 1 - step
        else:
            one, other = words.starts[left[active]] + step, words.starts[right[active]] + step
        active = active[words.hashes[one] == words.hashes[other]]
        step += 1
        shared[active] = step
        active = active[limit[active] > step]
    return shared


def _frame(words: Words, text: Ints, before: Ints, after: Ints) -> Hashes:
    """Hash of the words around the difference; beyond the ends of the text stands a mark of its own."""
    starts, ends = words.starts[text], words.starts[text + 1]
    found = np.zeros(text.size, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for step in range(1, _CONTEXT + 1):
            for place, inside in ((starts + before - step, before >= step), (ends - after - 1 + step, after >= step)):
                word = words.hashes[np.where(inside, place, starts)]
                found = mixed(found + np.where(inside, word, _EDGE))
    return found


def _filling(words: Words, text: Ints, before: Ints, after: Ints) -> Hashes:
    """Hash of the words between what both texts share; 0 for none."""
    starts = words.starts[text] + before
    lengths = words.lengths[text] - before - after
    places = runs(starts, lengths)
    owners = np.repeat(np.arange(text.size), lengths)
    with np.errstate(over="ignore"):
        inside = (places - starts[owners]).astype(np.uint64)
        values = mixed(words.hashes[places] + mixed(inside))
        found = np.zeros(text.size, dtype=np.uint64)
        filled = np.flatnonzero(lengths)
        if filled.size:
            firsts = (np.cumsum(lengths) - lengths)[filled]
            found[filled] = np.add.reduceat(values, firsts)
    return found
