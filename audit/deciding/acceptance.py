"""The share of a log's requests a candidate answers acceptably, and the interval of all that is not known of it.

Three things are not known: how the sample fell, how undecided answers would turn out, and what a judge gets wrong that
nobody checked. The last two move the ends of the interval apart; the first adds to each end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from audit.deciding.judges import Canaries, Doubt
from audit.deciding.people import Voices
from audit.deciding.units import Unit, clusters
from audit.deciding.words import State
from audit.statistics.distributions import beta_quantile, normal_quantile
from audit.statistics.intervals import LEVEL, Interval, jeffreys, level_between
from audit.statistics.shares import equal_units
from audit.statistics.two_phase import TwoPhase

ENOUGH = 0.5
"""Share of the answers that has to be decided for a share of acceptable ones to be named."""


def acceptable(units: Sequence[Unit]) -> Interval:
    """Weighted share of acceptable answers among the decided ones; bounds (90 %) cover every reading of the others.

    The share is NaN where fewer than half are decided.

    It is the share of the log the units were drawn from, each at its weight. Where people's ratings of a draw correct
    what was said of the others, the two-phase estimate takes its place; where they contradict it and are too few for
    that, the bounds cover it. The estimate takes a judge at its word. The lower end takes for missed what its planted
    answers allow, the upper one for rejected, each by its own and the sample's error added as squares (Zou & Donner
    2008).
    """
    voices = Voices.among(units)
    strict, lenient = _Reading.of(voices, False), _Reading.of(voices, True)
    missed, rejected = _Unseen.of(voices, "failed"), _Unseen.of(voices, "passed")
    least, most = strict.share - missed.share, lenient.share + rejected.share
    error = max(_below(strict, missed, LEVEL), _above(lenient, rejected, LEVEL)) / normal_quantile((1 + LEVEL) / 2)
    level = level_between(most - least, error)
    low, high = least - _below(strict, missed, level), most + _above(lenient, rejected, level)
    return Interval(_decided(voices), max(0.0, low), min(1.0, high), LEVEL)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The share in one reading of the undecided: of `n` equal units or, as far as people rated enough, of `phases`.

    `others` are what ratings too few to correct it would make of it.
    """

    plain: float
    n: float
    phases: TwoPhase | None
    others: TwoPhase | None

    @classmethod
    def of(cls, voices: Voices, lenient: bool) -> _Reading:
        def good(unit: Unit) -> bool:
            return unit.acceptable(lenient)

        units = voices.units
        plain, n = equal_units(
            [good(unit) for unit in units],
            [unit.weight for unit in units],
            [unit.included for unit in units],
            [unit.stratum for unit in units],
            clusters(units),
        )
        others = voices.share(good, n, few=True) if voices.contradicting else None
        return cls(plain, n, voices.share(good, n), others)

    @property
    def share(self) -> float:
        """Share acceptable."""
        return self.phases.estimate if self.phases is not None else self.plain

    def interval(self, level: float) -> Interval:
        """The share with what the sample leaves open of it."""
        found = self.phases.interval(level) if self.phases is not None else jeffreys(self.plain * self.n, self.n, level)
        if self.others is None:
            return found
        other = self.others.interval(level)
        return Interval(found.estimate, min(found.low, other.low), max(found.high, other.high), level)


@dataclass(frozen=True, slots=True)
class _Unseen:
    """Answers behind those that judges nobody checked failed (or passed), and that belong on the other side.

    Of B unacceptable answers a judge that misses a share m fails B·(1-m): m/(1-m) more stand behind each it failed.
    `by_doubt` has, for each judge and task kind, what weight of answers it spoke of, what of these it failed (passed),
    and its planted answers of that side; weights are shares of all.
    """

    by_doubt: tuple[tuple[float, float, Canaries], ...]

    @classmethod
    def of(cls, voices: Voices, state: State) -> _Unseen:
        total = math.fsum(unit.weight for unit in voices.units)
        judged: dict[Doubt, list[Unit]] = {}
        for unit in voices.unchecked:
            if unit.doubt is not None:
                judged.setdefault(unit.doubt, []).append(unit)
        return cls(
            tuple(
                (
                    math.fsum(unit.weight for unit in units) / total,
                    math.fsum(unit.weight for unit in units if unit.state == state) / total,
                    doubt.must_fail if state == "failed" else doubt.must_pass,
                )
                for doubt, units in judged.items()
            )
        )

    @property
    def share(self) -> float:
        """Share of all answers that stand behind those seen if the judge errs as often as on planted answers."""
        return math.fsum(seen * _odds(1 - planted.share) for _, seen, planted in self.by_doubt)

    def at_most(self, level: float, margin: float) -> float:
        """Upper bound of it where there may be more to see than the sample shows, by its `margin`.

        The planted answers of all kinds tell it together, each for the answers of its own kind: as many as have the
        variance of that weighted sum, with Jeffreys' bound.
        """
        part = math.fsum(spoken for spoken, _, _ in self.by_doubt)
        if not part:
            return 0.0
        if any(planted.n == 0 for _, _, planted in self.by_doubt):
            return part
        rows = [(seen + margin * spoken / part, planted) for spoken, seen, planted in self.by_doubt]
        total = math.fsum(weight for weight, _ in rows)
        if not total:
            return 0.0
        n = total**2 / math.fsum(weight**2 / planted.n for weight, planted in rows)
        wrong = n * math.fsum(weight * (1 - planted.share) for weight, planted in rows) / total
        return _odds(beta_quantile((1 + level) / 2, wrong + 0.5, n - wrong + 0.5)) * min(part, total)


def _below(reading: _Reading, missed: _Unseen, level: float) -> float:
    """How far the lower end may be below where it seems to be."""
    margin = reading.share - reading.interval(level).low
    return math.hypot(margin, max(0.0, missed.at_most(level, margin) - missed.share))


def _above(reading: _Reading, rejected: _Unseen, level: float) -> float:
    """How far the upper end may be above where it seems to be."""
    margin = reading.interval(level).high - reading.share
    return math.hypot(margin, max(0.0, rejected.at_most(level, margin) - rejected.share))


def _decided(voices: Voices) -> float:
    """Share acceptable among the decided answers; NaN where less than half is decided: the rest could be anything."""
    told = voices.told
    weight = math.fsum(unit.weight for unit in told)
    if not weight or weight < ENOUGH * math.fsum(unit.weight for unit in voices.units):
        return math.nan
    phases = Voices.among(told).share(lambda unit: unit.acceptable(False))
    if phases is not None:
        return phases.estimate
    return math.fsum(unit.weight for unit in told if unit.acceptable(False)) / weight


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf
