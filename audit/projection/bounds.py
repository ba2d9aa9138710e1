"""How sure a saving is: whole blocks of time resampled, sampled shares drawn, months predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from audit.config import ProjectionConfig
from audit.projection.bench import Pico
from audit.projection.savings import Range

DAY_US = 86_400_000_000
Draws = NDArray[np.float64]
Step = tuple[Pico | None, Any]
"""A saving by block of time, and the draws (or a factor, or None) of the share of it that is realised."""


@dataclass(frozen=True)
class Bounds:
    """Block bootstrap (Künsch 1989) of the saving by block, joint over all levers so that their errors stay together.

    `weights` is (draws × blocks): how often each block was drawn, further from once each than they were, as few blocks
    need it (expanded percentile interval, Hesterberg 2015): without, 90 % intervals of five even days hold the truth in
    78 % of logs. Month figures use a prediction interval for a sum
    of future blocks, `mean ± t·s·sqrt(1/D + 1/H)`, because next month differs from this one by more than the error
    of its mean.
    """

    level: float
    draws: int
    baseline: int
    days: float
    month_days: float
    engineer_day_usd: float
    realisation: Mapping[str, float]
    weights: Draws

    @classmethod
    def of(cls, config: ProjectionConfig, level: float | None, baseline: Pico, days: float) -> Bounds:
        """Prepare the draws for a bill of the given blocks."""
        shown = level or config.level
        return cls(
            level=shown,
            draws=config.draws,
            baseline=int(sum(baseline)),
            days=days,
            month_days=config.month_days,
            engineer_day_usd=config.engineer_day_usd,
            realisation=config.realisation,
            weights=_weights(len(baseline), config.draws, shown, np.random.default_rng(config.seed)),
        )

    def joint(self, steps: Sequence[Step], *, other_days: bool = True) -> Draws:
        """Draws of the sum of several savings in a period like the log's, or over its own days alone, in pico-USD."""
        total = np.zeros(self.draws)
        for step, share in steps:
            if step is not None:
                saved = self._saved(step.astype(np.float64)) if other_days else float(step.sum())
                total += saved * (1.0 if share is None else share)
        return total

    def _saved(self, by_block: Draws) -> Draws:
        """Draws of one saving; where no block costs more, no draw does."""
        saved: Draws = self.weights @ by_block
        return np.maximum(saved, 0.0) if (by_block >= 0).all() else saved

    def interval(self, draws: Draws) -> Range:
        """Central interval of the draws at the stated level."""
        tail = (1 - self.level) / 2
        low, high = np.quantile(draws, [tail, 1 - tail])
        return round(float(low)), round(float(high))

    def monthly(self, pico: int) -> int:
        """An average month at the rate of the period, without growth."""
        return round(pico / self.days * self.month_days)

    def monthly_interval(self, steps: Sequence[Step]) -> Range:
        """Prediction interval of one future month of the summed saving; what is open of the shares is added to it."""
        known = [step.astype(np.float64) for step, _ in steps if step is not None]
        blocks = self.weights.shape[1]
        if not known or blocks < 2:
            return (0, 0)
        by_block = np.sum(known, axis=0)
        ahead = self.month_days / self.days * blocks
        spread = float(np.std(by_block, ddof=1)) * np.sqrt(1 / blocks + 1 / ahead) * ahead
        t = float(special.stdtrit(blocks - 1, 1 - (1 - self.level) / 2))
        mean = float(np.mean(by_block)) * ahead
        below, above = self._open(steps)
        month = ahead / blocks
        return round(mean - np.hypot(t * spread, below * month)), round(mean + np.hypot(t * spread, above * month))

    def _open(self, steps: Sequence[Step]) -> tuple[float, float]:
        """How far below and above its point the sum may lie on the log's own days."""
        low, high = self.interval(self.joint(steps, other_days=False))
        point = sum(float(step.sum()) for step, _ in steps if step is not None)
        return max(0.0, point - low), max(0.0, high - point)

    def payback_months(self, effort_days: float, pico: int) -> float | None:
        """Months until the engineering effort is paid back; None when nothing is saved."""
        monthly_usd = self.monthly(pico) / 1e12
        return effort_days * self.engineer_day_usd / monthly_usd if monthly_usd > 0 else None


def _weights(blocks: int, draws: int, level: float, random: np.random.Generator) -> Draws:
    """How often each block is drawn, spread out for the few there are by Student's t and the lost degree of freedom."""
    if not blocks:
        return np.zeros((draws, 0))
    counts = random.multinomial(blocks, np.full(blocks, 1 / blocks), size=draws)
    if blocks < 2:
        return counts.astype(np.float64)
    tail = 1 - (1 - level) / 2
    wider = np.sqrt(blocks / (blocks - 1)) * special.stdtrit(blocks - 1, tail) / special.ndtri(tail)
    spread: Draws = 1 + wider * (counts - 1.0)
    return spread
