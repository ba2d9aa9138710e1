"""Tails and quantiles of the few distributions needed; scipy is loaded by the first call that needs it."""

from __future__ import annotations

import math
from statistics import NormalDist

_STANDARD_NORMAL = NormalDist()


def normal_quantile(probability: float) -> float:
    """Return z with P(Z <= z) = probability."""
    return _STANDARD_NORMAL.inv_cdf(probability)


def normal_upper_tail(z: float) -> float:
    """Return P(Z > z), accurate far out in the tail."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def t_quantile(probability: float, degrees_of_freedom: float) -> float:
    """Return t with P(T <= t) = probability (Student)."""
    from scipy import special

    return float(special.stdtrit(degrees_of_freedom, probability))


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Return the quantile of Beta(a, b); a <= 0 is a point mass at 0 and b <= 0 one at 1."""
    from scipy import special

    if a <= 0:
        return 0.0
    if b <= 0:
        return 1.0
    return float(special.betaincinv(a, b, probability))


def binomial_cdf(count: float, n: float, probability: float) -> float:
    """Return P(Bin(n, probability) <= count); count and n may be fractional (effective sample sizes)."""
    from scipy import special

    if count < 0:
        return 0.0
    if count >= n:
        return 1.0
    return float(special.betainc(n - count, count + 1, 1 - probability))
