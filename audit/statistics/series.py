"""Spend over time: trend, month-over-month bridge, and how good past projections were."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import FloatArray
from audit.statistics.distributions import t_quantile
from audit.statistics.intervals import LEVEL, Interval


@dataclass(frozen=True)
class Trend:
    """A log-linear trend fitted to equally spaced periods."""

    periods: int
    level: float
    """Logarithm of the fitted value at the last period."""
    slope: float
    residual_sd: float

    @property
    def growth(self) -> float:
        """Growth per period: 0.05 is 5 %."""
        return math.expm1(self.slope)

    def forecast(self, ahead: int, confidence: float = LEVEL, damping: float = 1.0) -> Interval:
        """Return the value `ahead` periods on with its t prediction interval; damping < 1 fades growth per period.

        Raises ValueError for further ahead than the history is long: nothing in it speaks of that.
        """
        if not 1 <= ahead <= self.periods:
            raise ValueError(f"{self.periods} periods of history do not reach {ahead} ahead")
        steps = sum(damping**k for k in range(1, ahead + 1)) if damping < 1 else float(ahead)
        centre = self.level + self.slope * steps
        middle, spread = (self.periods - 1) / 2, self.periods * (self.periods**2 - 1) / 12
        leverage = 1 / self.periods + (self.periods - 1 + ahead - middle) ** 2 / spread
        half = t_quantile((1 + confidence) / 2, self.periods - 2) * self.residual_sd * math.sqrt(1 + leverage)
        return Interval(math.exp(centre), math.exp(centre - half), math.exp(centre + half), confidence)


def log_linear_trend(values: ArrayLike) -> Trend:
    """Fit ln(value) = a + b·period by least squares; needs three positive values, else ValueError."""
    logs = _positive_logs(values, 3)
    n = logs.size
    x = np.arange(n) - (n - 1) / 2
    slope = float((x * logs).sum() / (x**2).sum())
    residual = logs - logs.mean() - slope * x
    sd = math.sqrt(float((residual**2).sum()) / (n - 2))
    return Trend(n, float(logs.mean()) + slope * (n - 1) / 2, slope, sd)


class Bridge(NamedTuple):
    """Why spend changed: the first four add up to `total` in the unit of the factors' product."""

    volume: float
    """More or fewer requests at an unchanged mix of cells."""
    mix: float
    """Requests moved between cells, and cells that came or went."""
    tokens_per_request: float
    price: float
    total: float


def spend_bridge(before: ArrayLike, after: ArrayLike) -> Bridge:
    """Split the change of Σ requests × tokens per request × price per token, cell by cell, in that order.

    Rows are cells (workflow × model), columns the three factors. Exact in sequence: volume at old tokens and price,
    tokens at new volume and old price, price last. A cell without requests on one side needs no rate there.
    """
    old, new = np.array(before, dtype=np.float64), np.array(after, dtype=np.float64)
    for here, there in ((old, new), (new, old)):
        absent = here[:, 0] == 0
        here[absent, 1:] = np.where(there[absent, :1] > 0, there[absent, 1:], 0.0)
    (n0, t0, p0), (n1, t1, p1) = old.T, new.T
    requests = float(((n1 - n0) * t0 * p0).sum())
    tokens = float((n1 * (t1 - t0) * p0).sum())
    price = float((n1 * t1 * (p1 - p0)).sum())
    cost = float((n0 * t0 * p0).sum())
    volume = cost * (float(n1.sum()) / float(n0.sum()) - 1) if n0.sum() > 0 else requests
    return Bridge(volume, requests - volume, tokens, price, requests + tokens + price)


def interval_score(low: float, high: float, actual: float, level: float = LEVEL) -> float:
    """Return width plus 2/α times the miss (Gneiting & Raftery 2007): smaller is better."""
    return (high - low) + 2 / (1 - level) * (max(0.0, low - actual) + max(0.0, actual - high))


def _positive_logs(values: ArrayLike, least: int) -> FloatArray:
    x = _floats(values)
    if x.size < least or (x <= 0).any():
        raise ValueError(f"a trend needs at least {least} values, all positive")
    logs: FloatArray = np.log(x)
    return logs


def _floats(values: ArrayLike) -> FloatArray:
    return np.asarray(values, dtype=np.float64)
