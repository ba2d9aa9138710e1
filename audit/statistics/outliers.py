"""Unusually long prompts and answers within one workflow and model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import BoolArray, FloatArray

MIN_UNITS = 20
"""Below this many requests a group's own spread says little: pool it with its kind first."""


@dataclass(frozen=True, eq=False)
class Outliers:
    """Per request: flagged or not, its z, and whether Tukey's far fence flags it too; and the group's median tokens."""

    flagged: BoolArray
    z: FloatArray
    tukey: BoolArray
    median: float


def log_z(tokens: ArrayLike) -> FloatArray:
    """Return the modified z of ln(1+tokens): 0.6745·(ℓ-median)/MAD (Iglewicz & Hoaglin 1993).

    Where more than half are equal (MAD 0) the mean absolute deviation stands in; where all are equal, z is 0.
    """
    logs = np.log1p(np.asarray(tokens, dtype=np.float64))
    if logs.size == 0:
        return logs
    distance: FloatArray = logs - np.median(logs)
    mad = float(np.median(np.abs(distance)))
    mean_ad = float(np.mean(np.abs(distance)))
    if mad > 0:
        scaled: FloatArray = 0.6745 * distance / mad
        return scaled
    return distance / (1.253314 * mean_ad) if mean_ad > 0 else np.zeros_like(distance)


def tukey_far(tokens: ArrayLike, k: float = 3.0) -> BoolArray:
    """Return which ln(1+tokens) lie more than k interquartile ranges above the third quartile (Tukey 1977)."""
    logs = np.log1p(np.asarray(tokens, dtype=np.float64))
    if logs.size == 0:
        return np.zeros(0, dtype=np.bool_)
    first, third = np.percentile(logs, [25, 75])
    above: BoolArray = logs > third + k * (third - first)
    return above


def find_outliers(tokens: ArrayLike, z: float = 3.5, ratio: float = 3.0) -> Outliers:
    """Flag what lies above `z` and is at least `ratio` times the median: long in statistics and in dollars."""
    x = np.asarray(tokens, dtype=np.float64)
    score = log_z(x)
    median = float(np.median(x)) if x.size else 0.0
    return Outliers((score > z) & (x >= ratio * median), score, tukey_far(x), median)
