"""How well a judge agrees with people, and what share is acceptable once the judge's errors are counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import FloatArray
from audit.statistics.estimation import Estimate
from audit.statistics.intervals import LEVEL, Interval, normal

_LEAST_INFORMEDNESS = 0.2
_DRAWS = 10_000


class SwapResult(NamedTuple):
    """One verdict per item after judging in both orders, and the share of items with the same verdict twice."""

    verdicts: list[str]
    consistency: float


def cohen_kappa(table: ArrayLike) -> float:
    """Return Cohen's (1960) kappa of a square table of two raters' counts; NaN if chance alone explains everything."""
    t = np.asarray(table, dtype=np.float64)
    n = t.sum()
    expected = float((t.sum(axis=0) * t.sum(axis=1)).sum() / n**2)
    return _beyond_chance(float(np.trace(t) / n), expected)


def gwet_ac1(table: ArrayLike) -> float:
    """Return Gwet's (2008) AC1, which does not collapse when nearly all items fall in one class."""
    t = np.asarray(table, dtype=np.float64)
    n = t.sum()
    share = (t.sum(axis=0) + t.sum(axis=1)) / (2 * n)
    expected = float((share * (1 - share)).sum() / (share.size - 1))
    return _beyond_chance(float(np.trace(t) / n), expected)


def rogan_gladen(
    passed: tuple[float, float], sensitivity: tuple[float, float], specificity: tuple[float, float]
) -> Estimate | None:
    """Return the true share behind a judge's pass share; arguments are (count, n) (Rogan & Gladen 1978).

    For labels that come from elsewhere: it assumes the judge's sensitivity and specificity carry over.
    None where Se+Sp-1 < 0.2: such a judge says too little.
    """
    (p, n), (se, m1), (sp, m0) = (_share(*pair) for pair in (passed, sensitivity, specificity))
    informedness = se + sp - 1
    if informedness < _LEAST_INFORMEDNESS:
        return None
    theta = (p + sp - 1) / informedness
    variance = p * (1 - p) / n + (1 - theta) ** 2 * sp * (1 - sp) / m0 + theta**2 * se * (1 - se) / m1
    return Estimate(min(1.0, max(0.0, theta)), math.sqrt(variance) / informedness)


@dataclass(frozen=True)
class TwoPhase:
    """Counts of a two-phase sample: every unit judged, some of each verdict rated by people.

    `judged` and `judge_passed` may be effective (weighted) counts; the rated units must be random within each verdict.
    """

    judged: float
    judge_passed: float
    rated_passed: float
    ok_of_passed: float
    rated_failed: float
    ok_of_failed: float

    @property
    def estimate(self) -> float:
        """Share acceptable to people: g·p₁ + (1-g)·p₀ (Neyman 1938, double sampling)."""
        g, p1, p0 = self._shares()
        return g * p1 + (1 - g) * p0

    @property
    def standard_error(self) -> float:
        """Delta-method standard error of the estimate."""
        g, p1, p0 = self._shares()
        passed = g**2 * p1 * (1 - p1) / max(1.0, self.rated_passed)
        failed = (1 - g) ** 2 * p0 * (1 - p0) / max(1.0, self.rated_failed)
        return math.sqrt(passed + failed + (p1 - p0) ** 2 * g * (1 - g) / self.judged)

    def draws(self, rng: np.random.Generator, size: int = _DRAWS) -> FloatArray:
        """Return draws of the share from independent Jeffreys posteriors of g, p₁ and p₀."""
        g = _jeffreys_draws(rng, self.judge_passed, self.judged, size)
        p1 = _jeffreys_draws(rng, self.ok_of_passed, self.rated_passed, size)
        p0 = _jeffreys_draws(rng, self.ok_of_failed, self.rated_failed, size)
        combined: FloatArray = g * p1 + (1 - g) * p0
        return combined

    def interval(self, level: float = LEVEL, seed: int = 0) -> Interval:
        """Return the estimate with the equal-tailed interval of 10,000 draws; the same seed gives the same bounds."""
        draws = self.draws(np.random.default_rng(seed))
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
        return Interval(self.estimate, float(low), float(high), level)

    def _shares(self) -> tuple[float, float, float]:
        """Return g, p₁, p₀; a verdict nobody rated is taken at one half, as its posterior is."""
        p1 = self.ok_of_passed / self.rated_passed if self.rated_passed else 0.5
        p0 = self.ok_of_failed / self.rated_failed if self.rated_failed else 0.5
        return self.judge_passed / self.judged, p1, p0


def prediction_powered_mean(
    labels: ArrayLike, scores: ArrayLike, unlabelled_scores: ArrayLike, level: float = LEVEL
) -> Interval:
    """Return the mean label from few labels and many scores (PPI++, Angelopoulos, Duchi & Zrnic 2023).

    The labelled units must be a plain random subset: at least 100 of them, 10 of each class; else use `TwoPhase`.
    """
    y, f, rest = (np.asarray(a, dtype=np.float64) for a in (labels, scores, unlabelled_scores))
    variance = float(np.concatenate([f, rest]).var(ddof=1))
    covariance = float(np.cov(y, f, ddof=0)[0, 1])
    tuning = min(1.0, max(0.0, covariance / ((1 + y.size / rest.size) * variance))) if variance > 0 else 0.0
    corrected = y - tuning * f
    standard_error = math.sqrt(tuning**2 * float(rest.var()) / rest.size + float(corrected.var()) / y.size)
    return normal(tuning * float(rest.mean()) + float(corrected.mean()), standard_error, level)


def aggregate_swapped(verdicts: Sequence[tuple[str, str]]) -> SwapResult:
    """Combine verdicts of both presentation orders, mapped to the same identities: disagreement is a tie."""
    combined = [first if first == second else "tie" for first, second in verdicts]
    same = sum(first == second for first, second in verdicts)
    return SwapResult(combined, same / len(verdicts) if verdicts else math.nan)


def _beyond_chance(observed: float, expected: float) -> float:
    return (observed - expected) / (1 - expected) if expected < 1 else math.nan


def _share(count: float, n: float) -> tuple[float, float]:
    return count / n, n


def _jeffreys_draws(rng: np.random.Generator, count: float, n: float, size: int) -> FloatArray:
    draws: FloatArray = rng.beta(count + 0.5, n - count + 0.5, size)
    return draws
