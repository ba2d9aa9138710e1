"""One-sided bounds of a loss rate from a weighted sample, exact where weights are equal.

Deep in the tails a family of tests lives in, Kish's effective size is not enough: with no loss seen it lets a
candidate pass whose losses sit among the heavily weighted units. The bound here is the gamma interval of Fay and
Feuer (1997) written for binomial counts, where the pseudo-loss is not the largest weight but the one that gives
the exact worst case when no loss was seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import FloatArray
from audit.statistics.distributions import beta_quantile, binomial_cdf

_SMALLEST_DELTA = 1e-15


@dataclass(frozen=True, eq=False)
class LossSample:
    """Losses (0/1) and positive weights of sampled units; a cluster counts once, at its total weight.

    Weights are scaled to mean 1, so `rate` is the share of requests (or dollars) lost.
    """

    weights: FloatArray
    losses: FloatArray
    _sorted_logs: FloatArray = field(repr=False)
    equal: bool

    @classmethod
    def of(cls, losses: ArrayLike, weights: ArrayLike | None = None, clusters: ArrayLike | None = None) -> LossSample:
        """Build from arrays of one length; without weights all units weigh the same."""
        lost = np.asarray(losses, dtype=np.float64)
        w = np.ones_like(lost) if weights is None else np.asarray(weights, dtype=np.float64)
        if (w <= 0).any():
            raise ValueError("weights must be positive")
        if clusters is not None:
            codes = np.unique(np.asarray(clusters), return_inverse=True)[1]
            total: FloatArray = np.bincount(codes, w).astype(np.float64)
            lost, w = np.bincount(codes, w * lost) / total, total
        w = w / w.mean() if w.size else w
        equal = bool(w.size == 0 or np.ptp(w) <= 1e-9)
        return cls(w, lost, np.log(np.sort(w)[::-1]), equal)

    @property
    def n(self) -> int:
        """Number of independent units (clusters)."""
        return int(self.weights.size)

    @property
    def clean(self) -> LossSample:
        """The same units without a loss."""
        return replace(self, losses=np.zeros_like(self.losses))

    @cached_property
    def rate(self) -> float:
        """Weighted share of losses; NaN without units."""
        return min(1.0, float((self.weights * self.losses).mean())) if self.n else math.nan

    def upper(self, delta: float) -> float:
        """Return the upper bound of the loss rate, wrong with probability at most delta."""
        return self._upper(self.losses, delta)

    def lower(self, delta: float) -> float:
        """Return the lower bound of the loss rate: one less the upper bound of what was not lost."""
        return 1 - self._upper(1 - self.losses, delta)

    def p_above(self, alpha: float) -> float:
        """Return the p-value of H0 'loss rate > alpha': the least delta at which the upper bound is at most alpha."""
        return self._p_value(self.losses, alpha)

    def p_below(self, alpha: float) -> float:
        """Return the p-value of H0 'loss rate <= alpha': the least delta at which the lower bound exceeds alpha."""
        return self._p_value(1 - self.losses, 1 - alpha)

    def at_most(self, alpha: float, delta: float, scale: float = 1.0) -> bool:
        """Tell whether the upper bound is at most alpha, had the sample been `scale` times as big."""
        return self._at_most(self.losses, alpha, delta, scale)

    def exceeds(self, alpha: float, delta: float, scale: float = 1.0) -> bool:
        """Tell whether the lower bound is at least alpha, had the sample been `scale` times as big."""
        return self._at_most(1 - self.losses, 1 - alpha, delta, scale)

    def _upper(self, losses: FloatArray, delta: float) -> float:
        if self.n == 0:
            return 1.0
        count, n = self._effective(losses, delta)
        return beta_quantile(1 - delta, count + 1, n - count)

    def _at_most(self, losses: FloatArray, alpha: float, delta: float, scale: float = 1.0) -> bool:
        if self.n == 0:
            return False
        count, n = self._effective(losses, delta, scale)
        return binomial_cdf(count, n, alpha) <= delta

    def _p_value(self, losses: FloatArray, alpha: float) -> float:
        if self.n == 0:
            return 1.0
        if self.equal:
            return binomial_cdf(float(losses.sum()), self.n, alpha)
        if self._at_most(losses, alpha, _SMALLEST_DELTA):
            return _SMALLEST_DELTA
        low, high = math.log(_SMALLEST_DELTA), 0.0
        while high - low > 1e-6:
            middle = (low + high) / 2
            low, high = (low, middle) if self._at_most(losses, alpha, math.exp(middle)) else (middle, high)
        return math.exp(high)

    def _effective(self, losses: FloatArray, delta: float, scale: float = 1.0) -> tuple[float, float]:
        """Return (losses, units) of the equally weighted sample that bounds this one."""
        if self.equal:
            return float(losses.sum()) * scale, self.n * scale
        if losses.all():
            return self.n, self.n
        pseudo = self._pseudo_loss(delta, scale)
        weighted = self.weights * losses
        total = scale * float(weighted.sum()) + pseudo
        weight_of_a_loss = max(1.0, (scale * float((weighted**2).sum()) + pseudo**2) / total)
        return max(0.0, total / weight_of_a_loss - 1), max(scale * self.n / weight_of_a_loss, _SMALLEST_DELTA)

    def _pseudo_loss(self, delta: float, scale: float) -> float:
        """Return the weight of one loss that reproduces the worst case of a clean sample.

        Units fail with unknown chances q; the largest Σ w·q/n with Π(1-q) = delta has q = max(0, 1-λ/w).
        """
        logs = self._sorted_logs
        levels = (math.log(delta) / scale + np.cumsum(logs)) / np.arange(1, logs.size + 1)
        following = np.append(logs[1:], -np.inf)
        level = math.exp(float(levels[int(np.argmax(levels >= following))]))
        worst = float(np.maximum(0.0, self.weights - level).mean())
        if worst >= 1 - 1e-12:
            return float(scale * self.n)
        return scale * self.n * math.log1p(-worst) / math.log(delta)
