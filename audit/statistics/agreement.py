"""How well a judge agrees with people, and what share is acceptable once the judge's errors are counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.estimation import Estimate
from audit.statistics.intervals import LEVEL, Interval, normal

_LEAST_INFORMEDNESS = 0.2


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


def prediction_powered_mean(
    labels: ArrayLike, scores: ArrayLike, unlabelled_scores: ArrayLike, level: float = LEVEL
) -> Interval:
    """Return the mean label from few labels and many scores (PPI++, Angelopoulos, Duchi & Zrnic 2023).

    The labelled units must be a plain random subset: at least 100 of them, 10 of each class; else use
    `audit.statistics.two_phase`.
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
