from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from audit.statistics.sampling import pps_probabilities, size_measure
from audit.statistics.sequential import (
    GrowingSample,
    e_p_value,
    e_process,
    fixed_bet_clean_units,
    fixed_bet_e,
)


def test_fixed_bet_matches_the_worked_examples(oracles: dict[str, Any]) -> None:
    o = oracles["e_process_fixed_bet"]
    for key in ("100_0", "200_2", "300_4", "500_10"):
        n, failures = map(int, key.split("_"))
        assert fixed_bet_e(n, failures, o["m"], o["c"]) == pytest.approx(o[key], abs=5e-5)
    assert fixed_bet_clean_units(o["m"], 0.1, o["c"]) == o["n_to_10_zero_loss"]
    assert fixed_bet_e(89, 0, 0.05) >= 10 > fixed_bet_e(88, 0, 0.05)


def test_the_adaptive_bet_by_hand() -> None:
    # Step 1: mean .025, variance .25, bet .025/(.25+.025²); a loss of 0 gains bet × .05.
    bet = 0.025 / (0.25 + 0.025**2)
    assert e_process([0.0], 0.05)[0] == pytest.approx(1 + bet * 0.05)
    assert e_process([1.0], 0.05)[0] == pytest.approx(1 - bet * 0.95)


def test_a_bet_never_sees_the_loss_it_is_placed_on() -> None:
    rng = np.random.default_rng(0)
    x = (rng.random(60) < 0.1).astype(float)
    for t in range(1, 60):
        assert e_process(x[:t], 0.05) == pytest.approx(e_process(x, 0.05)[:t])
    fair = np.array([e_process([*x[:30], last], 0.05)[-1] for last in (0.0, 1.0)])
    assert 0.95 * fair[0] + 0.05 * fair[1] == pytest.approx(e_process(x[:30], 0.05)[-1])


def test_any_number_of_looks_keeps_the_error_and_finds_low_loss() -> None:
    rng = np.random.default_rng(9)
    at_limit = e_process(rng.random((2000, 700)) < 0.05, 0.05).max(axis=1)
    assert (at_limit >= 10).mean() <= 0.1
    low = e_process(rng.random((500, 700)) < 0.02, 0.05)
    assert (low.max(axis=1) >= 10).mean() >= 0.95
    assert 150 <= np.median(np.argmax(low >= 10, axis=1)) <= 260


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
