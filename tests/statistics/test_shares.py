"""The interval of a share: as wide as its design allows, and no wider."""

from __future__ import annotations

import numpy as np
import pytest

from audit.statistics.intervals import jeffreys
from audit.statistics.sampling import pps_probabilities, sequential_poisson
from audit.statistics.shares import share


def equal(good: int, n: int, included: float) -> tuple[np.ndarray, ...]:
    values = np.zeros(n)
    values[:good] = 1
    return values, np.ones(n), np.full(n, included), np.zeros(n)


def test_equal_chances_from_an_endless_population_give_the_plain_interval() -> None:
    found, plain = share(*equal(90, 100, 0.0)), jeffreys(90, 100)
    assert found.estimate == pytest.approx(0.9)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), abs=0.006)


def test_what_was_taken_for_certain_adds_hardly_any_doubt() -> None:
    none, half, all_ = (share(*equal(90, 100, part)).width for part in (0.0, 0.5, 1.0))
    assert half == pytest.approx(none * 0.5**0.5, rel=0.05)
    assert 0 < all_ < 0.3 * none


def test_strata_that_differ_make_it_narrower_and_clusters_wider() -> None:
    good = np.r_[np.ones(95), np.zeros(5), np.ones(20), np.zeros(80)]
    strata = np.r_[np.zeros(100), np.ones(100)]
    plain = share(good, np.ones(200), np.zeros(200), np.zeros(200)).width
    assert share(good, np.ones(200), np.zeros(200), strata).width < 0.75 * plain
    assert share(good, np.ones(200), np.zeros(200), np.zeros(200), np.arange(200) // 5).width > 1.8 * plain


@pytest.mark.parametrize("truth", [0.99, 0.9, 0.6])
def test_nine_of_ten_intervals_hold_the_truth_of_the_log(truth: float) -> None:
    rng = np.random.default_rng(20261122)
    requests = np.ceil(rng.pareto(1.3, 3000))
    cost = requests * rng.lognormal(0, 1.0, 3000)
    strata = (cost > np.quantile(cost, 0.9)).astype(int)
    good = rng.random(3000) < np.where(strata, truth - 0.05, truth)
    true, held = float((requests * good).sum() / requests.sum()), 0
    for _ in range(300):
        rows, chances = [], []
        for stratum in (0, 1):
            member = np.flatnonzero(strata == stratum)
            size = 0.5 * cost[member] / cost[member].sum() + 0.5 * requests[member] / requests[member].sum()
            draw = sequential_poisson(size, 90, rng.random(member.size))
            rows.append(member[draw.units])
            chances.append(pps_probabilities(size, 90)[draw.units])
        chosen, pi = np.concatenate(rows), np.concatenate(chances)
        held += true in share(good[chosen], requests[chosen] / pi, pi, strata[chosen])
    assert 0.86 <= held / 300 <= 0.99
