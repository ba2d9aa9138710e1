"""Tests that stay valid however often a growing sample is looked at: betting e-processes.

H0 is 'mean loss >= limit' for losses in [0, 1]. K is the average, over bets c spread evenly on (0, 1), of the products
of 1 + c·(limit - loss)/(1 - limit). Under H0 each product is a supermartingale, so K ever reaching 1/δ has probability
at most δ (Ville 1939; Waudby-Smith & Ramdas 2023). The bet c is best where the true rate is limit·(1-c), so the average
spends its money evenly over all rates below the limit and needs no tuning; far in the tails it takes a third fewer
clean units than one adaptive bet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import FloatArray

_BETS = tuple((k + 0.5) / 20 for k in range(20))


def log_e_value(n: int, failures: int, limit: float, bets: Sequence[float] = _BETS) -> float:
    """Return ln K after n losses of 0 or 1, `failures` of them 1, in whatever order."""
    c = np.asarray(bets, dtype=np.float64)
    return float(_log_mean((n - failures) * np.log1p(c * limit / (1 - limit)) + failures * np.log1p(-c)))


def log_e_process(losses: ArrayLike, limit: float, bets: Sequence[float] = _BETS) -> FloatArray:
    """Return ln K after each loss, along the last axis."""
    x = np.asarray(losses, dtype=np.float64)
    logs = np.stack([np.cumsum(np.log1p(c * (limit - x) / (1 - limit)), axis=-1) for c in bets])
    return _log_mean(logs)


def growing_clean_units(limit: float, delta: float, bets: Sequence[float] = _BETS) -> int:
    """Return how many losses of 0 in a row take K to 1/delta."""
    low, high = 0, 1
    while log_e_value(high, 0, limit, bets) < -math.log(delta):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if log_e_value(middle, 0, limit, bets) >= -math.log(delta) else (middle, high)
    return high


def e_p_value(log_process: FloatArray) -> float:
    """Return the p-value 1/max K, valid at any stopping time; 1 before the first loss."""
    return 1.0 if log_process.size == 0 else math.exp(min(0.0, -float(log_process.max())))


@dataclass(frozen=True, eq=False)
class GrowingSample:
    """0/1 losses in the order drawn, with weights of mean 1; bounds and p-values hold at every look.

    The order must be random inside a batch. Not proven across batches whose inclusion probabilities changed:
    there, give each of two planned looks half the error.
    """

    weights: FloatArray
    losses: FloatArray
    largest: float
    _known: dict[tuple[str, float], float] = field(default_factory=dict, repr=False)

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
        return self._remembered("above", alpha, lambda: log_e_process(self._scaled, alpha / self.largest))

    def p_below(self, alpha: float) -> float:
        """Return the p-value of H0 'loss rate <= alpha'."""
        return self._remembered("below", alpha, lambda: log_e_process(1 - self._scaled, 1 - alpha / self.largest))

    def p_inferior(self, gains: ArrayLike, margin: float) -> float:
        """Return the p-value of H0 'losses - gains >= margin' for units only the candidate got right (gains)."""
        gained = np.asarray(gains, dtype=np.float64) * self.weights / self.largest
        return e_p_value(log_e_process((1 + self._scaled - gained) / 2, (1 + margin / self.largest) / 2))

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

    def _remembered(self, side: str, alpha: float, log_process: Callable[[], FloatArray]) -> float:
        if (side, alpha) not in self._known:
            self._known[side, alpha] = e_p_value(log_process())
        return self._known[side, alpha]

    @cached_property
    def _scaled(self) -> FloatArray:
        scaled: FloatArray = self.losses * self.weights / self.largest
        return scaled


def _least(holds: Callable[[float], bool]) -> float:
    """Return the least rate in (0, 1] from which `holds`."""
    low, high = 0.0, 1.0
    while high - low > 1e-5:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _log_mean(logs: FloatArray) -> FloatArray:
    """Return ln of the mean of exp over the first axis, without overflow."""
    top = logs.max(axis=0)
    mean: FloatArray = top + np.log(np.exp(logs - top).mean(axis=0))
    return mean
