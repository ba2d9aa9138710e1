"""The cache simulation: equal to a plain cache played request by request, and to worked examples."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.levers._response_cache_play import NEVER, Accesses, greater_before, play

EXPECTED = json.loads((Path(__file__).parent.parent / "oracles" / "expected.json").read_text())["exact_cache"]
TRAFFIC = (
    (0, "A", 0.02), (10, "B", 0.03), (20, "A", 0.02), (3700, "A", 0.02), (3710, "C", 0.05), (3720, "D", 0.01),
    (3730, "B", 0.03), (3740, "A", 0.02), (3750, "C", 0.05), (7400, "C", 0.05), (7410, "A", 0.02),
)  # fmt: skip


def plain(requests: list[tuple[int, int, int]], ttl: int, capacity: int) -> set[int]:
    """Places of the hits of (time, key, duration), with a dictionary as cache."""
    cache: OrderedDict[int, tuple[int, int]] = OrderedDict()
    hits = set()
    for place, (at, key, took) in enumerate(requests):
        entry = cache.get(key)
        if entry is not None and at - entry[0] <= ttl:
            cache.move_to_end(key)
            if at >= entry[1]:
                hits.add(place)
        else:
            cache.pop(key, None)
            cache[key] = (at, at + took)
            if len(cache) > capacity:
                cache.popitem(last=False)
    return hits


def hits(requests: list[tuple[int, int, int]], ttl: int, capacity: int | None) -> set[int]:
    at, keys, took = (np.array(column, dtype=np.int64) for column in zip(*requests, strict=True))
    accesses = Accesses.of(keys, at, took, np.arange(at.size))
    return set(accesses.rows[play(accesses, ttl, capacity).hit].tolist())


@pytest.mark.parametrize(
    ("ttl", "capacity", "expected"),
    [(3600, None, "ttl3600"), (3600, 2, "ttl3600_cap2"), (86_400, 2, "ttl86400_cap2")],
)
def test_worked_example(ttl: int, capacity: int | None, expected: str) -> None:
    dollars, places = EXPECTED[expected]
    found = hits([(at, ord(key), 0) for at, key, _ in TRAFFIC], ttl, capacity)
    assert sorted(found) == places
    assert math.isclose(sum(TRAFFIC[place][2] for place in found), dollars)


def test_a_request_that_comes_before_the_answer_is_a_miss_and_does_not_write_again() -> None:
    assert hits([(0, 1, 15), (5, 1, 15), (20, 1, 15)], NEVER, None) == {2}


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(-3, 12), st.integers(0, 40)), min_size=1, max_size=80),
    st.sampled_from([0, 3, 40, 200, NEVER]),
    st.sampled_from([1, 2, 5, None]),
    st.randoms(use_true_random=False),
)
def test_equals_a_plain_cache_whatever_the_order_of_rows(requests, ttl, capacity, random) -> None:  # type: ignore[no-untyped-def]
    requests.sort(key=lambda each: each[0])
    expected = plain(requests, ttl, capacity or 10_000)
    places = list(range(len(requests)))
    random.shuffle(places)
    at, keys, took = (np.array([requests[place][column] for place in places], dtype=np.int64) for column in range(3))
    accesses = Accesses.of(keys, at, took, np.array(places))
    found = accesses.rows[play(accesses, ttl, capacity).hit]
    assert {places[row] for row in found.tolist()} == expected


@given(st.permutations(list(range(40))))
def test_counts_of_greater_values_before(values: list[int]) -> None:
    expected = [sum(earlier > value for earlier in values[:place]) for place, value in enumerate(values)]
    assert greater_before(np.array(values, dtype=np.int64)).tolist() == expected


def test_long_logs_do_not_overflow_the_line_all_runs_are_laid_on() -> None:
    year = 365 * 86_400_000_000
    requests = [(place % 2 * 60 * year, place // 2, 0) for place in range(6000)]
    assert hits(sorted(requests), 61 * year, None) == set(range(3000, 6000))
    assert hits(sorted(requests), 59 * year, None) == set()
