from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.statistics.sampling import pps_probabilities, size_measure
from audit.statistics.sequential import (
    GrowingSample,
    e_p_value,
    growing_clean_units,
    log_e_process,
    log_e_value,
)


def test_a_single_bet_matches_the_worked_examples(oracles: dict[str, Any]) -> None:
    o = oracles["e_process_fixed_bet"]
    for key in ("100_0", "200_2", "300_4", "500_10"):
        n, failures = map(int, key.split("_"))
        assert math.exp(log_e_value(n, failures, o["m"], [o["c"]])) == pytest.approx(o[key], abs=5e-5)
    assert growing_clean_units(o["m"], 0.1, [o["c"]]) == o["n_to_10_zero_loss"]


def test_the_process_ends_where_the_counts_say_in_any_order() -> None:
    x = np.random.default_rng(0).permutation(np.arange(90) < 4)
    assert log_e_process(x, 0.05)[-1] == pytest.approx(log_e_value(90, 4, 0.05))
    both = log_e_process(np.stack([x, x[::-1]]), 0.05)
    assert both[0] == pytest.approx(log_e_process(x, 0.05))
    assert both[0, -1] == pytest.approx(both[1, -1])


@given(st.lists(st.booleans(), max_size=40), st.sampled_from([0.02, 0.05, 0.3]))
def test_at_the_limit_the_next_unit_is_a_fair_bet(past: list[bool], limit: float) -> None:
    n, failures = len(past), sum(past)
    clean, lost = (math.exp(log_e_value(n + 1, failures + k, limit)) for k in (0, 1))
    assert (1 - limit) * clean + limit * lost == pytest.approx(math.exp(log_e_value(n, failures, limit)))
    assert log_e_value(n, failures, limit + 0.01) >= log_e_value(n, failures, limit) - 1e-12


def test_clean_units_are_the_least() -> None:
    for delta in (0.1, 0.001):
        n = growing_clean_units(0.05, delta)
        assert log_e_value(n, 0, 0.05) >= -math.log(delta) > log_e_value(n - 1, 0, 0.05)
        assert n < growing_clean_units(0.05, delta, [0.5])


def test_any_number_of_looks_keeps_the_error_and_finds_low_loss() -> None:
    rng = np.random.default_rng(9)
    at_limit = log_e_process(rng.random((800, 500)) < 0.05, 0.05).max(axis=1)
    assert (at_limit >= math.log(10)).mean() <= 0.1
    low = log_e_process(rng.random((300, 700)) < 0.02, 0.05) >= math.log(10)
    assert low.any(axis=1).mean() >= 0.95
    assert 150 <= np.median(np.argmax(low, axis=1)) <= 230


def test_weighted_samples_certify_low_loss_and_not_loss_at_the_limit() -> None:
    rng = np.random.default_rng(22)
    cost = np.sort(rng.lognormal(-5, 1, 20_000))
    probabilities = pps_probabilities(size_measure(cost), 700)
    cheap_first = np.linspace(2, 0, 20_000)
    hits = {}
    for loss in (0.05, 0.01):
        passed = 0
        for _ in range(150):
            drawn = rng.choice(20_000, 700, p=probabilities / probabilities.sum())
            lost = rng.random(700) < loss * cheap_first[drawn]
            passed += GrowingSample.of(lost, 1 / probabilities[drawn], 2.0).p_above(0.05) <= 0.1
        hits[loss] = passed / 150
    assert hits[0.05] <= 0.1
    assert hits[0.01] >= 0.9


def test_bounds_agree_with_p_values() -> None:
    rng = np.random.default_rng(4)
    sample = GrowingSample.of(rng.random(400) < 0.1, rng.uniform(0.5, 1.5, 400))
    upper, lower = sample.upper(0.05), sample.lower(0.05)
    assert 0 < lower < sample.rate < upper < 0.3
    assert sample.p_above(upper + 0.002) <= 0.05 < sample.p_above(upper - 0.002)
    assert sample.p_below(lower - 0.002) <= 0.05 < sample.p_below(lower + 0.002)
    assert sample.at_most(upper + 0.002, 0.05)
    assert not sample.at_most(upper - 0.01, 0.05)
    assert sample.at_most(upper - 0.01, 0.05, scale=4)
    assert sample.exceeds(lower - 0.002, 0.05)


def test_a_candidate_that_gains_as_often_as_it_loses_is_not_inferior() -> None:
    rng = np.random.default_rng(6)
    outcome = rng.choice(3, 2000, p=[0.94, 0.03, 0.03])
    equal = GrowingSample.of(outcome == 1)
    assert equal.p_inferior(outcome == 2, 0.05) <= 0.05
    worse = GrowingSample.of(rng.random(2000) < 0.06)
    assert worse.p_inferior(np.zeros(2000), 0.05) > 0.05


def test_nothing_seen_proves_nothing() -> None:
    sample = GrowingSample.of([])
    assert math.isnan(sample.rate)
    assert (sample.n, sample.p_above(0.05), e_p_value(np.zeros(0))) == (0, 1, 1)
    assert sample.upper(0.05) == 1
    assert sample.lower(0.05) == 0
