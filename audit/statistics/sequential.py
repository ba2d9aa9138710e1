"""Tests that stay valid however often a growing sample is looked at: betting e-processes.

H0 is 'mean loss >= limit' for losses in [0, 1]. K multiplies 1 + λ(limit - loss) with a bet λ fixed before each loss
is seen; under H0 it is a supermartingale, so K ever reaching 1/δ has probability at most δ (Ville 1939;
Waudby-Smith & Ramdas 2023).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import FloatArray

_CAP = 0.5
_LEAST_VARIANCE = 1e-4


def fixed_bet_e(n: int, failures: int, limit: float, cap: float = _CAP) -> float:
    """Return K after n 0/1 losses, `failures` of them 1, under the constant bet cap/(1-limit)."""
    bet = cap / (1 - limit)
    return math.exp((n - failures) * math.log1p(bet * limit) + failures * math.log1p(bet * (limit - 1)))


def fixed_bet_clean_units(limit: float, delta: float, cap: float = _CAP) -> int:
    """Return how many losses of 0 in a row take the fixed bet to 1/delta."""
    return math.ceil(-math.log(delta) / math.log1p(cap * limit / (1 - limit)) - 1e-9)


def e_process(losses: ArrayLike, limit: float, cap: float = _CAP) -> FloatArray:
    """Return K after each loss (last axis) under the adaptive bet (m-μ)/(σ²+(m-μ)²), clipped to [0, cap/(1-m)].

    μ and σ² come from the losses before, shrunk towards limit/2 and 1/4.
    """
    x = np.asarray(losses, dtype=np.float64)
    seen = np.arange(1, x.shape[-1] + 1)
    mean = (0.5 * limit + _before(np.cumsum(x, axis=-1))) / seen
    spread = 0.25 + _before(np.cumsum((x - mean) ** 2, axis=-1))
    variance = np.maximum(spread / seen, _LEAST_VARIANCE)
    edge = limit - mean
    bets = np.clip(edge / (variance + edge**2), 0.0, cap / (1 - limit))
    process: FloatArray = np.exp(np.cumsum(np.log1p(bets * (limit - x)), axis=-1))
    return process


def e_p_value(process: FloatArray) -> float:
    """Return the p-value 1/max K, valid at any stopping time; 1 before the first loss."""
    return 1.0 if process.size == 0 else min(1.0, 1 / float(process.max()))


@dataclass(frozen=True, eq=False)
class GrowingSample:
    """0/1 losses in the order drawn, with weights of mean 1; bounds and p-values hold at every look.

    The order must be random inside a batch. Not proven across batches whose inclusion probabilities changed:
    there, give each of two planned looks half the error.
    """

    weights: FloatArray
    losses: FloatArray
    largest: float

    @classmethod
    def of(
        cls, losses: ArrayLike, weights: ArrayLike | None = None, largest_weight: float | None = None
    ) -> GrowingSample:
        """Build from arrays of one length; `largest_weight` is the design's bound (1/m for a mixture)."""
        lost = np.asarray(losses, dtype=np.float64)
        w = np.ones_like(lost) if weights is None else np.asarray(weights, dtype=np.float64)
        w = w / w.mean() if w.size else w
        seen = float(w.max()) if w.size else 1.0
        return cls(w, lost, max(seen, largest_weight or 0.0))

    @property
    def n(self) -> int:
        """Number of units."""
        return int(self.weights.size)

    @cached_property
    def rate(self) -> float:
        """Weighted share of losses; NaN without units."""
        return min(1.0, float((self.weights * self.losses).mean())) if self.n else math.nan

    def p_above(self, alpha: float) -> float:
        """Return the p-value of H0 'loss rate >= alpha'."""
        return e_p_value(e_process(self._scaled, alpha / self.largest))

    def p_below(self, alpha: float) -> float:
        """Return the p-value of H0 'loss rate <= alpha'."""
        return e_p_value(e_process(1 - self._scaled, 1 - alpha / self.largest))

    def p_inferior(self, gains: ArrayLike, margin: float) -> float:
        """Return the p-value of H0 'losses - gains >= margin' for units only the candidate got right (gains)."""
        gained = np.asarray(gains, dtype=np.float64) * self.weights / self.largest
        return e_p_value(e_process((1 + self._scaled - gained) / 2, (1 + margin / self.largest) / 2))

    def upper(self, delta: float) -> float:
        """Return the least rate rejected from above: an upper bound of the loss rate."""
        return _least(lambda rate: rate >= 1 or self.p_above(rate) <= delta)

    def lower(self, delta: float) -> float:
        """Return the greatest rate rejected from below: a lower bound of the loss rate."""
        return 1 - _least(lambda rate: rate >= 1 or self.p_below(1 - rate) <= delta)

    def at_most(self, alpha: float, delta: float, scale: float = 1.0) -> bool:
        """Tell whether 'above alpha' is rejected, foreseeing K to the power of `scale` from a sample so much bigger."""
        return bool(self.p_above(alpha) ** scale <= delta)

    def exceeds(self, alpha: float, delta: float, scale: float = 1.0) -> bool:
        """Tell whether 'at most alpha' is rejected, in the same way."""
        return bool(self.p_below(alpha) ** scale <= delta)

    @property
    def _scaled(self) -> FloatArray:
        scaled: FloatArray = self.losses * self.weights / self.largest
        return scaled


def _least(holds: Callable[[float], bool]) -> float:
    """Return the least rate in (0, 1] from which `holds`."""
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _before(cumulative: FloatArray) -> FloatArray:
    """Shift sums by one, so that each bet knows only the past."""
    shifted = np.zeros_like(cumulative)
    shifted[..., 1:] = cumulative[..., :-1]
    return shifted
