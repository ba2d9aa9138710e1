"""Unusually long prompts and answers within one workflow and model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.statistics.arrays import BoolArray, FloatArray

MIN_UNITS = 20
"""Below this many requests a group's own spread says little: pool it with its kind first."""


@dataclass(frozen=True, eq=False)
class Outliers:
    """Per value: flagged or not, and its z; and the group's median tokens."""

    flagged: BoolArray
    z: FloatArray
    median: float


def log_z(tokens: ArrayLike, counts: ArrayLike | None = None) -> FloatArray:
    """Return the modified z of ln(1+tokens): 0.6745·(ℓ-median)/MAD (Iglewicz & Hoaglin 1993).

    Where more than half are equal (MAD 0) the mean absolute deviation stands in; where all are equal, z is 0.
    `counts` says how often each value occurs, once without it.
    """
    logs = np.log1p(np.asarray(tokens, dtype=np.float64))
    if logs.size == 0:
        return logs
    times = np.ones(logs.size, dtype=np.int64) if counts is None else np.asarray(counts, dtype=np.int64)
    distance: FloatArray = logs - _median(logs, times)
    mad = _median(np.abs(distance), times)
    if mad > 0:
        scaled: FloatArray = 0.6745 * distance / mad
        return scaled
    mean_ad = float(np.sum(np.abs(distance) * times) / times.sum())
    return distance / (1.253314 * mean_ad) if mean_ad > 0 else np.zeros_like(distance)


def tukey_far(tokens: ArrayLike, k: float = 3.0) -> BoolArray:
    """Return which ln(1+tokens) lie more than k interquartile ranges above the third quartile (Tukey 1977)."""
    logs = np.log1p(np.asarray(tokens, dtype=np.float64))
    if logs.size == 0:
        return np.zeros(0, dtype=np.bool_)
    first, third = np.percentile(logs, [25, 75])
    above: BoolArray = logs > third + k * (third - first)
    return above


def find_outliers(
    tokens: ArrayLike, counts: ArrayLike | None = None, *, z: float = 3.5, ratio: float = 3.0
) -> Outliers:
    """Flag what lies above `z` and is at least `ratio` times the median: long in statistics and in dollars.

    `counts` says how often each value occurs, once without it.
    """
    x = np.asarray(tokens, dtype=np.float64)
    score = log_z(x, counts)
    times = np.ones(x.size, dtype=np.int64) if counts is None else np.asarray(counts, dtype=np.int64)
    median = _median(x, times) if x.size else 0.0
    return Outliers((score > z) & (x >= ratio * median), score, median)


def _median(values: FloatArray, counts: NDArray[np.int64]) -> float:
    """The median of values that occur `counts` times each."""
    order = np.argsort(values)
    upto = np.cumsum(counts[order])
    low, high = np.searchsorted(upto, [(upto[-1] - 1) // 2, upto[-1] // 2], side="right")
    return float((values[order[low]] + values[order[high]]) / 2)
