"""Keys of many sequences at once are those worked out one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audit.hashes import chain_hash, content_hash, joint_hash, mixed
from audit.ingest import keys

WORDS = st.integers(-(2**63), 2**63 - 1)
SEQUENCES = st.lists(st.lists(st.tuples(WORDS, st.sampled_from(["system", "user", "tool"])), max_size=6), max_size=8)


def words(values: list[int]) -> keys.Words:
    return np.array(values, dtype=np.int64).view(np.uint64)


@given(SEQUENCES)
def test_chains(sequences: list[list[tuple[int, str]]]) -> None:
    flat = [each for sequence in sequences for each in sequence]
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    roles = keys.texts_hashed([role for _, role in flat])
    whole, links = keys.chained(words([value for value, _ in flat]), starts, lengths, roles)
    expected: list[int] = []
    for place, sequence in enumerate(sequences):
        link = 0
        for value, role in sequence:
            link = chain_hash(link, role, value)
            expected.append(link)
        assert whole.view(np.int64)[place] == link
    assert links.view(np.int64).tolist() == expected


@given(st.lists(WORDS, min_size=2))
def test_joint_hashes(values: list[int]) -> None:
    whole, _ = keys.chained(words(values), np.array([0]), np.array([len(values)]))
    assert whole.view(np.int64)[0] == joint_hash(values)


@given(WORDS, WORDS, WORDS)
def test_mixing_tells_values_and_order_apart(before: int, one: int, other: int) -> None:
    if one != other:
        assert mixed(before, one) != mixed(before, other)
        assert mixed(mixed(before, one), other) != mixed(mixed(before, other), one)


@given(st.lists(st.text()))
def test_hashes_of_texts(texts: list[str]) -> None:
    assert keys.texts_hashed(texts).view(np.int64).tolist() == [content_hash(text) for text in texts]
