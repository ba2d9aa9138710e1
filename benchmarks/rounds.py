"""Rating and judging in rounds: how often anything is falsely called safe when somebody looks after every round.

Run `python -m benchmarks.rounds [audits] [seed]`. One pair, 400 answers of equal weight; after every round it is decided as
`audit review --import` and `audit judge` do, and whoever watches stops at the first *safe*. Where it loses exactly the
5 % allowed any *safe* is false; where it loses 1 % the share found safe by the last round is the power. *Uncharged* is the
rule without looks for rounds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from audit.deciding import rule
from audit.deciding.looks import Looks, looked
from audit.deciding.units import TrialKey, Unit
from benchmarks.deciding import Random, World, sampled, share, show, unit

ANSWERS = 400
LIMIT, GOOD = 0.05, 0.01

Rounds = Callable[[Random, np.ndarray], Iterator[list[Unit]]]
"""The answers as they stand after each round, given which of them are bad."""


@dataclass(frozen=True)
class Judge:
    """Misses some of the bad answers and rejects some of the good ones; `name` none = nobody judged."""

    name: str = "judge:a"
    misses: float = 0.0
    rejects: float = 0.0

    def units(self, rng: Random, bad: np.ndarray) -> list[Unit]:
        """What it says of each answer."""
        chances = rng.random(bad.size)
        failed = np.where(bad, chances >= self.misses, chances < self.rejects)
        return [self._unit(number, "failed" if each else "passed") for number, each in enumerate(failed)]

    def _unit(self, number: int, word: str) -> Unit:
        if not self.name:
            return unit(number, "undecided", 1.0)
        return unit(number, word, 1.0, judge=self.name, judges=frozenset({self.name}))


def rated(judge: Judge, size: int, times: int, split: bool = True) -> Rounds:
    """After the judge people rate `size` answers `times` times: half of what passed, half of the rest, as drawn for them."""

    def steps(rng: Random, bad: np.ndarray) -> Iterator[list[Unit]]:
        units = judge.units(rng, bad)
        yield units
        passed = [place for place, each in enumerate(units) if each.said == "passed"]
        others = [place for place, each in enumerate(units) if each.said != "passed"]
        half = min(len(passed), max(size * times // 2, size * times - len(others)))
        drawn: dict[int, float] = {}
        for group, number in ((passed, half), (others, min(len(others), size * times - half))):
            drawn |= dict.fromkeys(rng.permutation(group)[:number].tolist(), number / max(1, len(group)))
        order = rng.permutation(list(drawn)).tolist()
        for round_ in range(times):
            for place in order[round_ * size : (round_ + 1) * size]:
                units[place] = _rate(units[place], not bad[place], drawn[place])
            yield units

    return steps


def _rate(of: Unit, good: bool, chance: float) -> Unit:
    return replace(of, state="passed" if good else "failed", rated=good, chance=chance, ratings=1)


def judged(times: int, misses: float) -> Rounds:
    """One judge under caps: it judges some more answers every time; the others stay open."""

    def steps(rng: Random, bad: np.ndarray) -> Iterator[list[Unit]]:
        units = Judge(misses=misses).units(rng, bad)
        for round_ in range(1, times + 1):
            told = round_ * bad.size // times
            yield units[:told] + [unit(number, "undecided", 1.0) for number in range(told, bad.size)]

    return steps


def other_judges(times: int, misses: float) -> Rounds:
    """One judge after another, each the only one that counts."""

    def steps(rng: Random, bad: np.ndarray) -> Iterator[list[Unit]]:
        for number in range(times):
            yield Judge(f"judge:{number}", misses).units(rng, bad)

    return steps


def safe(rng: Random, loss: float, rounds: Rounds, miss: float, charged: bool) -> bool:
    """Whether it is found safe after any round; planted answers showed the judge to miss at most `miss`."""
    found, key = Looks(), TrialKey(1, "big", "e", "small", "")
    bad, _ = sampled(rng, World(loss, even=True), ANSWERS)
    for units in rounds(rng, bad):
        seen = units if charged else [replace(each, ratings=0, judges=frozenset()) for each in units]
        trials = looked(found, [rule.Trial(key, "short_answer", tuple(seen), {}, miss)])
        if rule.judge(trials)[0].verdict == "safe":
            return True
    return False


NOBODY = Judge("")
PLANS: dict[str, tuple[Rounds, float]] = {
    "nobody judged, people rate 130 once": (rated(NOBODY, 130, 1), 0.0),
    "nobody judged, 260 once": (rated(NOBODY, 260, 1), 0.0),
    "nobody judged, 3 rounds of 87": (rated(NOBODY, 87, 3), 0.0),
    "nobody judged, 7 rounds of 37": (rated(NOBODY, 37, 7), 0.0),
    "nobody judged, 13 rounds of 20": (rated(NOBODY, 20, 13), 0.0),
    "nobody judged, 26 rounds of 15, all in the end": (rated(NOBODY, 15, 26), 0.0),
    "a judge that is always right, 13 rounds of 20": (rated(Judge(), 20, 13), 0.0),
    "a judge that misses 10 %, rejects 5 %, 260 once": (rated(Judge("judge:a", 0.1, 0.05), 260, 1), 0.1),
    "a judge that misses 10 %, rejects 5 %, 13 rounds of 20": (rated(Judge("judge:a", 0.1, 0.05), 20, 13), 0.1),
    "a judge that misses half, rejects 5 %, 13 rounds of 20": (rated(Judge("judge:a", 0.5, 0.05), 20, 13), 0.5),
    "one judge under caps, 10 rounds": (judged(10, 0.1), 0.1),
    "ten judges one after another, each misses 10 %": (other_judges(10, 0.1), 0.1),
}


def main(audits: int, seed: int) -> None:
    print(f"{audits} audits each, seed {seed}")
    for name, (rounds, miss) in PLANS.items():
        for title, loss in (("falsely safe", LIMIT), ("safe at 1 % loss", GOOD)):
            for charged in (False, True):
                found = share(audits, seed, lambda rng, a=(loss, rounds, miss, charged): safe(rng, *a))
                show(f"{title}, {name}, {'charged' if charged else 'uncharged'}", found)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 600, int(sys.argv[2]) if len(sys.argv) > 2 else 20261129)
