"""Totals and rates from a sample drawn with unequal probabilities."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import FloatArray, IntArray
from audit.statistics.design import codes_of, contributions, design_effect, freedom


class Estimate(NamedTuple):
    """A point estimate and its standard error."""

    value: float
    standard_error: float


class Measured(NamedTuple):
    """An estimate from a sample; `freedom` are the degrees of freedom of its standard error."""

    value: float
    standard_error: float
    freedom: float

    def draws(self, count: int, random: np.random.Generator) -> FloatArray:
        """Return draws whose quantiles are the ends of its confidence intervals: Student's t."""
        drawn: FloatArray = self.value + self.standard_error * random.standard_t(self.freedom, count)
        return drawn


def weighted_mean(values: ArrayLike, weights: ArrayLike) -> float:
    """Return Σ w·y / Σ w; with w = count/π or cost/π this is the Hájek (1971) rate per request or per dollar."""
    w = _floats(weights)
    return float((w * _floats(values)).sum() / w.sum())


def ratio(
    values: ArrayLike,
    sizes: ArrayLike,
    weights: ArrayLike,
    included: ArrayLike,
    strata: ArrayLike,
    clusters: ArrayLike | None = None,
) -> Measured:
    """Return Σ w·y / Σ w·x and its error in the log it was drawn from (Hájek 1971, linearised).

    `included` is the chance to be in the sample; 0 stands for units of an endless population. Values that move together
    within clusters raise the error by their design effect. Raises ValueError where the sizes add up to nothing.
    """
    y, x, w, pi = (_floats(each) for each in (values, sizes, weights, included))
    total = float((w * x).sum())
    if total <= 0:
        raise ValueError("a ratio to nothing")
    value = float((w * y).sum()) / total
    # a unit pulls the ratio towards itself: its residual is short by its own part of the sizes
    residual = w * (y - value * x) / total / np.maximum(1 - w * x / total, 0.5)
    codes = codes_of(strata)
    parts = contributions(residual, 1 - pi, codes)
    variance = float((parts**2).sum())
    if clusters is not None:
        kin = codes_of(clusters)
        variance *= design_effect(residual, kin)
        parts = np.bincount(kin, parts).astype(np.float64)
    most = int((parts != 0).sum()) - int(codes.max()) - 1
    return Measured(value, math.sqrt(variance), freedom(parts, most))


def poststratify(
    values: ArrayLike, cells: IntArray, shares: ArrayLike, weights: ArrayLike | None = None, minimum: int = 10
) -> Estimate:
    """Return the mean re-weighted to known cell shares; cells (0..C-1) with under `minimum` units are pooled into one.

    Standard error: √Σ W²·s²/n per cell, linearised where weights differ (Holt & Smith 1979).
    """
    y, share = _floats(values), _floats(shares)
    w = np.ones_like(y) if weights is None else _floats(weights)
    small = np.bincount(cells, minlength=share.size) < minimum
    pool = np.where(small, share.size, np.arange(share.size))
    groups, pooled_share = pool[cells], np.bincount(pool, share, share.size + 1)
    value = variance = covered = 0.0
    for group in np.unique(groups):
        member = groups == group
        mean, var = _mean_and_variance(y[member], w[member])
        value += pooled_share[group] * mean
        variance += pooled_share[group] ** 2 * var
        covered += pooled_share[group]
    # Cells nobody sampled, all pooled away: the rest speaks for them.
    return Estimate(value / covered, math.sqrt(variance) / covered)


def _mean_and_variance(y: FloatArray, w: FloatArray) -> tuple[float, float]:
    """Return the weighted mean and the variance of it; one unit alone has no variance to show."""
    mean = float((w * y).sum() / w.sum())
    if y.size < 2:
        return mean, 0.0
    spread = float(((w * (y - mean)) ** 2).sum())
    return mean, y.size / (y.size - 1) * spread / float(w.sum()) ** 2


def _floats(values: ArrayLike) -> FloatArray:
    return np.asarray(values, dtype=np.float64)
