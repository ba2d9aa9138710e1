"""Promises that a loss stays under alpha: single tests, ordered thresholds, many tests at once, and their power."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import FloatArray
from audit.statistics.distributions import binomial_cdf
from audit.statistics.weighted_loss import LossSample


class Threshold(NamedTuple):
    """The riskiest certified threshold (None: not even the safest) and the p-value of each."""

    chosen: int | None
    p_values: FloatArray


def binomial_p(failures: float, n: float, alpha: float) -> float:
    """Return the exact p-value of H0 'failure rate > alpha'."""
    return binomial_cdf(failures, n, alpha)


def fixed_sequence(p_values: Sequence[float] | FloatArray, delta: float) -> int | None:
    """Return the last index reached while every p-value so far is at most delta; None if the first is above."""
    reached = None
    for index, p in enumerate(p_values):
        if p > delta:
            break
        reached = index
    return reached


def learn_then_test(
    losses: ArrayLike, alpha: float, delta: float, weights: ArrayLike | None = None, clusters: ArrayLike | None = None
) -> Threshold:
    """Choose among thresholds ordered from safest to riskiest (rows: thresholds, columns: units; 0/1).

    P(loss of the chosen one > alpha) <= delta by fixed-sequence testing (Angelopoulos et al. 2021). The order and the
    thresholds must have been fixed before looking.
    """
    rows = np.atleast_2d(np.asarray(losses, dtype=np.float64))
    p_values = np.array([LossSample.of(row, weights, clusters).p_above(alpha) for row in rows])
    return Threshold(fixed_sequence(p_values, delta), p_values)


def conformal_risk_control(failures: Sequence[float], n: int, alpha: float) -> int | None:
    """Return the last threshold with (failures+1)/(n+1) <= alpha so far (Angelopoulos et al. 2022).

    Only the expected loss is controlled, not the loss of the threshold chosen today.
    """
    return fixed_sequence([(k + 1) / (n + 1) for k in failures], alpha)


def max_failures(n: int, alpha: float, delta: float) -> int | None:
    """Return the most failures in n units that still certify a rate <= alpha at error delta; None if not even zero."""
    if binomial_p(0, n, alpha) > delta:
        return None
    low, high = 0, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if binomial_p(middle, n, alpha) <= delta else (low, middle)
    return low


def clean_units(alpha: float, delta: float, tests: int = 1) -> int:
    """Return the least n that certifies with zero failures when `tests` share the error delta (Holm's first step)."""
    return math.ceil(math.log(delta / tests) / math.log1p(-alpha) - 1e-9)


def certificate_power(n: int, true_loss: float, alpha: float, delta: float, tests: int = 1) -> float:
    """Return the chance that n equally weighted units certify a candidate whose true loss is `true_loss`."""
    allowed = max_failures(n, alpha, delta / tests)
    return 0.0 if allowed is None else binomial_cdf(allowed, n, true_loss)


def units_for_power(
    true_loss: float, alpha: float, delta: float, tests: int = 1, power: float = 0.8, design_effect: float = 1.0
) -> int | None:
    """Return the least n that certifies a candidate of that true loss with that power; None from true_loss = alpha up.

    `design_effect` is n over the effective size of the planned weights.
    """
    if true_loss >= alpha:
        return None

    def units(failures: int) -> int | None:
        # Power peaks at the least n that tolerates so many failures, and the peaks rise with them.
        n = _units_allowing(failures, alpha, delta / tests)
        return n if binomial_cdf(failures, n, true_loss) >= power else None

    low, high = -1, 0
    while units(high) is None:
        low, high = high, 2 * high + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if units(middle) is not None else (middle, high)
    return math.ceil(_units_allowing(high, alpha, delta / tests) * design_effect - 1e-9)


def _units_allowing(failures: int, alpha: float, delta: float) -> int:
    """Return the least n at which `failures` failures certify."""
    low = high = max(failures + 1, clean_units(alpha, delta))
    while binomial_p(failures, high, alpha) > delta:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if binomial_p(failures, middle, alpha) <= delta else (middle, high)
    return high if binomial_p(failures, low, alpha) > delta else low


def holm(p_values: ArrayLike, family: int | None = None) -> FloatArray:
    """Return Holm's (1979) adjusted p-values: family-wise error over all `family` tests (default: those given)."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    steps = _family(p.size, family) - np.arange(p.size)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * steps))
    return adjusted


def holm_levels(p_values: ArrayLike, delta: float, family: int | None = None) -> FloatArray:
    """Return the level each test is judged at: delta/m, delta/(m-1), … in order of p, and from the stop on that one."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    steps = delta / (_family(p.size, family) - np.arange(p.size))
    failed = p[order] > steps
    if failed.any():
        stop = int(np.argmax(failed))
        steps[stop:] = steps[stop]
    # Equal p-values are judged alike: at the first, strictest level among them.
    levels: FloatArray = steps[np.searchsorted(p[order], p)]
    return levels


def _family(tests: int, family: int | None) -> int:
    return tests if family is None else max(family, tests)
