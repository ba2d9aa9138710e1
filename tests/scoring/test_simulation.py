"""The simulated audits of `benchmarks/deciding.py`, few enough to run with the tests; seeds are fixed."""

from __future__ import annotations

import pytest

from benchmarks.deciding import World, certified, covered, false_safe, rated_covered, rated_false_safe, share

SEED = 20261122


def test_a_family_of_fifty_pairs_is_rarely_called_safe_by_mistake() -> None:
    assert share(20, SEED, lambda rng: false_safe(rng, World(0.05, even=True), 150)).estimate <= 0.10


def test_candidates_that_lose_one_percent_get_most_dollars_certified() -> None:
    assert share(10, SEED, lambda rng: certified(rng, 0.01, 240)).estimate >= 0.8


@pytest.mark.parametrize("world", [World(0.12, even=True), World(0.12), World(0.12, cheap=True)], ids=str)
def test_intervals_of_acceptable_answers_hold_the_truth_as_often_as_they_say(world: World) -> None:
    found = share(200, SEED, lambda rng: covered(rng, world, 200))
    assert found.low <= 0.93
    assert found.high >= 0.87


def test_intervals_of_rated_answers_hold_the_truth_as_often_as_they_say() -> None:
    found = share(150, SEED, lambda rng: rated_covered(rng, 0.15, 0.90, 0.80))
    assert found.low <= 0.93
    assert found.high >= 0.87


def test_thirty_ratings_wake_a_judge_that_passes_everything() -> None:
    assert share(60, SEED, lambda rng: rated_false_safe(rng, 0.20)).estimate <= 0.05
