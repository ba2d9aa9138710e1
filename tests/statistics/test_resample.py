from __future__ import annotations

import math

import numpy as np
import pytest

from audit.statistics.intervals import clustered_standard_error
from audit.statistics.resample import (
    bankable,
    block_bootstrap,
    next_period_share,
    percentile_interval,
    rao_wu_weights,
)


def test_bootstrap_spread_is_the_stratified_standard_error() -> None:
    rng = np.random.default_rng(1)
    strata = np.repeat([0, 1], [12, 30])
    y = np.concatenate([rng.normal(0, 1, 12), rng.normal(5, 3, 30)])
    replicated = rao_wu_weights(np.ones(42), strata, rng, draws=4000)
    spread = (replicated @ y / replicated.sum(axis=1)).std()
    expected = math.sqrt((12 / 42) ** 2 * y[:12].var(ddof=1) / 12 + (30 / 42) ** 2 * y[12:].var(ddof=1) / 30)
    assert spread == pytest.approx(expected, rel=0.06)
    assert replicated.mean() == pytest.approx(1, abs=0.01)
    assert np.allclose(replicated.sum(axis=1), 42)


def test_clusters_are_resampled_whole() -> None:
    rng = np.random.default_rng(2)
    clusters = np.repeat(np.arange(40), 5)
    y = np.repeat(rng.random(40) < 0.7, 5).astype(float)
    replicated = rao_wu_weights(np.ones(200), np.zeros(200), rng, clusters=clusters, draws=3000)
    by_cluster = replicated.reshape(3000, 40, 5)
    assert (by_cluster == by_cluster[:, :, :1]).all()
    spread = (replicated @ y / replicated.sum(axis=1)).std()
    assert spread == pytest.approx(clustered_standard_error(y, clusters), rel=0.08)


def test_certain_units_and_lone_clusters_keep_their_weight() -> None:
    rng = np.random.default_rng(3)
    certain = np.array([True, False, False, False, False])
    replicated = rao_wu_weights([1, 2, 2, 2, 9], ["a", "a", "a", "a", "b"], rng, certain=certain, draws=50)
    assert (replicated[:, 0] == 1).all()
    assert (replicated[:, 4] == 9).all()
    assert replicated[:, 1:4].std() > 0


def test_blocks_keep_columns_together_and_the_mean() -> None:
    rng = np.random.default_rng(4)
    saving = rng.gamma(2, 1, 28)
    draws = block_bootstrap(np.column_stack([saving, 2 * saving, np.ones(28)]), rng, draws=3000)
    assert np.allclose(draws[:, 1], 2 * draws[:, 0])
    assert (draws[:, 2] == 28).all()
    assert draws[:, 0].mean() == pytest.approx(saving.sum(), rel=0.01)
    assert draws[:, 0].std() == pytest.approx(saving.std() * math.sqrt(28), rel=0.05)


def test_weekly_blocks_do_not_mistake_the_week_for_noise() -> None:
    rng = np.random.default_rng(5)
    weekly = np.tile([5.0, 5, 5, 5, 5, 1, 1], 9)[:, None]
    by_day, by_week = (block_bootstrap(weekly, rng, draws=500, block=b).std() for b in (1, 7))
    assert by_week == pytest.approx(0, abs=1e-9)
    assert by_day > 10
    assert (block_bootstrap(np.ones((10, 1)), rng, draws=5, block=7) == 10).all()


def test_the_interval_of_a_total_is_narrower_than_the_sum_of_bounds() -> None:
    rng = np.random.default_rng(6)
    draws = block_bootstrap(rng.gamma(2, 1, (28, 3)), rng)
    total = percentile_interval(draws.sum(axis=1), 1.0)
    apart = [percentile_interval(draws[:, j], 1.0) for j in range(3)]
    assert sum(i.low for i in apart) < total.low < total.high < sum(i.high for i in apart)
    assert bankable(draws, np.ones(3)) == pytest.approx(total.low)
    assert bankable(draws, [1, 0.9, 0.8]) < total.low


def test_next_months_share_by_hand() -> None:
    saving, cost = [1.0, 3.0, 2.0], [10.0, 10.0, 20.0]
    ratio = 6 / 40
    residual = np.array(saving) - ratio * np.array(cost)
    half = 2.919986 * residual.std(ddof=1) / (40 / 3) * math.sqrt(1 / 3 + 1 / 30)
    interval = next_period_share(saving, cost, 30)
    assert interval.estimate == pytest.approx(ratio)
    assert [interval.low, interval.high] == pytest.approx([ratio - half, ratio + half], rel=1e-6)


@pytest.mark.parametrize(("saving", "cost"), [([1.0], [2.0]), ([0.0, 0.0], [0.0, 0.0])])
def test_too_little_history_is_refused(saving: list[float], cost: list[float]) -> None:
    with pytest.raises(ValueError, match="two days"):
        next_period_share(saving, cost, 30)


def test_prediction_covers_the_future_where_a_bootstrap_does_not() -> None:
    rng = np.random.default_rng(5)
    predicted = resampled = 0
    repeats = 250
    for _ in range(repeats):
        cost = rng.gamma(50, 1, 56)
        saving = cost / (1 + np.exp(1.2 - rng.normal(0, 0.6, 56)))
        future = saving[28:].sum() / cost[28:].sum()
        predicted += future in next_period_share(saving[:28], cost[:28], 28)
        draws = block_bootstrap(np.column_stack([saving, cost])[:28], rng, draws=200)
        resampled += future in percentile_interval(draws[:, 0] / draws[:, 1], future)
    assert 0.85 <= predicted / repeats <= 0.96
    assert resampled / repeats < 0.8
