"""A census as if no program could tell: a judge of known errors says what it takes for the truth, people rate a draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from audit.deciding import Unit
from audit.deciding.judges import Canaries, Doubt
from audit.deciding.words import State
from audit.statistics.sampling import allocate, sequential_poisson
from benchmarks.accepting.census import Census

MUST_FAIL, MUST_PASS = 75, 200
"""Planted answers of each side that a judge of 500 answers without numbers meets."""


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

    def _doubt(self, rng: np.random.Generator) -> Doubt | None:
        """What the planted answers of this audit say of the judge."""
        if self.sensitivity is None or self.specificity is None:
            return None
        must_fail = Canaries(MUST_FAIL, int(rng.binomial(MUST_FAIL, self.specificity)))
        must_pass = Canaries(MUST_PASS, int(rng.binomial(MUST_PASS, self.sensitivity)))
        return Doubt(must_fail.wrong_at_most, must_fail, must_pass)


def _rate(units: Sequence[Unit], truth: Mapping[int, bool], n: int, rng: np.random.Generator) -> list[Unit]:
    """The units with people's word on n of them, drawn as `audit review` draws: each half split by dollars."""
    passed = [place for place, unit in enumerate(units) if unit.said == "passed"]
    others = [place for place, unit in enumerate(units) if unit.said != "passed"]
    half = min(len(passed), max(n - n // 2, n - len(others)))
    stakes: dict[int, float] = {}
    for unit in units:
        stakes[unit.workflow_id] = stakes.get(unit.workflow_id, 0.0) + unit.weight * (unit.current_cost or 0.0)
    made = list(units)
    for side, size in ((passed, half), (others, n - half)):
        groups = [[place for place in side if units[place].workflow_id == workflow] for workflow in stakes]
        sizes = allocate(list(stakes.values()), [1.0] * len(stakes), size, capacity=list(map(len, groups)))
        for group, part in zip(groups, sizes, strict=True):
            for place, chance in _drawn([units[place].weight for place in group], part, rng):
                unit = units[group[place]]
                good = truth[unit.prompt_key]
                state: State = "passed" if good else "failed"
                made[group[place]] = replace(unit, state=state, rated=good, chance=chance)
    return made


def _drawn(weights: Sequence[float], n: int, rng: np.random.Generator) -> list[tuple[int, float]]:
    """Places and chances of n units drawn by their weights."""
    if not n:
        return []
    drawn = sequential_poisson(weights, n, rng.random(len(weights)))
    return list(zip(drawn.units.tolist(), drawn.probabilities[drawn.units].tolist(), strict=True))


TELLERS = (
    Teller("judge that is always right", 1.0, 1.0),
    Teller("judge, 1 % and 2 % wrong", 0.99, 0.98),
    Teller("judge, 2 % and 5 % wrong", 0.98, 0.95),
    Teller("no judge, 60 rated", None, None, 60),
    Teller("judge, 10 % and 20 % wrong, 60 rated", 0.9, 0.8, 60),
    Teller("judge, 5 % and 40 % wrong, 120 rated", 0.95, 0.6, 120),
)
