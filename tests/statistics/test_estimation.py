from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from audit.statistics.estimation import (
    poststratify,
    ratio,
    weighted_mean,
)
from audit.statistics.sampling import pps_probabilities, sequential_poisson, size_measure


def test_three_right_answers_to_how_many_were_acceptable(oracles: dict[str, Any]) -> None:
    o = oracles["dedup"]
    count, cost, ok = (np.array(o[k]) for k in ("count", "cost", "ok"))
    assert weighted_mean(ok, count) == pytest.approx(o["per_request"])
    assert weighted_mean(ok, np.ones(3)) == pytest.approx(o["per_distinct"], abs=5e-8)
    assert weighted_mean(ok, count * cost) == pytest.approx(o["per_dollar"], abs=5e-8)


def test_poststratified_rate_matches_the_worked_example(oracles: dict[str, Any]) -> None:
    o = oracles["poststrat"]
    cells = np.repeat([0, 1], o["n"])
    values = np.concatenate([np.arange(n) < k for n, k in zip(o["n"], o["k"], strict=True)])
    estimate = poststratify(values, cells, o["W"])
    assert estimate.value == pytest.approx(o["est"])
    assert estimate.standard_error == pytest.approx(o["se"], abs=5e-8)


def test_small_cells_are_pooled_and_unseen_ones_spoken_for() -> None:
    values = np.array([1.0] * 12 + [0, 0, 1, 1, 1, 1])
    cells = np.array([0] * 12 + [1, 1, 2, 2, 2, 2])
    estimate = poststratify(values, cells, [0.5, 0.2, 0.3])
    assert estimate.value == pytest.approx(0.5 * 1 + 0.5 * 4 / 6)
    unseen = poststratify(values[:12], cells[:12], [0.5, 0.5])
    assert unseen.value == 1.0
    assert unseen.standard_error == 0.0


def test_a_lone_unit_has_a_mean_and_no_spread() -> None:
    assert poststratify([1.0], np.array([0]), [1.0]) == (1.0, 0.0)


def test_a_ratio_of_a_census_leaves_no_doubt_and_one_of_an_endless_population_does() -> None:
    saved, cost, one = np.array([1.0, 4.0, 3.0]), np.array([2.0, 5.0, 4.0]), np.ones(3)
    found = ratio(saved, cost, one, one, ["a", "a", "b"])
    assert found[:2] == (pytest.approx(8 / 11), 0.0)
    assert set(found.draws(5, np.random.default_rng(1))) == {found.value}
    assert ratio(saved, cost, one, 0 * one, ["a"] * 3).standard_error > 0.01
    with pytest.raises(ValueError, match="nothing"):
        ratio(saved, 0 * cost, one, one, ["a"] * 3)


def test_strata_whose_ratios_differ_and_clusters_that_move_together_are_told_by_the_error() -> None:
    cost, one = np.ones(40), np.ones(40)
    saved = np.where(np.arange(40) < 20, 0.9, 0.1) + 0.01 * (np.arange(40) % 2)
    split = ["low" if place < 20 else "high" for place in range(40)]
    apart = ratio(saved, cost, one, 0.1 * one, split).standard_error
    together = ratio(saved, cost, one, 0.1 * one, ["all"] * 40).standard_error
    assert apart < 0.1 * together
    pairs = np.arange(40) // 2
    moving = np.repeat(np.arange(20) % 5 / 10, 2)
    alone = ratio(moving, cost, one, 0.1 * one, ["all"] * 40).standard_error
    assert ratio(moving, cost, one, 0.1 * one, ["all"] * 40, pairs).standard_error == pytest.approx(alone * 2**0.5)


def test_the_error_of_a_ratio_is_that_of_its_draws() -> None:
    random = np.random.default_rng(7)
    cost = random.lognormal(0.0, 1.0, 2000)
    saved = cost * np.where(cost > 2, 0.8, 0.4) * random.uniform(0.8, 1.2, 2000)
    chances = pps_probabilities(size_measure(cost, 0.5), 300)
    held = []
    for _ in range(300):
        rows = sequential_poisson(size_measure(cost, 0.5), 300, random.random(2000)).units
        found = ratio(saved[rows], cost[rows], 1 / chances[rows], chances[rows], ["all"] * 300)
        held.append(abs(found.value - saved.sum() / cost.sum()) < 1.645 * found.standard_error)
    assert 0.86 < np.mean(held) < 0.94


def held(spread: float, growth: float, prompts: int) -> float:
    """How often 90 % intervals of a saved share hold it: 100 samples of each of six lognormal logs."""
    random, found = np.random.default_rng(7), 0
    for _ in range(6):
        size = random.lognormal(0, spread, 1500)
        cost = size * (1 + random.lognormal(0, spread, 1500))
        saved = cost - 0.06 * size - 0.02 * size ** (1 + growth) * random.lognormal(0, 0.2 + 0.4 * spread, 1500)
        measure, truth = size_measure(cost), saved.sum() / cost.sum()
        for _ in range(100):
            drawn = sequential_poisson(measure, prompts, random.random(1500))
            units, chance = drawn.units, drawn.probabilities[drawn.units]
            share = ratio(saved[units], cost[units], 1 / chance, chance, np.zeros(prompts))
            low, high = np.quantile(share.draws(300, random), [0.05, 0.95])
            found += low <= truth <= high
    return found / 600


@pytest.mark.parametrize(("spread", "growth", "prompts"), [(0.3, 0.0, 40), (1.4, 0.3, 40), (1.4, 0.3, 100)])
def test_few_prompts_of_unlike_costs_hold_the_saving_as_often_as_they_say(
    spread: float, growth: float, prompts: int
) -> None:
    assert 0.87 <= held(spread, growth, prompts) <= 0.93
