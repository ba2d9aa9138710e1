"""A share of a finite log from a stratified sample with unequal chances, and its interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import FloatArray, IntArray
from audit.statistics.design import codes_of, design_effect, linearised
from audit.statistics.intervals import LEVEL, Interval, jeffreys, kish_neff

SHRINKAGE = 2.0
"""A stratum's distance from the overall share counts as if so many units more had none: few units show little."""

SLIP = 0.002
"""Chance that an answer that was seen would be another the next time, or is misread: a census is not certain either."""

CAUTION = 1.1
"""Factor of the variance: answers that go with weights and few units make it too small by about as much."""


def share(
    good: ArrayLike,
    weights: ArrayLike,
    included: ArrayLike,
    strata: ArrayLike,
    clusters: ArrayLike | None = None,
    level: float = LEVEL,
) -> Interval:
    """Return the weighted share of 0/1 values in the log they were drawn from, with Jeffreys' interval.

    `weights` is what each unit stands for (its requests or dollars over its chance), `included` the chance to be in
    the sample: what was taken for certain adds no more doubt than `SLIP`. 0 stands for units of an endless population.
    The interval is that of as many equally weighted units as have the variance of this design: the larger of what the
    strata's shares imply and of the linearised one (Hájek 1964) where answers go with weights. Values that move
    together within clusters raise it by their design effect.
    """
    p, n = equal_units(good, weights, included, strata, clusters)
    return jeffreys(p * n, n, level)


def equal_units(
    good: ArrayLike,
    weights: ArrayLike,
    included: ArrayLike,
    strata: ArrayLike,
    clusters: ArrayLike | None = None,
) -> tuple[float, float]:
    """Return the weighted share, and how many equally weighted units tell as much about it as this sample does.

    Arguments as in `share`. Both are 0 without units.
    """
    y, w, pi = (np.asarray(each, dtype=np.float64) for each in (good, weights, included))
    if y.size == 0 or w.sum() <= 0:
        return 0.0, 0.0
    p, size, part = float(y[0]) if np.ptp(y) == 0 else float((w * y).sum() / w.sum()), kish_neff(w), w / w.sum()
    smooth = (p * size + 0.5) / (size + 1)
    codes = codes_of(strata)
    # a unit pulls the share towards itself: its residual is short by its own part of the weight
    residual = part * (y - p) / np.maximum(1 - part, 0.5)
    implied = _implied(y - p, w, 1 - pi, codes, smooth) * size / max(1.0, size - 1)
    variance = CAUTION * max(implied, linearised(residual, 1 - pi, codes))
    if clusters is not None:
        variance *= design_effect(residual, codes_of(clusters))
    variance += SLIP * (1 - SLIP) * float((pi * part**2).sum())
    return p, smooth * (1 - smooth) / variance


def _implied(deviation: FloatArray, w: FloatArray, missing: FloatArray, codes: IntArray, overall: float) -> float:
    """Return the variance of the share if each stratum's answers are coin tosses with its own chance."""
    variance = 0.0
    for code in range(int(codes.max()) + 1):
        member = codes == code
        weight = w[member]
        size = kish_neff(weight)
        apart = float((weight * deviation[member]).sum() / weight.sum()) * size / (size + SHRINKAGE)
        own = min(1.0, max(0.0, overall + apart))
        variance += own * (1 - own) * float((missing[member] * weight**2).sum())
    return variance / float(w.sum()) ** 2
