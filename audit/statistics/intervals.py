"""Intervals for a share or a mean; every one returns `Interval`, at 90 % unless told otherwise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import FloatArray, IntArray
from audit.statistics.distributions import beta_quantile, normal_quantile, normal_upper_tail

LEVEL = 0.90
MIN_N_EFF = 30
"""Below this effective sample size a rate is not shown as a number (NCHS data presentation standard, 2017)."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its bounds and the two-sided confidence level; estimate is NaN where there was no data."""

    estimate: float
    low: float
    high: float
    level: float

    def __contains__(self, value: float) -> bool:
        """Tell whether the interval covers a value."""
        return self.low <= value <= self.high

    @property
    def width(self) -> float:
        """High minus low."""
        return self.high - self.low


def wilson(successes: float, n: float, level: float = LEVEL) -> Interval:
    """Return Wilson's (1927) score interval, for display; n may be an effective sample size."""
    if n <= 0:
        return _nothing_known(level)
    z2 = normal_quantile((1 + level) / 2) ** 2
    p = successes / n
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    low = 0.0 if successes <= 0 else max(0.0, centre - half)
    high = 1.0 if successes >= n else min(1.0, centre + half)
    return Interval(p, low, high, level)


def clopper_pearson(successes: float, n: float, level: float = LEVEL) -> Interval:
    """Return the exact interval (Clopper & Pearson 1934); n may be an effective sample size."""
    if n <= 0:
        return _nothing_known(level)
    tail = (1 - level) / 2
    return Interval(successes / n, lower_bound(successes, n, tail), upper_bound(successes, n, tail), level)


def lower_bound(successes: float, n: float, delta: float) -> float:
    """Return the exact one-sided lower bound of a share, wrong with probability at most delta."""
    return beta_quantile(delta, successes, n - successes + 1)


def upper_bound(successes: float, n: float, delta: float) -> float:
    """Return the exact one-sided upper bound of a share, wrong with probability at most delta."""
    return beta_quantile(1 - delta, successes + 1, n - successes)


def jeffreys(successes: float, n: float, level: float = LEVEL) -> Interval:
    """Return the equal-tailed interval of Beta(k+½, n-k+½), closed at 0 and n (Brown, Cai & DasGupta 2001)."""
    if n <= 0:
        return _nothing_known(level)
    a, b, tail = successes + 0.5, n - successes + 0.5, (1 - level) / 2
    low = 0.0 if successes <= 0 else beta_quantile(tail, a, b)
    high = 1.0 if successes >= n else beta_quantile(1 - tail, a, b)
    return Interval(successes / n, low, high, level)


def normal(estimate: float, standard_error: float, level: float = LEVEL) -> Interval:
    """Return estimate ± z·standard error: for means and totals, never for a share."""
    half = normal_quantile((1 + level) / 2) * standard_error
    return Interval(estimate, estimate - half, estimate + half, level)


def kish_neff(weights: ArrayLike) -> float:
    """Return Kish's (1965) effective sample size (Σw)²/Σw²."""
    w = np.asarray(weights, dtype=np.float64)
    return float(w.sum() ** 2 / (w**2).sum()) if w.size else 0.0


def clustered_standard_error(
    values: ArrayLike, clusters: ArrayLike | None = None, weights: ArrayLike | None = None
) -> float:
    """Return the standard error of the (weighted) mean when units of a cluster move together (Miller 2024)."""
    y, w = _with_weights(values, weights)
    residual = w * (y - (w * y).sum() / w.sum())
    if clusters is not None:
        residual = np.bincount(_codes(clusters), residual)
    return math.sqrt(float((residual**2).sum())) / float(w.sum())


def effective_size(
    values: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    clusters: ArrayLike | None = None,
    strata: ArrayLike | None = None,
) -> float:
    """Return the number of independent, equally weighted units the sample of 0/1 values is worth."""
    y, w = _with_weights(values, weights)
    p = float((w * y).sum() / w.sum())
    if clusters is None and np.ptp(w) <= 1e-9 * w.max():
        return float(y.size)
    if p <= 0 or p >= 1:
        # All alike: nothing shows how far a cluster moves together, so each counts once.
        return kish_neff(w if clusters is None else np.bincount(_codes(clusters), w))
    return min(float(y.size), p * (1 - p) / _design_variance(w * (y - p), w.sum(), clusters, strata), kish_neff(w))


def _design_variance(
    residual: FloatArray, weight: float, clusters: ArrayLike | None, strata: ArrayLike | None
) -> float:
    """Return the linearised variance of a weighted mean: between clusters, within strata."""
    stratum = np.zeros(residual.size, dtype=np.int64) if strata is None else _codes(strata)
    unit = np.arange(residual.size, dtype=np.int64) if clusters is None else _codes(clusters)
    variance = 0.0
    for h in range(int(stratum.max()) + 1):
        member = stratum == h
        totals = np.bincount(_codes(unit[member]), residual[member])
        n = totals.size
        # A lone cluster has no spread of its own: its distance from the overall mean stands in.
        centred = totals - totals.mean() if n > 1 else totals
        variance += n / max(1, n - 1) * float((centred**2).sum())
    return max(variance / weight**2, 1e-300)


def level_between(gap: float, error: float, level: float = LEVEL) -> float:
    """Return the level of the intervals of two ends that, taken together, hold a share anywhere between them.

    `gap` is the distance of the ends, `error` the larger of their standard errors. A share at one end is missed on its
    own side only once the other end is far away, so less is needed of each (Imbens & Manski 2004): from `level` at no
    gap down to 2·`level` - 1.
    """
    if gap <= 0:
        return level
    low, high = normal_quantile(level), normal_quantile((1 + level) / 2)
    apart = gap / error if error > 0 else math.inf
    for _ in range(40):
        z = (low + high) / 2
        held = normal_upper_tail(-z - apart) - normal_upper_tail(z)
        low, high = (z, high) if held < level else (low, z)
    return 1 - 2 * normal_upper_tail(high)


def _with_weights(values: ArrayLike, weights: ArrayLike | None) -> tuple[FloatArray, FloatArray]:
    y = np.asarray(values, dtype=np.float64).ravel()
    return y, np.ones_like(y) if weights is None else np.asarray(weights, dtype=np.float64).ravel()


def _codes(labels: ArrayLike) -> IntArray:
    return np.unique(np.asarray(labels).ravel(), return_inverse=True)[1].astype(np.int64)


def _nothing_known(level: float) -> Interval:
    return Interval(math.nan, 0.0, 1.0, level)
