"""Is the candidate at most `margin` worse than the current model on the same units?"""

from __future__ import annotations

import math
from typing import NamedTuple

from audit.statistics.distributions import normal_quantile, normal_upper_tail


class ScoreTest(NamedTuple):
    """A standardised score and its one-sided p-value."""

    z: float
    p_value: float


def tango(gains: float, losses: float, n: float, margin: float) -> ScoreTest:
    """Test H0 'candidate - current <= -margin' on paired 0/1 outcomes by Tango's (1998) score.

    gains: units only the candidate got right; losses: units only the current model got right; n: all pairs.
    """
    if n <= 0:
        return ScoreTest(0.0, 1.0)
    z = _score(gains, losses, n, -margin)
    return ScoreTest(z, normal_upper_tail(z))


def noninferiority_units(
    discordant: float, margin: float, difference: float = 0.0, delta: float = 0.05, power: float = 0.8
) -> int:
    """Return the pairs needed when `discordant` is the share of pairs that differ and `difference` the true one.

    n = (z_δ + z_power)²·(ψ-d²)/(margin+d)² (Connor 1987, for a shifted null).
    """
    z = normal_quantile(1 - delta) + normal_quantile(power)
    return math.ceil(z * z * (discordant - difference**2) / (margin + difference) ** 2)


def _score(gains: float, losses: float, n: float, difference: float) -> float:
    """Return (b-c-n·d)/√Var at the restricted maximum-likelihood estimate of the loss share."""
    b = -gains - losses + (2 * n - gains + losses) * difference
    c = -losses * difference * (1 - difference)
    share = (math.sqrt(max(b * b - 8 * n * c, 0.0)) - b) / (4 * n)
    variance = n * (2 * share + difference * (1 - difference))
    distance = gains - losses - n * difference
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)
