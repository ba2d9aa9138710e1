from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.statistics.certificates import binomial_p
from audit.statistics.intervals import kish_neff, lower_bound, upper_bound
from audit.statistics.sampling import pps_probabilities, size_measure
from audit.statistics.weighted_loss import LossSample

DELTAS = (0.1, 0.01, 0.001)
weighted = st.lists(st.tuples(st.booleans(), st.floats(0.05, 5)), min_size=1, max_size=60)


@given(st.lists(st.booleans(), min_size=1, max_size=80), st.floats(0.1, 9), st.sampled_from(DELTAS))
def test_equal_weights_are_exact(losses: list[bool], weight: float, delta: float) -> None:
    sample, k, n = LossSample.of(losses, [weight] * len(losses)), sum(losses), len(losses)
    assert sample.upper(delta) == upper_bound(k, n, delta)
    assert sample.lower(delta) == pytest.approx(lower_bound(k, n, delta), abs=1e-9)
    assert sample.p_above(0.05) == binomial_p(k, n, 0.05)


@given(weighted, st.sampled_from(DELTAS))
def test_bounds_enclose_the_rate_and_tighten_with_n(rows: list[tuple[bool, float]], delta: float) -> None:
    losses, weights = zip(*rows, strict=True)
    sample = LossSample.of(losses, weights)
    assert -1e-12 <= sample.lower(delta) <= sample.rate <= sample.upper(delta) <= 1
    assert sample.upper(delta / 10) >= sample.upper(delta) - 1e-5
    bound = sample.upper(delta)
    assert bound > 0.999 or sample.at_most(bound + 1e-6, delta)
    assert bound > 0.999 or sample.at_most(bound + 1e-6, delta, scale=4)
    assert not sample.exceeds(sample.lower(delta) + 1e-6, delta)


@given(weighted, st.sampled_from([0.02, 0.05, 0.2]))
def test_p_value_is_the_least_error_at_which_the_bound_holds(rows: list[tuple[bool, float]], alpha: float) -> None:
    losses, weights = zip(*rows, strict=True)
    sample = LossSample.of(losses, weights)
    p = sample.p_above(alpha)
    assert p >= 1 - 1e-6 or sample.upper(min(p * 1.001, 0.999999)) <= alpha + 1e-6
    assert p <= 1e-14 or sample.upper(p * 0.999) >= alpha - 1e-6


@given(weighted, st.integers(0, 99))
def test_the_order_of_units_does_not_matter(rows: list[tuple[bool, float]], seed: int) -> None:
    losses, weights = (np.array(column) for column in zip(*rows, strict=True))
    order = np.random.default_rng(seed).permutation(len(rows))
    there, back = LossSample.of(losses, weights), LossSample.of(losses[order], weights[order])
    assert there.upper(0.05) == pytest.approx(back.upper(0.05), abs=1e-9)
    assert there.p_above(0.05) == pytest.approx(back.p_above(0.05), rel=1e-4)


def test_a_clean_sample_admits_losses_among_its_heavy_units() -> None:
    weights = [2.0] * 50 + [1e-6] * 50
    bound = LossSample.of([False] * 100, weights).upper(0.05)
    assert bound == pytest.approx(upper_bound(0, 50, 0.05), rel=1e-3)
    # The worst chances q by hand: all loss in the heavy half, (1-q)^50 = delta.
    assert bound == pytest.approx(1 - 0.05 ** (1 / 50), rel=1e-3)


def test_one_huge_weight_cannot_claim_more_than_its_share() -> None:
    weights = np.array([50.0] + [1.0] * 950)
    bound = LossSample.of(np.zeros(951), weights).upper(0.05)
    assert 0.003 < bound <= 0.05 + 3 / 951 + 0.002


@given(weighted)
def test_another_loss_never_lowers_the_bound(rows: list[tuple[bool, float]]) -> None:
    losses, weights = (np.array(column) for column in zip(*rows, strict=True))
    before = LossSample.of(losses, weights).upper(0.05)
    losses[0] = True
    assert LossSample.of(losses, weights).upper(0.05) >= before - 1e-9


def test_a_cluster_counts_once() -> None:
    losses = [True, True, True, False, False, False, False, False]
    clusters = ["a", "a", "a", "b", "b", "c", "c", "d"]
    sample = LossSample.of(losses, clusters=clusters)
    assert sample.n == 4
    assert sample.rate == pytest.approx(3 / 8)
    assert sample.upper(0.05) > LossSample.of(losses).upper(0.05)
    pairs = LossSample.of([True, True, False, False], clusters=[0, 0, 1, 1])
    assert pairs.upper(0.05) == upper_bound(1, 2, 0.05)


def test_no_units_know_nothing() -> None:
    sample = LossSample.of([])
    assert math.isnan(sample.rate)
    assert (sample.n, sample.lower(0.05), sample.upper(0.05), sample.p_above(0.05)) == (0, 0, 1, 1)
    with pytest.raises(ValueError, match="positive"):
        LossSample.of([True], [0.0])


@pytest.mark.parametrize("hidden_in", ["cheap", "anywhere"])
def test_loss_at_alpha_is_rarely_certified_wherever_it_hides(hidden_in: str) -> None:
    rng = np.random.default_rng(8)
    cost = np.sort(rng.lognormal(-5, 1.6, 20_000))
    probabilities = pps_probabilities(size_measure(cost), 200)
    chance = np.where(np.arange(20_000) < 6_000, 0.05 / 0.3, 0.0) if hidden_in == "cheap" else np.full(20_000, 0.05)
    certified = dict.fromkeys((0.1, 0.01), 0)
    by_kish = 0
    for _ in range(500):
        drawn = rng.choice(20_000, 200, p=probabilities / probabilities.sum())
        weights, losses = 1 / probabilities[drawn], rng.random(200) < chance[drawn]
        sample = LossSample.of(losses, weights)
        for delta in certified:
            certified[delta] += sample.upper(delta) <= 0.05
        n_eff = kish_neff(weights)
        by_kish += upper_bound(sample.rate * n_eff, n_eff, 0.1) <= 0.05
    for delta, count in certified.items():
        assert count / 500 <= delta + 3 * math.sqrt(delta * (1 - delta) / 500)
    assert certified[0.1] <= by_kish


def test_extreme_samples_stay_in_range() -> None:
    weights = np.where(np.arange(2000) % 2, 0.5, 1.5)
    assert LossSample.of(np.zeros(2000), weights).p_above(0.05) <= 1e-15
    lopsided = LossSample.of([False, False], [1.0, 1e-14])
    assert lopsided.upper(1e-15) == pytest.approx(1)
    assert lopsided.p_above(0.05) > 0.9
