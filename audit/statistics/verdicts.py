"""The one rule that says of a candidate on a workflow: safe, not safe, or unknown and how many more units would tell.

Safe: the upper bound of its loss, adjusted over every workflow × candidate pair tried (Holm), is at most alpha, and
where the current model was replayed too it is not inferior to that. Not safe: the adjusted lower bound exceeds alpha.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import BoolArray, FloatArray
from audit.statistics.certificates import clean_units, holm, holm_levels
from audit.statistics.intervals import kish_neff, upper_bound
from audit.statistics.noninferiority import tango
from audit.statistics.sequential import GrowingSample, growing_clean_units
from audit.statistics.weighted_loss import LossSample

FAMILY_DELTA = 0.05
ALPHA = 0.05
STRICT_ALPHA = 0.02
STRICT_KINDS = frozenset({"extraction", "tool_call"})
"""Task kinds whose answers programs read: a wrong one is not noticed by anybody."""
MARGIN = 0.05
USEFUL_SHARE = 0.3
"""Share of today's acceptable answers under which a candidate is of no use even for a part of a workflow."""
VALID_DAYS = 30
"""Days after the last replayed answer on which a certificate may still be relied on."""
_MOST_MORE = 100_000


def alpha_of(kind: str) -> float:
    """Loss a workflow of this task kind may have: 2 % where programs read the answer, else 5 %."""
    return STRICT_ALPHA if kind in STRICT_KINDS else ALPHA


@dataclass(frozen=True, eq=False)
class Trial:
    """One candidate on one workflow, one entry per replayed unit.

    losses: the candidate's answer was unacceptable and the current model's own replay was not. gains: the reverse;
    None where the current model was not replayed, and then every unacceptable answer is a loss.
    """

    key: str
    losses: BoolArray
    gains: BoolArray | None = None
    weights: FloatArray | None = None
    clusters: ArrayLike | None = None
    alpha: float = ALPHA
    margin: float = MARGIN

    @classmethod
    def of_answers(
        cls,
        key: str,
        acceptable: ArrayLike,
        floor: ArrayLike | None = None,
        *,
        weights: ArrayLike | None = None,
        clusters: ArrayLike | None = None,
        alpha: float = ALPHA,
        margin: float = MARGIN,
    ) -> Trial:
        """Build from the candidate's verdicts and, on the same units, those of the current model's self-replay."""
        good = np.asarray(acceptable, dtype=np.bool_)
        weight = None if weights is None else np.asarray(weights, dtype=np.float64)
        if floor is None:
            return cls(key, ~good, None, weight, clusters, alpha, margin)
        current = np.asarray(floor, dtype=np.bool_)
        return cls(key, current & ~good, good & ~current, weight, clusters, alpha, margin)


@dataclass(frozen=True)
class Verdict:
    """What may be said of a trial. Bounds are one-sided at `level`, the share of delta Holm's step gives this trial."""

    key: str
    verdict: Literal["safe", "not_safe", "unknown"]
    n: int
    n_eff: float
    loss_rate: float
    """Weighted share of losses; NaN without units."""
    lower: float
    upper: float
    level: float
    p_value: float
    """Holm-adjusted p-value of 'the loss exceeds alpha'."""
    n_more: int | None
    """Units that would settle it if the rates seen persist: 0 when settled, None when no realistic number would."""
    held_back_by: Literal["loss", "floor"] | None
    """What an unknown trial still lacks: a low enough loss bound, or non-inferiority to the current model."""


def decide(
    trials: Sequence[Trial], delta: float = FAMILY_DELTA, *, tried: int = 0, grown: bool = False
) -> list[Verdict]:
    """Judge all trials together: the chance that any 'safe' is false is at most delta.

    `tried` counts trials made before and left out here (they stay in the family). `grown` for samples that were looked
    at while they grew: losses in the order drawn, tested by e-process.
    """
    evidence = [_growing(trial) if grown else _fixed(trial) for trial in trials]
    family = len(trials) + tried
    safe_p = np.array([e.p_safe() for e in evidence])
    harm_p = np.array([e.sample.p_below(e.trial.alpha) for e in evidence])
    safe_levels, harm_levels = holm_levels(safe_p, delta, family), holm_levels(harm_p, delta, family)
    return [
        _verdict(e, delta, float(safe_level), float(harm_level), float(p))
        for e, safe_level, harm_level, p in zip(evidence, safe_levels, harm_levels, holm(safe_p, family), strict=True)
    ]


