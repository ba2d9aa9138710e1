"""Neighbours in meaning: for each text the earlier ones whose vectors point the same way."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audit.similarity.embedding import Vectors
from audit.similarity.near import Pairs
from audit.similarity.words import Ints

CANDIDATE = 0.45
NEIGHBOURS = 8
_EXACT = 20_000
_CELL = 1_000
_CELLS_EACH = 2
_BLOCK = 2_000


def similar_pairs(vectors: Vectors, threshold: float = CANDIDATE) -> Pairs:
    """Pairs of unit vectors, in time order, with a cosine of at least `threshold`: the eight nearest earlier of each.

    Up to 20,000 vectors all are compared. Beyond, each is compared with those of the two cells it is nearest to, around
    evenly picked vectors (an inverted file), which misses few pairs this close.
    """
    count = vectors.shape[0]
    if count <= _EXACT:
        return _nearest(np.arange(count), vectors, threshold)
    parts = [_nearest(members, vectors[members], threshold) for members in _cells(vectors)]
    return _once(parts, count)


def _cells(vectors: Vectors) -> Iterator[Ints]:
    """Members of each cell in time order, every vector in two cells."""
    count = vectors.shape[0]
    centres = vectors[:: max(1, _CELL)]
    nearest = np.empty((count, _CELLS_EACH), dtype=np.int64)
    for low in range(0, count, _BLOCK):
        likeness = vectors[low : low + _BLOCK] @ centres.T
        nearest[low : low + _BLOCK] = np.argpartition(-likeness, _CELLS_EACH - 1, axis=1)[:, :_CELLS_EACH]
    order = np.argsort(nearest.ravel(), kind="stable")
    cells, members = nearest.ravel()[order], order // _CELLS_EACH
    bounds = np.searchsorted(cells, np.arange(centres.shape[0] + 1))
    for low, high in pairwise(bounds.tolist()):
        if high - low > 1:
            yield np.sort(members[low:high])


def _nearest(members: Ints, vectors: Vectors, threshold: float) -> Pairs:
    """The nearest earlier of each of some vectors; `members` are their places among all."""
    lefts, rights, likeness = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for low in range(0, vectors.shape[0], _BLOCK):
        high = min(low + _BLOCK, vectors.shape[0])
        block = vectors[low:high] @ vectors[:high].T
        block[:, low:high][np.triu_indices(high - low)] = -1.0
        rows, columns = _chosen(block, threshold)
        lefts.append(members[columns])
        rights.append(members[rows + low])
        likeness.append(block[rows, columns].astype(np.float64))
    return Pairs(np.concatenate(lefts), np.concatenate(rights), np.minimum(np.concatenate(likeness), 1.0))


def _chosen(block: NDArray[np.float32], threshold: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Cells of a block at or above the threshold, at most eight of a row."""
    near = block >= threshold
    crowded = np.flatnonzero(near.sum(axis=1) > NEIGHBOURS)
    if crowded.size:
        best = np.argpartition(-block[crowded], NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        near[crowded] = False
        near[crowded[:, None], best] = True
    rows, columns = np.nonzero(near)
    return rows, columns


def _once(parts: list[Pairs], count: int) -> Pairs:
    """Pairs of overlapping cells without repetitions."""
    left = np.concatenate([part.left for part in parts])
    right = np.concatenate([part.right for part in parts])
    similarity = np.concatenate([part.similarity for part in parts])
    _, first = np.unique(left * count + right, return_index=True)
    return Pairs(left[first], right[first], similarity[first])
