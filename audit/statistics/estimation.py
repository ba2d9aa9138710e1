"""Totals and rates from a sample drawn with unequal probabilities."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import FloatArray, IntArray
from audit.statistics.design import codes_of, design_effect, linearised


class Estimate(NamedTuple):
    """A point estimate and its standard error."""

    value: float
    standard_error: float


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
) -> Estimate:
    """Return Σ w·y / Σ w·x and its standard error in the log it was drawn from (Hájek 1971, linearised).

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
    variance = linearised(residual, 1 - pi, codes_of(strata))
    if clusters is not None:
        variance *= design_effect(residual, codes_of(clusters))
    return Estimate(value, math.sqrt(variance))


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