def futile(acceptable: float, n: float, floor_rate: float, useful: float = USEFUL_SHARE, delta: float = 0.10) -> bool:
    """Tell whether a candidate's upper acceptance bound is below `useful` of the floor: stop paying for it."""
    return upper_bound(acceptable, n, delta) < useful * floor_rate


@dataclass(frozen=True, eq=False)
class _Evidence:
    """A trial with the tests that fit how it was sampled; p_inferior takes the foreseen growth of the sample."""

    trial: Trial
    sample: LossSample | GrowingSample
    p_inferior: Callable[[float], float] | None = field(repr=False)

    def p_safe(self) -> float:
        """Return the p-value of 'not safe'.

        A loss of at most alpha implies non-inferiority for every margin from alpha up; a stricter margin is a
        claim of its own and shares the family's error.
        """
        p = self.sample.p_above(self.trial.alpha)
        if self.p_inferior is not None and self.trial.margin < self.trial.alpha:
            return max(p, self.p_inferior(1.0))
        return p

    def floor_holds(self, delta: float, level: float, scale: float = 1.0) -> bool:
        """Tell whether the candidate is shown not inferior to the current model, or no floor was measured."""
        needed = level if self.trial.margin < self.trial.alpha else delta
        return self.p_inferior is None or self.p_inferior(scale) <= needed


def _fixed(trial: Trial) -> _Evidence:
    """Evidence of a sample whose size was fixed before looking."""
    sample = LossSample.of(trial.losses, trial.weights, trial.clusters)
    if trial.gains is None:
        return _Evidence(trial, sample, None)
    gained = LossSample.of(trial.gains, trial.weights, trial.clusters)
    pairs = kish_neff(sample.weights)

    def p_inferior(scale: float) -> float:
        n = pairs * scale
        return tango(gained.rate * n, sample.rate * n, n, trial.margin).p_value

    return _Evidence(trial, sample, p_inferior if sample.n else (lambda scale: 1.0))


def _growing(trial: Trial) -> _Evidence:
    """Evidence of a sample that was looked at while it grew."""
    if trial.clusters is not None:
        raise ValueError("a growing sample has no test for clusters: give one unit per cluster")
    sample = GrowingSample.of(trial.losses, trial.weights)
    gains = trial.gains
    if gains is None:
        return _Evidence(trial, sample, None)
    p = sample.p_inferior(gains, trial.margin)
    return _Evidence(trial, sample, lambda scale: p**scale)


def _verdict(e: _Evidence, delta: float, safe_level: float, harm_level: float, p: float) -> Verdict:
    low, floor = e.sample.at_most(e.trial.alpha, safe_level), e.floor_holds(delta, safe_level)
    high = e.sample.exceeds(e.trial.alpha, harm_level)
    word: Literal["safe", "not_safe", "unknown"] = "not_safe" if high else "safe" if low and floor else "unknown"
    unknown = word == "unknown"
    return Verdict(
        key=e.trial.key,
        verdict=word,
        n=e.sample.n,
        n_eff=kish_neff(e.sample.weights),
        loss_rate=e.sample.rate,
        lower=e.sample.lower(harm_level),
        upper=e.sample.upper(safe_level),
        level=safe_level,
        p_value=p,
        n_more=_units_to_settle(e, delta, safe_level, harm_level) if unknown else 0,
        held_back_by=("floor" if low else "loss") if unknown else None,
    )


def _units_to_settle(e: _Evidence, delta: float, safe_level: float, harm_level: float) -> int | None:
    """Return the least number of further units at which the rates seen would give safe or not safe."""
    n, alpha = e.sample.n, e.trial.alpha
    if n == 0:
        return (growing_clean_units if isinstance(e.sample, GrowingSample) else clean_units)(alpha, safe_level)

    def settled(more: int) -> bool:
        scale = (n + more) / n
        if e.sample.rate > alpha:
            return e.sample.exceeds(alpha, harm_level, scale)
        return e.sample.at_most(alpha, safe_level, scale) and e.floor_holds(delta, safe_level, scale)

    low, high = 0, 1
    while not settled(high):
        if high > _MOST_MORE:
            return None
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settled(middle) else (middle, high)
    return high
