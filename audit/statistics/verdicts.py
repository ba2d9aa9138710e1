"""The one rule that says of a candidate on a workflow: safe, not safe, or unknown and how many more units would tell.

Safe: the upper bound of its loss, adjusted over every workflow × candidate pair tried (Holm), is at most alpha, and
where the current model was replayed too it is not inferior to that. Not safe: the adjusted lower bound exceeds alpha.

One error covers everything that is ever certified on an audit file. Looks at new answers spend it one after another
(alpha spending), the pairs of a look share what it spends (Holm), and of a pair's share the parts of its workflow get
a fifth. It holds whenever one stops looking: a look's tests are plain ones of a sample whose size was given, and the
errors of all looks add up to the whole. Within a look the pairs whose whole is certified pass their share on, their
parts' too: a part loses no more than the whole, so a part that loses too much is one of a pair that is still there.
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
from audit.statistics.weighted_loss import LossSample

FAMILY_DELTA = 0.05
FIRST_LOOK = 0.8
"""Share of the error the first look at answers spends; every later one spends half of what is left."""
WHOLE = 0.8
"""Share of a pair's error for the whole workflow; its parts have the rest."""
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


def look_error(look: int) -> float:
    """Error all tests of a look at new answers share, whole workflows and parts; looks are counted from 1."""
    return FAMILY_DELTA * (FIRST_LOOK if look <= 1 else (1 - FIRST_LOOK) * 0.5 ** (look - 1))


def whole_error(look: int) -> float:
    """Error the whole workflows of a look share."""
    return WHOLE * look_error(look)


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
    trials: Sequence[Trial], delta: float = FAMILY_DELTA, *, tried: int = 0, later: float | None = None
) -> list[Verdict]:
    """Judge all trials together: the chance that any 'safe' is false is at most delta.

    `tried` counts trials of the same family that are left out here. `later` is the error of the look at which more
    units would be judged (None: delta), for what is said of their number.
    """
    evidence = [_evidence(trial) for trial in trials]
    family = len(trials) + tried
    safe_p = np.array([e.p_safe() for e in evidence])
    harm_p = np.array([e.sample.p_below(e.trial.alpha) for e in evidence])
    safe_levels, harm_levels = holm_levels(safe_p, delta, family), holm_levels(harm_p, delta, family)
    ahead = 1.0 if later is None else later / delta
    return [
        _verdict(e, float(safe_level), float(harm_level), float(p), ahead)
        for e, safe_level, harm_level, p in zip(evidence, safe_levels, harm_levels, holm(safe_p, family), strict=True)
    ]


def futile(acceptable: float, n: float, floor_rate: float, useful: float = USEFUL_SHARE, delta: float = 0.10) -> bool:
    """Tell whether a candidate's upper acceptance bound is below `useful` of the floor: stop paying for it."""
    return upper_bound(acceptable, n, delta) < useful * floor_rate


@dataclass(frozen=True, eq=False)
class _Evidence:
    """A trial with its tests; p_inferior takes the foreseen growth of the sample."""

    trial: Trial
    sample: LossSample
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

    def floor_holds(self, level: float, scale: float = 1.0) -> bool:
        """Tell whether the candidate is shown not inferior to the current model, or no floor was measured."""
        needed = level if self.trial.margin < self.trial.alpha else FAMILY_DELTA
        return self.p_inferior is None or self.p_inferior(scale) <= needed


def _evidence(trial: Trial) -> _Evidence:
    sample = LossSample.of(trial.losses, trial.weights, trial.clusters)
    if trial.gains is None:
        return _Evidence(trial, sample, None)
    gained = LossSample.of(trial.gains, trial.weights, trial.clusters)
    pairs = kish_neff(sample.weights)

    def p_inferior(scale: float) -> float:
        n = pairs * scale
        return tango(gained.rate * n, sample.rate * n, n, trial.margin).p_value

    return _Evidence(trial, sample, p_inferior if sample.n else (lambda scale: 1.0))


def _verdict(e: _Evidence, safe_level: float, harm_level: float, p: float, ahead: float) -> Verdict:
    low, floor = e.sample.at_most(e.trial.alpha, safe_level), e.floor_holds(safe_level)
    high = e.sample.exceeds(e.trial.alpha, harm_level)
    word: Literal["safe", "not_safe", "unknown"] = "not_safe" if high else "safe" if low and floor else "unknown"
    unknown, then = word == "unknown", ahead if e.sample.n else 1.0
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
        n_more=_units_to_settle(e, safe_level * then, harm_level * then) if unknown else 0,
        held_back_by=("floor" if low else "loss") if unknown else None,
    )


def _units_to_settle(e: _Evidence, safe_level: float, harm_level: float) -> int | None:
    """Return the least number of further units at which the rates seen would give safe or not safe."""
    n, alpha = e.sample.n, e.trial.alpha
    if n == 0:
        return clean_units(alpha, safe_level)

    def settled(more: int) -> bool:
        scale = (n + more) / n
        if e.sample.rate > alpha:
            return e.sample.exceeds(alpha, harm_level, scale)
        return e.sample.at_most(alpha, safe_level, scale) and e.floor_holds(safe_level, scale)

    low, high = 0, 1
    while not settled(high):
        if high > _MOST_MORE:
            return None
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settled(middle) else (middle, high)
    return high
