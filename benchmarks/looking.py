"""Looking again: how often anything is falsely certified when samples grow, seeds are rolled again, candidates are dropped.

Run `python -m benchmarks.looking [audits] [seed]`. Every audit is of one file with up to 5 candidates x 10 workflows that
all lose exactly what is allowed, in the worlds of `benchmarks.deciding`; somebody looks after every step and stops at the
first *safe*. Looks and verdicts come from `audit.deciding`. The last lines say what candidates that lose 1 % get, beside
the stated power.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from audit.deciding import rule
from audit.deciding.looks import Looks, looked
from audit.deciding.units import TrialKey
from audit.statistics.certificates import certificate_power
from audit.statistics.verdicts import whole_error
from benchmarks.deciding import CANDIDATES, WORKFLOWS, Frame, Random, World, share, show, unit

Trials = Mapping[TrialKey, rule.Trial]
Plan = Callable[[Random, World], Iterator[Trials]]
"""What there is to judge after each step; a trial that is missing was not asked again."""

NOTHING = np.zeros(0, dtype=np.int64)


def made(place: int, candidate: int, lost: np.ndarray, weights: np.ndarray) -> rule.Trial:
    """One candidate on one workflow, with the answers that are lost."""
    units = tuple(
        unit(number, "failed" if bad else "passed", float(weight))
        for number, (bad, weight) in enumerate(zip(lost, weights, strict=True))
    )
    return rule.Trial(TrialKey(place, "big", "e", f"small-{candidate}", ""), "short_answer", units, {})


def grows(*sizes: int) -> Plan:
    """Five candidates on a sample that grows, nested, to so many prompts a workflow."""

    def steps(rng: Random, world: World) -> Iterator[Trials]:
        frames = [[Frame.of(rng, world) for _ in range(CANDIDATES)] for _ in range(WORKFLOWS)]
        uniforms = rng.random((WORKFLOWS, world.frame))
        kept = [NOTHING] * WORKFLOWS
        for n in sizes:
            found = {}
            for place, candidates in enumerate(frames):
                for number, frame in enumerate(candidates):
                    # all candidates are asked the prompts of one sample
                    drawn = replace(candidates[0], lost=frame.lost)
                    units, chances = drawn.drawn(uniforms[place], n, kept[place])
                    trial = made(place, number, *drawn.answers(units, chances))
                    found[trial.key] = trial
                kept[place] = units
            yield found

    return steps


def rolled_again(times: int, n: int) -> Plan:
    """One candidate, another seed after every look, all samples counted together."""

    def steps(rng: Random, world: World) -> Iterator[Trials]:
        frames = [Frame.of(rng, world) for _ in range(WORKFLOWS)]
        missed = np.ones((WORKFLOWS, world.frame))
        seen = [NOTHING] * WORKFLOWS
        for _ in range(times):
            found = {}
            for place, frame in enumerate(frames):
                units, chances = frame.drawn(rng.random(world.frame), n, NOTHING)
                missed[place] *= 1 - chances
                seen[place] = np.union1d(seen[place], units)
                answers = frame.answers(seen[place], 1 - missed[place])
                trial = made(place, 0, *answers)
                found[trial.key] = trial
            yield found

    return steps


def one_after_another(n: int, completed: int = 0) -> Plan:
    """Five candidates, each tried after the one before had been looked at, then perhaps a few calls made again."""

    def steps(rng: Random, world: World) -> Iterator[Trials]:
        uniforms = rng.random((WORKFLOWS, world.frame))
        known: dict[TrialKey, rule.Trial] = {}
        for number in range(CANDIDATES):
            frames = [Frame.of(rng, world) for _ in range(WORKFLOWS)]
            for size in (n - completed, n) if completed else (n,):
                for place, frame in enumerate(frames):
                    units, chances = frame.drawn(uniforms[place], size, NOTHING)
                    trial = made(place, number, *frame.answers(units, chances))
                    known[trial.key] = trial
                yield dict(known)

    return steps


def any_false(rng: Random, world: World, plan: Plan) -> bool:
    """Whether a look finds a candidate safe where all lose too much."""
    found = Looks()
    for step in plan(rng, world):
        if any(each.verdict == "safe" for each in rule.judge(looked(found, list(step.values())))):
            return True
    return False


def won(rng: Random, loss: float, plan: Plan) -> float:
    """Share of the pairs (of equal dollars) found safe after the last step."""
    found, share_won = Looks(), 0.0
    for step in plan(rng, World(loss, even=True)):
        trials = looked(found, list(step.values()))
        judged = rule.judge(trials)
        safe = [each.verdict == "safe" for each in judged]
        found.won |= {trial.key for trial, ok in zip(trials, safe, strict=True) if ok}
        share_won = float(np.mean(safe))
    return share_won


WORLDS = {
    "even costs": World(0.05, even=True),
    "losses among cheap requests": World(0.05, cheap=True),
    "few heavy prompts": World(0.05, heavy=True),
}
PLANS: dict[str, Plan] = {
    "five seeds of 150": rolled_again(5, 150),
    "grown 60, 150, 270": grows(60, 150, 270),
    "five candidates one after another, n=150": one_after_another(150),
    "the same, a tenth of the calls made again": one_after_another(150, 14),
}


def main(audits: int, seed: int) -> None:
    print(f"{audits} audits each, seed {seed}")
    for name, plan in PLANS.items():
        for where, world in WORLDS.items():
            found = share(audits, seed, lambda rng, w=world, p=plan: any_false(rng, w, p))
            show(f"anything falsely certified, {name}, {where}", found)
    for name, plan, n, tests, look in (
        ("five candidates, n=150", grows(150), 150, 50, 1),
        ("five candidates, n=300", grows(300), 300, 50, 1),
        ("five candidates, grown 150 to 300", grows(150, 300), 300, 50, 2),
        ("five candidates, grown 150 to 400", grows(150, 400), 400, 50, 2),
    ):
        stated = certificate_power(n, 0.01, 0.05, whole_error(look), tests)
        found = share(max(1, audits // 20), seed, lambda rng, p=plan: won(rng, 0.01, p))
        show(f"dollars certified at 1 % loss, {name} (stated at least {100 * stated:.0f} %)", found)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 600, int(sys.argv[2]) if len(sys.argv) > 2 else 20261129)
