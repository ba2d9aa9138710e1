"""From units to trials, and from the two readings of undecided answers to one verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from audit.deciding.people import Voices
from audit.deciding.units import TrialKey, Unit, clusters
from audit.statistics import verdicts as rule
from audit.statistics.weighted_loss import LossSample


@dataclass(frozen=True)
class Trial:
    """One candidate on one workflow with its counted units: endpoint faults are left out, they say nothing of it.

    `miss` bounds the share of unacceptable answers the judge of this trial lets pass; 0 where no judge passed any.
    `echoed`: the current model's replay turned out to be the candidate's own answers and was left out.
    `look`: at which look at new evidence this was judged first, `family` how many pairs it brought some of. `won`: it
    was found safe then. `able`: it would be if every answer were good and no other pair had been tried.
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
    able: bool = True

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
        return 1 - self.miss if judged and not self.voices.overruled_passes(judged=True) else 1.0

    @cached_property
    def harsh(self) -> float:
        """Most that is lost only to a judge nobody checked: acceptable answers it fails, as its planted ones allow."""
        weight = math.fsum(unit.weight for unit in self.evidence)
        harsh = math.fsum(
            unit.weight * unit.doubt.must_pass.wrong_at_most
            for unit in self.evidence
            if unit.doubt is not None and unit.rated is None
        )
        return harsh / weight if weight else 0.0

    @cached_property
    def voices(self) -> Voices:
        """Which of the units people rated speak for which others."""
        return Voices.among(self.units)

    @cached_property
    def evidence(self) -> tuple[Unit, ...]:
        """Units a certificate may rest on, with the weights they then have; in the order drawn."""
        return self.voices.certified


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


def may_pass(trial: Trial, error: float) -> bool:
    """Whether a trial would be safe if all its answers were good and this error were its own.

    That hangs on how many answers speak and how much each weighs, and on none of what was said of them but who speaks.
    """
    units = trial.evidence
    sample = LossSample.of(np.zeros(len(units)), np.array([unit.weight for unit in units]), clusters(units))
    return sample.at_most(trial.alpha, error)


def judge(trials: Sequence[Trial]) -> list[Judged]:
    """Apply the verdict rule to all trials, those of one look together.

    Twice: with every undecided answer lost (only then safe) and with every one acceptable (only then not safe).
    """
    found: list[Judged | None] = [None] * len(trials)
    after = max((trial.look for trial in trials if trial.able), default=0) + 1
    # those that can't be found safe take nothing from the family of those that can
    for look, able in sorted({(trial.look, trial.able) for trial in trials}):
        places = [place for place, trial in enumerate(trials) if (trial.look, trial.able) == (look, able)]
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
    # a judge that misses losses must show fewer to be safe, one that is harsh more not to be; what it does show is not
    # less certain for that
    alpha = min(1.0, trial.alpha + trial.harsh) if lenient else trial.alpha * trial.trusted
    return rule.Trial.of_answers(key, good, current, weights=weights, clusters=clusters(units), alpha=alpha)


def _no_worse(unit: Unit, lenient: bool) -> bool:
    """Acceptable, or found unacceptable by people who found the logged answer so as well."""
    return unit.good(lenient) or (unit.rated is False and unit.logged_ok is False)


def lost(trial: Trial, unit: Unit) -> bool:
    """Whether a unit counts as a loss in the strict reading: every undecided answer is one."""
    return not _no_worse(unit, False) and _current_good(trial, unit, lenient=False)


def _current_good(trial: Trial, unit: Unit, lenient: bool) -> bool:
    own = trial.self_replay.get(unit.prompt_key)
    if own is None or own.state == "not_reached":
        return True
    return own.state == "passed" or (own.state == "undecided" and not lenient)


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
        loss_low=max(0.0, min(best.lower, worst.upper) - trial.harsh),
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
    return best.n_more if best.loss_rate > trial.alpha + trial.harsh else None


def _loss(trial: Trial) -> float | None:
    """Weighted share of losses among the decided units, corrected by people where they rated; None without any."""

    def kept(unit: Unit) -> bool:
        return _no_worse(unit, False) or not _current_good(trial, unit, lenient=False)

    told = trial.voices.told
    corrected = Voices.among(told).share(kept)
    if corrected is not None:
        return 1 - corrected.estimate
    weight = math.fsum(unit.weight for unit in told)
    return math.fsum(unit.weight for unit in told if not kept(unit)) / weight if weight else None
