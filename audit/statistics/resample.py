"""Uncertainty by resampling, drawn jointly so that totals need no adding-up of separate bounds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import BoolArray, FloatArray, IntArray
from audit.statistics.distributions import t_quantile
from audit.statistics.intervals import LEVEL, Interval


def rao_wu_weights(
    weights: ArrayLike,
    strata: ArrayLike,
    rng: np.random.Generator,
    *,
    clusters: ArrayLike | None = None,
    certain: BoolArray | None = None,
    draws: int = 2000,
) -> FloatArray:
    """Return `draws` × units bootstrap weights (Rao & Wu 1988; Rao, Wu & Yue 1992).

    Within each stratum n-1 of its n clusters are drawn with replacement and weighted by n/(n-1). Units taken for
    certain keep their weight; so does a stratum of one cluster, which shows no spread. Any estimator is then a product
    with these rows: `replicates @ y / replicates.sum(axis=1)` for a mean.
    """
    w = np.asarray(weights, dtype=np.float64)
    unit = np.arange(w.size) if clusters is None else np.asarray(clusters)
    fixed = np.zeros(w.size, dtype=np.bool_) if certain is None else certain
    factors = np.ones((draws, w.size))
    labels = np.asarray(strata)
    for stratum in np.unique(labels[~fixed]):
        member = np.flatnonzero((labels == stratum) & ~fixed)
        names, code = np.unique(unit[member], return_inverse=True)
        n = names.size
        if n > 1:
            counts = rng.multinomial(n - 1, np.full(n, 1 / n), size=draws)
            factors[:, member] = counts[:, code] * (n / (n - 1))
    replicated: FloatArray = factors * w
    return replicated


def block_bootstrap(daily: ArrayLike, rng: np.random.Generator, *, draws: int = 1000, block: int = 1) -> FloatArray:
    """Return `draws` × levers totals of as many days as given, resampled in circular blocks (Politis & Romano 1992).

    `daily` is days × levers (put the bill in as one more column and a ratio stays joint); block 7 keeps weeks whole and
    suits 8 weeks or more. Each row is one draw of all columns together: sum it for the total.
    """
    table = np.asarray(daily, dtype=np.float64)
    days = table.shape[0]
    blocks = math.ceil(days / block)
    starts: IntArray = rng.integers(0, days, (draws, blocks))
    chosen = (starts[:, :, None] + np.arange(block)) % days
    chosen = chosen.reshape(draws, -1)[:, :days]
    times = np.zeros((draws, days))
    np.add.at(times, (np.arange(draws)[:, None], chosen), 1.0)
    totals: FloatArray = times @ table
    return totals


def percentile_interval(draws: ArrayLike, estimate: float, level: float = LEVEL) -> Interval:
    """Return the equal-tailed interval of draws of one quantity."""
    low, high = np.quantile(np.asarray(draws, dtype=np.float64), [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high), level)


def bankable(joint: ArrayLike, realisation: ArrayLike, quantile: float = 0.05) -> float:
    """Return the low quantile of total saving: joint draws × levers, each lever times its realisation factor."""
    total = np.asarray(joint, dtype=np.float64) @ np.asarray(realisation, dtype=np.float64)
    return float(np.quantile(total, quantile))


def next_period_share(
    daily_saving: ArrayLike, daily_cost: ArrayLike, horizon_days: float, level: float = LEVEL
) -> Interval:
    """Return the share saved with a prediction interval for the next `horizon_days`: r ± t·s·√(1/D + 1/H).

    s is the day-to-day spread of saving - r·cost over the mean daily cost. A bootstrap alone leaves out that future
    days differ from past ones. Raises ValueError under two days or where nothing was spent.
    """
    saving, cost = np.asarray(daily_saving, dtype=np.float64), np.asarray(daily_cost, dtype=np.float64)
    days, spent = saving.size, float(cost.sum())
    if days < 2 or spent <= 0:
        raise ValueError("a prediction needs at least two days with spending")
    ratio = float(saving.sum()) / spent
    spread = float((saving - ratio * cost).std(ddof=1)) / (spent / days)
    half = t_quantile((1 + level) / 2, days - 1) * spread * math.sqrt(1 / days + 1 / horizon_days)
    return Interval(ratio, ratio - half, ratio + half, level)
