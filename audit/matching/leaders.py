"""Near copies of a near copy: those that also resemble the question their group began with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from audit.similarity.guards import verdict
from audit.similarity.near import SHINGLE, Pairs
from audit.similarity.reading import reading
from audit.similarity.wording import NOTHING

LOOSEST = 0.5
"""Least share of three-word runs in common with the first question of a group for one that resembles another member."""


def to_leaders(texts: Sequence[str], pairs: Pairs) -> Pairs:
    """Pairs of a question with the leader of a near copy, for questions with no pair to a leader of their own.

    `pairs` are sorted by question and then by falling similarity. Every member is held against its leader itself, so
    chains of small differences do not add up.
    """
    leader: dict[int, int] = {}
    found: list[tuple[int, int, float]] = []
    columns = zip(pairs.right.tolist(), pairs.left.tolist(), strict=True)
    for question, rows in groupby(columns, key=lambda row: row[0]):
        neighbours = [neighbour for _, neighbour in rows]
        direct = next((each for each in neighbours if each not in leader), None)
        if direct is not None:
            leader[question] = direct
            continue
        for each in dict.fromkeys(leader[neighbour] for neighbour in neighbours):
            pair = texts[each], texts[question]
            likeness = _likeness(*pair)
            if likeness >= LOOSEST and verdict(*pair) == NOTHING:
                leader[question] = each
                found.append((each, question, likeness))
                break
    left, right = (np.array([pair[side] for pair in found], dtype=np.int64) for side in (0, 1))
    return Pairs(left, right, np.array([likeness for _, _, likeness in found], dtype=np.float64))


def _likeness(one: str, other: str) -> float:
    """The Jaccard similarity of the three-word runs, small words left out where that makes it higher."""
    left, right = reading(one), reading(other)
    return max(_jaccard(left.words, right.words), _jaccard(left.content, right.content))


def _jaccard(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    ours, theirs = _shingles(one), _shingles(other)
    return len(ours & theirs) / max(1, len(ours | theirs))


def _shingles(words: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {words[place : place + SHINGLE] for place in range(max(1, len(words) - SHINGLE + 1))}
