from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.statistics.sampling import (
    allocate,
    keyed_uniform,
    keyed_uniforms,
    pilot_sd,
    pps_probabilities,
    prior_sd,
    sequential_poisson,
    size_bands,
    size_measure,
)

costs = st.lists(st.floats(0, 1e4, allow_subnormal=False), min_size=2, max_size=60)


def test_keyed_uniform_is_the_documented_hash(oracles: dict[str, Any]) -> None:
    expected = dict(oracles["keyed_uniform"])
    seed = expected.pop("seed")
    assert {key: keyed_uniform(seed, key) for key in expected} == expected


def test_keyed_uniforms_are_uniform_and_keyed_by_seed() -> None:
    first, second = (keyed_uniforms(seed, range(4000)) for seed in (1, 2))
    assert abs(first.mean() - 0.5) < 0.02
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.06
    assert keyed_uniform(1, "17") == first[17]


def test_probabilities_and_sample_match_the_worked_example(oracles: dict[str, Any]) -> None:
    o = oracles["pps"]
    draw = sequential_poisson(o["x"], o["n"], o["u"])
    assert draw.probabilities == pytest.approx(o["pi"], abs=5e-8)
    assert sorted(draw.units.tolist()) == o["sample"]
    y, s = np.array(o["y"]), draw.units
    assert (y[s] / draw.probabilities[s]).sum() == pytest.approx(o["HT"])


@given(costs, st.integers(1, 70), st.sampled_from([0.1, 0.5, 1.0]))
def test_probabilities_sum_to_n_and_the_mixture_bounds_weights(cost: list[float], n: int, mixture: float) -> None:
    probabilities = pps_probabilities(size_measure(cost, mixture), n)
    size = min(n, len(cost))
    assert probabilities.sum() == pytest.approx(size)
    assert (probabilities <= 1).all()
    assert (1 / probabilities <= len(cost) / size / mixture * (1 + 1e-9) + 1e-9).all()


def test_sizes_of_free_requests_are_equal_and_follow_counts() -> None:
    assert size_measure([0, 0, 0, 0]).tolist() == [0.25] * 4
    assert size_measure([0, 0], counts=[3, 1]).tolist() == [0.75, 0.25]
    assert size_measure([3, 1], 0.5, counts=[1, 1]).tolist() == [0.625, 0.375]


def test_zero_sizes_share_what_certain_units_leave() -> None:
    assert pps_probabilities([5, 0, 0], 2).tolist() == [1, 0.5, 0.5]
    with pytest.raises(ValueError, match="negative"):
        pps_probabilities([1, -1], 1)


@given(costs, st.integers(1, 40), st.integers(0, 40), st.integers(0, 10**6))
def test_a_grown_sample_contains_the_smaller_one(cost: list[float], n: int, more: int, seed: int) -> None:
    sizes, u = size_measure(cost), keyed_uniforms(seed, range(len(cost)))
    small = sequential_poisson(sizes, n, u)
    large = sequential_poisson(sizes, n + more, u, kept=small.units)
    assert set(small.units) <= set(large.units)
    assert len(set(large.units)) == len(large.units) == min(n + more, len(cost))
    assert (large.probabilities >= small.probabilities - 1e-12).all()


def test_samples_are_nested_even_without_telling_them_apart() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        sizes, u = size_measure(rng.lognormal(-6, 1.6, 5000)), rng.random(5000)
        small, large = (set(sequential_poisson(sizes, n, u).units.tolist()) for n in (500, 700))
        assert small <= large


@given(costs, st.integers(1, 30), st.randoms(use_true_random=False))
def test_the_sample_does_not_depend_on_row_order(cost: list[float], n: int, random: Any) -> None:
    keys = [f"k{i}" for i in range(len(cost))]
    order = list(range(len(cost)))
    random.shuffle(order)

    def chosen(rows: list[int]) -> set[str]:
        names = [keys[i] for i in rows]
        sizes = np.round(size_measure([cost[i] for i in rows]), 9)
        draw = sequential_poisson(sizes, n, keyed_uniforms(7, names), keys=names)
        return {names[i] for i in draw.units}

    assert chosen(order) == chosen(list(range(len(cost))))


def test_equal_ranks_are_decided_by_key() -> None:
    draw = sequential_poisson([1, 1, 1, 1], 2, [0.5] * 4, keys=["d", "a", "c", "b"])
    assert draw.units.tolist() == [1, 3]


