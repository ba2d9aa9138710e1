"""Looking again: how often anything is falsely called safe when samples grow, seeds are rolled again, candidates dropped.

Run `python -m benchmarks.looking [audits] [seed]`. Every audit is of one file with up to 5 candidates x 10 workflows that
all lose exactly what is allowed, in the worlds of `benchmarks.deciding`; somebody looks after every step and stops at the
first *safe*. Looks are counted by `audit.deciding.looks`, and a loss is tested as `audit.statistics.verdicts` does: where
everything loses too much, any is safe exactly if one passes Holm's first step. The last lines say what candidates that
lose 1 % get from the whole rule, beside the stated power.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from audit.deciding import rule
from audit.deciding.looks import Looks, Seen, looked
from audit.deciding.units import TrialKey
from audit.statistics.certificates import certificate_power
from audit.statistics.verdicts import whole_error
from audit.statistics.weighted_loss import LossSample
from benchmarks.deciding import CANDIDATES, WORKFLOWS, Frame, Random, World, share, show, unit

Step = Mapping[TrialKey, tuple[np.ndarray, np.ndarray]]
"""Losses and weights of what there is to judge."""

Plan = Callable[[Random, World], Iterator[Step]]

NOTHING = np.zeros(0, dtype=np.int64)


def key(place: int, candidate: int) -> TrialKey:
    return TrialKey(place, "big", "e", f"small-{candidate}", "")


def grows(*sizes: int) -> Plan:
    """Five candidates on a sample that grows, nested, to so many prompts a workflow."""

    def steps(rng: Random, world: World) -> Iterator[Step]:
        frames = [Frame.of(rng, world) for _ in range(WORKFLOWS)]
        lost = [[frame.lose(rng, world) for _ in range(CANDIDATES)] for frame in frames]
        uniforms, kept = rng.random((WORKFLOWS, world.frame)), [NOTHING] * WORKFLOWS
        for n in sizes:
            found = {}
            for place, frame in enumerate(frames):
                units, chances = frame.drawn(uniforms[place], n, kept[place])
                kept[place] = units
                weights = frame.requests[units] / chances[units]
                found |= {key(place, number): (bad[units], weights) for number, bad in enumerate(lost[place])}
            yield found

    return steps


def rolled_again(times: int, n: int) -> Plan:
    """One candidate, another seed after every look, all samples counted together."""

    def steps(rng: Random, world: World) -> Iterator[Step]:
        frames = [Frame.of(rng, world) for _ in range(WORKFLOWS)]
        lost = [frame.lose(rng, world) for frame in frames]
        missed, seen = np.ones((WORKFLOWS, world.frame)), [NOTHING] * WORKFLOWS
        for _ in range(times):
            found = {}
            for place, frame in enumerate(frames):
                units, chances = frame.drawn(rng.random(world.frame), n, NOTHING)
                missed[place] *= 1 - chances
                seen[place] = np.union1d(seen[place], units)
                weights = frame.requests[seen[place]] / (1 - missed[place][seen[place]])
                found[key(place, 0)] = lost[place][seen[place]], weights
            yield found

    return steps


def one_after_another(n: int, again: int = 0) -> Plan:
    """Five candidates, each tried after the one before was looked at; `again` calls fail first and are made later."""

    def steps(rng: Random, world: World) -> Iterator[Step]:
        frames = [Frame.of(rng, world) for _ in range(WORKFLOWS)]
        samples = [frame.drawn(rng.random(world.frame), n, NOTHING) for frame in frames]
        known: dict[TrialKey, tuple[np.ndarray, np.ndarray]] = {}
        for number in range(CANDIDATES):
            lost = [frame.lose(rng, world) for frame in frames]
            for size in (n - again, n) if again else (n,):
                for place, (frame, (units, chances)) in enumerate(zip(frames, samples, strict=True)):
                    answered = units[:size]
                    weights = frame.requests[answered] / chances[answered]
                    known[key(place, number)] = lost[place][answered], weights
                yield dict(known)

    return steps


def any_false(rng: Random, world: World, plan: Plan) -> bool:
    """Whether a look finds a candidate safe where all lose too much."""
    found = Looks()
    for step in plan(rng, world):
        samples = {each: LossSample.of(*answers) for each, answers in step.items()}
        seen = {each: Seen(sample.n) for each, sample in samples.items()}
        looks = {each: found.at(each, now) for each, now in seen.items()}
        able = [each for each in samples if samples[each].clean.at_most(world.loss, whole_error(looks[each]))]
        found.take({each: seen[each] for each in able})
        for each in able:
            look = looks[each]
            if samples[each].at_most(world.loss, whole_error(look) / found.families[look]):
                return True
    return False


def won(rng: Random, loss: float, plan: Plan) -> float:
    """Share of the pairs (of equal dollars) found safe after the last step, by the whole rule."""
    found, share_won = Looks(), 0.0
    for step in plan(rng, World(loss, even=True)):
        trials = looked(found, [_trial(each, *answers) for each, answers in step.items()])
        safe = [each.verdict == "safe" for each in rule.judge(trials)]
        found.won |= {trial.key for trial, ok in zip(trials, safe, strict=True) if ok}
        share_won = float(np.mean(safe))
    return share_won


def _trial(each: TrialKey, lost: np.ndarray, weights: np.ndarray) -> rule.Trial:
    units = tuple(
        unit(number, "failed" if bad else "passed", float(weight))
        for number, (bad, weight) in enumerate(zip(lost, weights, strict=True))
    )
    return rule.Trial(each, "short_answer", units, {})


WORLDS = {
    "even costs": World(0.05, even=True),
    "uneven costs": World(0.05),
    "losses among cheap requests": World(0.05, cheap=True),
    "few heavy prompts": World(0.05, heavy=True),
}
PLANS: dict[str, Plan] = {
    "one look, n=150": grows(150),
    "one look, n=240": grows(240),
    "grown 60, 150, 270": grows(60, 150, 270),
    "grown 200, 500, 900": grows(200, 500, 900),
    "five seeds of 150": rolled_again(5, 150),
    "five candidates one after another, n=150": one_after_another(150),
    "the same, a tenth of the calls made again": one_after_another(150, 14),
}


def main(audits: int, seed: int) -> None:
    print(f"{audits} audits each (power: a twentieth of that), seed {seed}")
    for name, plan in PLANS.items():
        for where, world in WORLDS.items():
            found = share(audits, seed, lambda rng, w=world, p=plan: any_false(rng, w, p))
            show(f"anything falsely safe, {name}, {where}", found)
    for name, plan, n, look in (
        ("n=150", grows(150), 150, 1),
        ("n=302", grows(302), 302, 1),
        ("grown 150 to 400", grows(150, 400), 400, 2),
    ):
        stated = certificate_power(n, 0.01, 0.05, whole_error(look), WORKFLOWS * CANDIDATES)
        found = share(max(1, audits // 20), seed, lambda rng, p=plan: won(rng, 0.01, p))
        show(f"dollars certified at 1 % loss, 50 pairs, {name} (stated at least {100 * stated:.0f} %)", found)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 600, int(sys.argv[2]) if len(sys.argv) > 2 else 20261129)
