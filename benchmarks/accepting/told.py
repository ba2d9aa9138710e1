"""A census as if no program could tell: a judge of known errors says what it takes for the truth, people rate a draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from audit.deciding import Unit
from audit.deciding.judges import MISS_DELTA, NO_DOUBT, Doubt
from audit.deciding.words import State
from audit.statistics.intervals import upper_bound
from audit.statistics.sampling import sequential_poisson
from benchmarks.accepting.census import Census

CANARIES = 75
"""Planted answers of each kind that a judge of 500 answers meets."""


@dataclass(frozen=True, slots=True)
class Teller:
    """Who tells: a judge that finds `sensitivity` of the acceptable answers so and fails `specificity` of the others.

    None leaves every answer open. People rate `rated` of them, half of those that passed, half of the others.
    """

    name: str
    sensitivity: float | None
    specificity: float | None
    rated: int = 0

    def tell(self, found: Census, sample: Sequence[Unit], seed: int) -> list[Unit]:
        """The units with what is said of them instead of what programs say."""
        rng = np.random.default_rng(seed)
        truth = {int(key): bool(good) for key, good in zip(found.units.prompt_key, found.good, strict=True)}
        doubt = self._doubt(rng)
        units = []
        for unit in sample:
            said = self._said(truth[unit.prompt_key], rng)
            judge = "" if said == "undecided" else "judge:known"
            units.append(replace(unit, state=said, said=said, judge=judge, doubt=doubt, same=False))
        return _rate(units, truth, self.rated, rng) if self.rated else units

    def _said(self, good: bool, rng: np.random.Generator) -> State:
        if self.sensitivity is None or self.specificity is None:
            return "undecided"
        right = rng.random() < (self.sensitivity if good else self.specificity)
        return "passed" if right == good else "failed"

    def _doubt(self, rng: np.random.Generator) -> Doubt:
        """What the planted answers of this audit allow to be wrong."""
        if self.sensitivity is None or self.specificity is None:
            return NO_DOUBT
        missed, failed = (int(rng.binomial(CANARIES, 1 - share)) for share in (self.specificity, self.sensitivity))
        return Doubt(upper_bound(missed, CANARIES, MISS_DELTA), upper_bound(failed, CANARIES, MISS_DELTA))


def _rate(units: Sequence[Unit], truth: Mapping[int, bool], n: int, rng: np.random.Generator) -> list[Unit]:
    """The units with people's word on n of them, drawn as `audit review` draws."""
    passed = [place for place, unit in enumerate(units) if unit.said == "passed"]
    others = [place for place, unit in enumerate(units) if unit.said != "passed"]
    half = min(len(passed), max(n - n // 2, n - len(others)))
    made = list(units)
    for group, size in ((passed, half), (others, n - half)):
        if not group or not size:
            continue
        drawn = sequential_poisson([units[place].weight for place in group], size, rng.random(len(group)))
        for row, chance in zip(drawn.units.tolist(), drawn.probabilities[drawn.units].tolist(), strict=True):
            unit = units[group[row]]
            good = truth[unit.prompt_key]
            state: State = "passed" if good else "failed"
            made[group[row]] = replace(unit, state=state, rated=good, chance=chance)
    return made


TELLERS = (
    Teller("judge that is always right", 1.0, 1.0),
    Teller("judge, 1 % and 2 % wrong", 0.99, 0.98),
    Teller("judge, 2 % and 5 % wrong", 0.98, 0.95),
    Teller("no judge, 60 rated", None, None, 60),
    Teller("judge, 10 % and 20 % wrong, 60 rated", 0.9, 0.8, 60),
    Teller("judge, 5 % and 40 % wrong, 120 rated", 0.95, 0.6, 120),
)
