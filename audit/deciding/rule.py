"""From units to trials, and from the two readings of undecided answers to one verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from audit.deciding import people
from audit.deciding.units import TrialKey, Unit
from audit.deciding.words import State
from audit.statistics import verdicts as rule
from audit.statistics.intervals import Interval, jeffreys
from audit.statistics.shares import equal_units

ENOUGH = 0.5
"""Share of the answers that has to be decided for a share of acceptable ones to be named."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One candidate on one workflow with its counted units: endpoint faults are left out, they say nothing of it.

    `miss` bounds the share of unacceptable answers the judge of this trial lets pass; 0 where no judge passed any.
    `echoed`: the current model's replay turned out to be the candidate's own answers and was left out.
    `look`: at which look at new answers these were judged first, `family` how many pairs it brought new answers of.
    `won`: it was found safe then.
    """

    key: TrialKey
    kind: str
    units: tuple[Unit, ...]
    self_replay: Mapping[int, Unit]
    miss: float = 0.0
    echoed: bool = False
    look: int = 1
    family: int = 0
    won: bool = False

    @property
    def alpha(self) -> float:
        """Loss allowed."""
        return rule.alpha_of(self.kind)

    @property
    def trusted(self) -> float:
        """Share of losses that what was said of the answers shows: a judge that misses some shows fewer than there are.

        Where people overruled the passes, they speak instead and nothing is missed.
        """
        judged = any(unit.judge and unit.said == "passed" and unit.rated is None for unit in self.units)
        return 1 - self.miss if judged and not people.overruled_passes(self.units, judged=True) else 1.0

    @property
    def evidence(self) -> tuple[Unit, ...]:
        """Units a certificate may rest on, with the weights they then have."""
        return people.certified(self.units)


@dataclass(frozen=True, slots=True)
class Judged:
    """The rule's answer to one trial; `loss_low` counts undecided answers as acceptable, `loss_high` as lost.

    `parts_error` is the error the parts of this pair share. `stands` where an earlier look found it safe, and all its
    answers by now, tested for themselves, do not speak against that.
    """

    verdict: str
    n_effective: float
    loss: float | None
    loss_low: float
    loss_high: float
    n_more: int | None
    held_back_by: str | None
    parts_error: float
    stands: bool


def counted(units: Sequence[Unit]) -> tuple[Unit, ...]:
    """Units that tell something about the candidate."""
    return tuple(unit for unit in units if unit.state != "not_reached")


def judge(trials: Sequence[Trial]) -> list[Judged]:
    """Apply the verdict rule to all trials, those of one look together.

    Twice: with every undecided answer lost (only then safe) and with every one acceptable (only then not safe).
    """
    found: list[Judged | None] = [None] * len(trials)
    after = max((trial.look for trial in trials), default=0) + 1
    for look in sorted({trial.look for trial in trials}):
        places = [place for place, trial in enumerate(trials) if trial.look == look]
        for place, judged in zip(places, _of_look([trials[place] for place in places], look, after), strict=True):
            found[place] = judged
    return [judged for judged in found if judged is not None]


def _of_look(trials: Sequence[Trial], look: int, after: int) -> list[Judged]:
    """Verdicts of one look; pairs of it that have answers of a later look by now stay in its family."""
    gone = max(0, max(trial.family for trial in trials) - len(trials))
    error, later = rule.whole_error(look), rule.whole_error(after)
    worst = rule.decide([_statistical(trial, False) for trial in trials], error, tried=gone, later=later)
    best = rule.decide([_statistical(trial, True) for trial in trials], error, tried=gone, later=later)
    return [_join(trial, low, high) for trial, low, high in zip(trials, best, worst, strict=True)]


def _statistical(trial: Trial, lenient: bool) -> rule.Trial:
    units = trial.evidence
    good = np.array([_no_worse(unit, lenient) for unit in units], dtype=np.bool_)
    weights = np.array([unit.weight for unit in units])
    key = "/".join(map(str, trial.key))
    paired = any(unit.prompt_key in trial.self_replay for unit in units)
    # an undecided answer of the current model is read the other way round: it explains a loss, or it does not;
    # so is one that is missing, except that without it a loss always counts
    current = np.array([_current_good(trial, unit, lenient) for unit in units], dtype=np.bool_) if paired else None
    # a judge that misses losses must show fewer; what it does show is not less certain for that
    alpha = trial.alpha if lenient else trial.alpha * trial.trusted
    return rule.Trial.of_answers(key, good, current, weights=weights, clusters=_clusters(units), alpha=alpha)


def _good(unit: Unit, lenient: bool) -> bool:
    return unit.state == "passed" or (unit.state == "undecided" and lenient)


def _no_worse(unit: Unit, lenient: bool) -> bool:
    """Acceptable, or found unacceptable by people who found the logged answer so as well."""
    return _good(unit, lenient) or (unit.rated is False and unit.logged_ok is False)


def lost(trial: Trial, unit: Unit) -> bool:
    """Whether a unit counts as a loss in the strict reading: every undecided answer is one."""
    return not _no_worse(unit, False) and _current_good(trial, unit, lenient=False)


def _current_good(trial: Trial, unit: Unit, lenient: bool) -> bool:
    own = trial.self_replay.get(unit.prompt_key)
    if own is None or own.state == "not_reached":
        return True
    return own.state == "passed" or (own.state == "undecided" and not lenient)


def _clusters(units: Sequence[Unit]) -> list[str] | None:
    names = [unit.cluster for unit in units]
    return names if len(set(names)) < len(names) else None


def _join(trial: Trial, best: rule.Verdict, worst: rule.Verdict) -> Judged:
    word = "safe" if worst.verdict == "safe" else "not_safe" if best.verdict == "not_safe" else "unknown"
    high = min(1.0, worst.upper / trial.trusted) if trial.trusted else 1.0
    stands = word == "unknown" and trial.won and _alone(trial)
    if stands:
        word, high = "safe", min(high, trial.alpha)
    return Judged(
        verdict=word,
        n_effective=worst.n_eff,
        loss=_loss(trial),
        loss_low=min(best.lower, worst.upper),
        loss_high=high,
        n_more=_units_missing(trial, best, worst) if word == "unknown" else 0,
        held_back_by=worst.held_back_by if word == "unknown" else None,
        parts_error=worst.level * (1 - rule.WHOLE) / rule.WHOLE,
        stands=stands,
    )


def _alone(trial: Trial) -> bool:
    """Whether the trial would be safe if it were the only one ever."""
    (found,) = rule.decide([_statistical(trial, False)])
    return found.verdict == "safe"


def _units_missing(trial: Trial, best: rule.Verdict, worst: rule.Verdict) -> int | None:
    """Further units that would settle it; None where more units would not, but a judge or a person could."""
    if not worst.n or worst.loss_rate <= trial.alpha:
        return worst.n_more
    return best.n_more if best.loss_rate > trial.alpha else None


def _loss(trial: Trial) -> float | None:
    """Weighted share of losses among the decided units, corrected by people where they rated; None without any."""

    def kept(unit: Unit) -> bool:
        return _no_worse(unit, False) or not _current_good(trial, unit, lenient=False)

    told = people.told(trial.units)
    corrected = people.share(told, kept)
    if corrected is not None:
        return 1 - corrected.estimate
    weight = math.fsum(unit.weight for unit in told)
    return math.fsum(unit.weight for unit in told if not kept(unit)) / weight if weight else None


def acceptable(units: Sequence[Unit]) -> Interval:
    """Weighted share of acceptable answers among the decided ones; bounds (90 %) cover every reading of the others.

    The share is NaN where fewer than half are decided.

    It is the share of the log the units were drawn from, each at its weight. Where people's ratings of a draw correct
    what was said of the others, the two-phase estimate takes its place; where they contradict it and are too few for
    that, the bounds cover it. What a judge may get wrong, and nobody checked, widens the bounds.
    """
    strict, lenient = _corrected(units, False), _corrected(units, True)
    estimate = _decided(units)
    down, up = strict.estimate - strict.low, lenient.high - lenient.estimate
    low = strict.low + down - math.hypot(down, _unseen(units, "failed", down))
    high = lenient.high - up + math.hypot(up, _unseen(units, "passed", up))
    return Interval(estimate, max(0.0, low), min(1.0, high), strict.level)


def _corrected(units: Sequence[Unit], lenient: bool) -> Interval:
    """Share acceptable in one reading of the undecided, corrected by people as far as they rated enough."""

    def good(unit: Unit) -> bool:
        return _good(unit, lenient)

    plain, n = _share(units, lenient)
    corrected = people.share(units, good, n)
    found = corrected.interval() if corrected is not None else jeffreys(plain * n, n)
    if len(people.speaking(units, few=True)) == len(people.speaking(units)):
        return found
    sparse = people.share(units, good, n, few=True)
    other = sparse.interval() if sparse is not None else found
    return replace(found, low=min(found.low, other.low), high=max(found.high, other.high))


def _decided(units: Sequence[Unit]) -> float:
    """Share acceptable among the decided answers; NaN where less than half is decided: the rest could be anything."""
    told = people.told(units)
    weight = math.fsum(unit.weight for unit in told)
    if not weight or weight < ENOUGH * math.fsum(unit.weight for unit in units):
        return math.nan
    return _corrected(told, False).estimate


def _unseen(units: Sequence[Unit], state: State, margin: float) -> float:
    """Share of answers that judges nobody checked may have passed for each they failed, or the other way round.

    Of B unacceptable answers a judge that misses a share m fails B·(1-m): m/(1-m) more stand behind each it failed, of
    which there may be more than the sample shows by its `margin`. The bound is independent of the sample's own error,
    so both are added as squares.
    """
    judged = people.unchecked(units)
    total = math.fsum(unit.weight for unit in units)
    part = math.fsum(unit.weight for unit in judged) / total if total else 0.0
    if not part:
        return 0.0
    odds = [_odds(unit.doubt.miss if state == "failed" else unit.doubt.harsh) for unit in judged]
    mean = math.fsum(unit.weight * each for unit, each in zip(judged, odds, strict=True)) / (total * part)
    seen = math.fsum(unit.weight for unit in judged if unit.state == state) / total
    return mean * min(part, seen + margin)


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf


def weighted(unit: Unit, weight: float) -> Unit:
    """The unit with another weight."""
    return replace(unit, weight=weight)


def _share(units: Sequence[Unit], lenient: bool) -> tuple[float, float]:
    return equal_units(
        [_good(unit, lenient) for unit in units],
        [unit.weight for unit in units],
        [unit.included for unit in units],
        [unit.stratum for unit in units],
        _clusters(units),
    )
