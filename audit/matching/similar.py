"""Which questions resemble an earlier one, in words or in meaning, and do the logged answers agree: table `pair`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.matching.agreement import compare
from audit.matching.leaders import to_leaders
from audit.matching.questions import Questions, questions
from audit.similarity.embedding import Model, likeness_of_differences, model, unit_vectors, weighted_tokens
from audit.similarity.guards import conflict, verdict
from audit.similarity.meaning import similar_pairs
from audit.similarity.near import Pairs, near_pairs, together
from audit.similarity.plain import plain_pairs
from audit.similarity.slots import filled_templates
from audit.similarity.words import Ints, digits_of, words
from audit.store import Store

PAIRS_OF = "pairs_of"
"""Key of `meta`: the state of the log that `pair` was made from, and with which model."""

NEAR, REWORDED, SEMANTIC = "near", "reworded", "semantic"
_VERSION = 3
_NEIGHBOURS = 8
_LEAST, _LEAST_OF_MANY, _MANY = 0.5, 0.7, 50_000
"""Least likeness in meaning; among more questions than this only the likest are worth the time they take."""
_TRIED = 12
"""Neighbours that are held against the guards, so that a crowd of other order numbers does not hide the one copy."""

_STATE = """
SELECT COUNT(*) AS requests, MAX(request_id) AS last_id, COUNT(prompt_key) AS prompts,
       COUNT(DISTINCT workflow_id) AS workflows, (SELECT COUNT(text) FROM content) AS texts
FROM request
"""


def similar(store: Store) -> None:
    """Find and store the pairs, unless they were found in this very log before.

    Each question is paired with up to eight earlier ones of the same frame by each method: `near` where small words,
    spelling and synonyms differ, `reworded` where a word of meaning does, `semantic` where only the meaning is close.
    Pairs that are a template filled in twice, or that a guard keeps apart, are not stored. Without the optional model
    no pairs in meaning are found.
    """
    if looked_for(store):
        return
    chosen = model()
    with store.transaction():
        store.run("DELETE FROM pair")
        for asked in questions(store):
            for table in _pairs(asked, chosen):
                store.write("pair", table)
        compare(store)
        store.set_meta(PAIRS_OF, _state(store))


def looked_for(store: Store) -> bool:
    """Whether the pairs of this very log were found before."""
    return store.meta(PAIRS_OF) == _state(store)


def _state(store: Store) -> str:
    return json.dumps([_VERSION, model() is not None, store.rows(_STATE)[0]], sort_keys=True, default=str)


def _pairs(asked: Questions, chosen: Model | None) -> Iterator[pa.Table]:
    found = words(asked.texts)
    groups = asked.frames
    plain = plain_pairs(asked.texts, groups)
    near = _most_alike(near_pairs(found, groups), plain)
    semantic = _in_frames(asked, chosen) if chosen else Pairs(near.left[:0], near.right[:0], near.similarity[:0])
    near_count = near.left.size
    both = together(near, semantic)
    free = ~filled_templates(found, groups, both)
    free[:near_count] |= np.isin(_keys(near, groups.size), _keys(plain, groups.size))
    digits = digits_of(asked.texts)
    free &= digits[both.left] == digits[both.right]
    fresh = ~np.isin(_keys(semantic, groups.size), _keys(near, groups.size))
    texts = asked.texts
    near = _nearest(near[free[:near_count]], _TRIED)
    places = zip(near.left.tolist(), near.right.tolist(), strict=True)
    found_of = [verdict(texts[left], texts[right]) for left, right in places]
    near = near[np.array([each.conflict is None for each in found_of], dtype=np.bool_)]
    doubtful = np.array([each.doubt is not None for each in found_of if each.conflict is None], dtype=np.bool_)
    clear = _nearest(near[~doubtful], _NEIGHBOURS)
    yield _table(asked, together(clear, to_leaders(texts, clear)), NEAR)
    yield _table(asked, _nearest(near[doubtful], _NEIGHBOURS), REWORDED)
    yield _table(asked, _apart(asked, _nearest(semantic[free[near_count:] & fresh], _NEIGHBOURS // 2)), SEMANTIC)


def _keys(pairs: Pairs, count: int) -> Ints:
    return pairs.left * count + pairs.right


def _most_alike(one: Pairs, other: Pairs) -> Pairs:
    """Pairs of both kinds, each once, with the higher similarity."""
    both = together(one, other)
    order = np.lexsort((-both.similarity, both.right, both.left))
    both = both[order]
    opens = np.append(True, (both.left[1:] != both.left[:-1]) | (both.right[1:] != both.right[:-1]))
    return both[opens[: order.size]]


def _in_frames(asked: Questions, chosen: Model) -> Pairs:
    """Neighbours in meaning, frame by frame: alike as wholes, and alike in what only one of them says."""
    order = np.argsort(asked.frames, kind="stable")
    frames = asked.frames[order]
    starts = np.flatnonzero(np.append(True, frames[1:] != frames[:-1]))
    tokens = weighted_tokens(chosen, asked.texts, asked.frames)
    vectors = unit_vectors(chosen, tokens)
    parts = [Pairs(order[:0], order[:0], np.zeros(0))]
    for low, high in zip(starts, [*starts[1:], order.size], strict=True):
        members = order[low:high]
        found = similar_pairs(vectors[members])
        parts.append(Pairs(members[found.left], members[found.right], found.similarity))
    pairs = together(*parts)
    score = (pairs.similarity + likeness_of_differences(chosen, tokens, pairs.left, pairs.right)) / 2
    return Pairs(pairs.left, pairs.right, score)[score >= (_LEAST if order.size <= _MANY else _LEAST_OF_MANY)]


def _nearest(pairs: Pairs, most: int) -> Pairs:
    """The most similar earlier neighbours of each text, up to so many."""
    order = np.lexsort((pairs.left, -pairs.similarity, pairs.right))
    ordered = pairs[order]
    opens = np.append(True, ordered.right[1:] != ordered.right[:-1])[: order.size]
    starts = np.maximum.accumulate(np.where(opens, np.arange(order.size), 0)) if order.size else order
    return ordered[np.arange(order.size) - starts < most]


def _apart(asked: Questions, pairs: Pairs) -> Pairs:
    """The pairs nothing speaks against."""
    texts = asked.texts
    free: NDArray[np.bool_] = np.fromiter(
        (conflict(texts[left], texts[right]) is None for left, right in zip(pairs.left, pairs.right, strict=True)),
        dtype=np.bool_,
        count=pairs.left.size,
    )
    return pairs[free]


def _table(asked: Questions, pairs: Pairs, method: str) -> pa.Table:
    def ids(places: Ints) -> pa.Array[pa.Int64Scalar]:
        return pa.array(asked.requests[places], pa.int64())

    return pa.table({
        "request_id": ids(pairs.right),
        "neighbour_id": ids(pairs.left),
        "similarity": pa.array(np.round(pairs.similarity, 6)),
        "method": pa.array([method] * pairs.left.size, pa.string()),
    })  # fmt: skip