def test_the_design_is_unbiased_for_the_total() -> None:
    rng = np.random.default_rng(5)
    cost = rng.lognormal(0, 1.2, 300)
    y = cost * rng.random(300)
    sizes = size_measure(cost)
    totals = []
    for _ in range(400):
        draw = sequential_poisson(sizes, 60, rng.random(300))
        totals.append(float((y[draw.units] / draw.probabilities[draw.units]).sum()))
    standard_error = np.std(totals) / math.sqrt(400)
    assert abs(np.mean(totals) - y.sum()) < 3 * standard_error + 0.01 * y.sum()


def test_allocation_matches_the_worked_examples(oracles: dict[str, Any]) -> None:
    o = oracles["neyman_alloc"]
    for n in (500, 700):
        assert allocate(o["N"], o["S"], n, minimum=2, capacity=o["N"]) == o[f"n{n}_min2"]
    o = oracles["neyman_tiny"]
    for n in (12, 13):
        assert allocate(o["N"], o["S"], n, minimum=1, capacity=o["N"]) == o[f"n{n}"]


def test_a_pilot_steers_the_rest(oracles: dict[str, Any]) -> None:
    o = oracles["pilot_then_neyman"]
    pilot = [o["pilot_n"]] * 6
    sd = [pilot_sd(k, n) for k, n in zip(o["pilot_accept"], pilot, strict=True)]
    first = allocate(o["dollars"], sd, 500, minimum=pilot)
    assert first == o["n500"]
    assert allocate(o["dollars"], sd, 700, minimum=first) == o["n700"]


strata = st.lists(st.tuples(st.floats(0, 1e3), st.floats(0, 1), st.integers(0, 30)), min_size=1, max_size=8)


@given(strata, st.integers(0, 120), st.integers(0, 120), st.integers(0, 4))
def test_allocation_is_house_monotone_exact_and_capped(
    rows: list[tuple[float, float, int]], n: int, more: int, minimum: int
) -> None:
    mass, sd, capacity = (list(column) for column in zip(*rows, strict=True))
    small, large = (allocate(mass, sd, k, minimum=minimum, capacity=capacity) for k in (n, n + more))
    assert sum(small) == min(n, sum(capacity))
    assert all(a <= b <= c for a, b, c in zip(small, large, capacity, strict=True))
    if n >= minimum * len(rows):
        assert all(a >= min(minimum, c) for a, c in zip(small, capacity, strict=True))


@settings(max_examples=30)
@given(st.lists(st.floats(0.1, 10), min_size=3, max_size=3), st.integers(3, 12))
def test_allocation_beats_every_other_integer_split(weight: list[float], n: int) -> None:
    def variance(split: tuple[int, ...]) -> float:
        return sum(w * w / k for w, k in zip(weight, split, strict=True))

    best = min(variance((a, b, n - a - b)) for a in range(1, n) for b in range(1, n - a))
    assert variance(tuple(allocate(weight, [1, 1, 1], n))) == pytest.approx(best)


def test_scarce_units_go_to_the_heaviest_minimum_first() -> None:
    assert allocate([1, 5, 3], [1, 1, 1], 6, minimum=4) == [0, 4, 2]


def test_bands_hold_equal_dollars() -> None:
    cost = np.linspace(1, 100, 3000)
    bands = size_bands(cost)
    shares = np.bincount(bands, cost) / cost.sum()
    assert shares == pytest.approx([1 / 3] * 3, abs=0.002)
    assert (np.diff(bands) >= 0).all()


def test_small_bands_join_their_neighbour() -> None:
    giant = [1.0] * 100 + [1000.0]
    assert size_bands(giant).tolist() == [0] * 101
    two = [1.0] * 400 + [100.0] * 30
    assert np.bincount(size_bands(two)).tolist() == [400, 30]
    assert size_bands([0.0, 0.0]).tolist() == [0, 0]
    assert size_bands([]).tolist() == []


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, 5.0, 40.0]), min_size=1, max_size=80), st.randoms())
def test_bands_depend_on_cost_alone(cost: list[float], random: Any) -> None:
    bands = dict(zip(cost, size_bands(cost, minimum=5).tolist(), strict=True))
    shuffled = list(cost)
    random.shuffle(shuffled)
    assert [bands[c] for c in shuffled] == size_bands(shuffled, minimum=5).tolist()


def test_prior_spread_is_widest_where_least_is_known() -> None:
    assert prior_sd("classification") == pytest.approx(0.3)
    assert prior_sd("code") > prior_sd("summary") > prior_sd("extraction")
    assert prior_sd("anything else") == prior_sd("summary")
