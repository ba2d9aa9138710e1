"""How often verdicts are wrong, and how often they are won: simulated audits through the rule `audit replay` uses.

Run `python -m benchmarks.deciding [audits] [seed]`. Every world is synthetic and stated where it is built; costs are
lognormal (sigma 1.2), samples are drawn by size with the mixture a replay uses, and verdicts come from
`audit.deciding.rule`. Prints shares of audits with their 95 % Clopper–Pearson intervals.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from audit.deciding import rule
from audit.deciding.acceptance import acceptable
from audit.deciding.units import TrialKey, Unit
from audit.statistics.certificates import certificate_power, clean_units
from audit.statistics.intervals import Interval, clopper_pearson, upper_bound
from audit.statistics.sampling import pps_probabilities, sequential_poisson, size_measure
from audit.statistics.verdicts import alpha_of, whole_error

WORKFLOWS, CANDIDATES = 10, 5
Random = np.random.Generator


@dataclass(frozen=True)
class World:
    """How answers fail: `loss` is the true share of requests lost, `cheap` says losses sit among cheap requests.

    `heavy`: few prompts make most requests (Pareto, shape 1.1), and losses are a share of the requests.
    """

    loss: float
    cheap: bool = False
    even: bool = False
    heavy: bool = False
    frame: int = 4000


def unit(number: int, state: str, weight: float, **more: object) -> Unit:
    values: dict[str, object] = {
        "replay_id": number, "request_id": number, "workflow_id": 1, "endpoint": "e", "prompt_key": number,
        "requests": 1, "state": state, "said": state, "judge": "", "rated": None, "chance": None, "same": False,
        "logged_ok": None, "reason": "", "answer": f"a{number}", "logged_answer": number, "weight": weight,
        "cluster": str(number), "batch": 1, "origin": "live", "duration": 1.0, "logged_duration": 1.0, "cost": 1.0, "current_cost": 10.0,
        "input_tokens": 1, "output_tokens": 1, "logged_input_tokens": 1, "logged_output_tokens": 1,
    }  # fmt: skip
    return Unit(**{**values, **more})  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Frame:
    """The prompts of a workflow: how often each comes, what it is drawn by, and in which order candidates may lose them."""

    requests: np.ndarray
    sizes: np.ndarray
    losable: np.ndarray

    @classmethod
    def of(cls, rng: Random, world: World) -> Frame:
        cost = np.ones(world.frame) if world.even else rng.lognormal(0.0, 1.2, world.frame)
        requests = np.ceil(rng.pareto(1.1, world.frame)) if world.heavy else np.ones(world.frame)
        requests = np.clip(requests, 1.0, world.frame / 20)
        sizes = requests if world.even else size_measure(cost * requests, 0.5, requests)
        return cls(requests, sizes, np.argsort(cost)[: world.frame // 2] if world.cheap else np.arange(world.frame))

    def lose(self, rng: Random, world: World) -> np.ndarray:
        """Lost prompts: the share of requests lost is `world.loss`, or the least share above it."""
        order = rng.permutation(self.losable)
        enough = int(np.searchsorted(np.cumsum(self.requests[order]), world.loss * self.requests.sum() - 1e-9)) + 1
        lost = np.zeros(self.requests.size, dtype=np.bool_)
        lost[order[: enough if world.loss else 0]] = True
        return lost

    def drawn(self, uniforms: np.ndarray, n: int, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of a sample of n that holds what was kept, and the chance of every prompt."""
        return sequential_poisson(self.sizes, n, uniforms, kept=kept).units, pps_probabilities(self.sizes, n)


def sampled(rng: Random, world: World, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Losses and weights of n sampled prompts of a new frame."""
    frame = Frame.of(rng, world)
    units, chances = frame.drawn(rng.random(world.frame), n, np.zeros(0, dtype=np.int64))
    return frame.lose(rng, world)[units], frame.requests[units] / chances[units]


def trial(
    place: int, lost: np.ndarray, weights: np.ndarray, kind: str = "short_answer", miss: float = 0.0
) -> rule.Trial:
    units = tuple(
        unit(number, "failed" if bad else "passed", float(weight))
        for number, (bad, weight) in enumerate(zip(lost, weights, strict=True))
    )
    return rule.Trial(TrialKey(place, "big", "e", "small", ""), kind, units, {}, miss)


def false_safe(rng: Random, world: World, n: int) -> bool:
    """Any false 'safe' among 5 candidates x 10 workflows that all lose exactly what is allowed."""
    trials = [trial(place, *sampled(rng, world, n)) for place in range(WORKFLOWS * CANDIDATES)]
    return any(judged.verdict == "safe" for judged in rule.judge(trials))


def naive_safe(rng: Random, world: World, n: int = 50) -> bool:
    """A rule without bounds: at least 95 % of the sampled answers acceptable, on one task."""
    lost, _ = sampled(rng, world, n)
    return bool(lost.mean() <= 0.05)


def judged_false_safe(rng: Random, miss: float, n: int, planted: int = 30) -> bool:
    """The same, judged: the judge lets `miss` of the lost answers and of its planted ones pass."""
    caught = rng.binomial(planted, 1 - miss)
    bound = upper_bound(planted - caught, planted, 0.10)
    trials = []
    for place in range(WORKFLOWS * CANDIDATES):
        lost, weights = sampled(rng, World(alpha_of("")), n)
        seen = lost & (rng.random(lost.size) >= miss)
        made = trial(place, seen, weights, miss=bound)
        units = tuple(unit(u.prompt_key, u.state, u.weight, judge="judge:j") for u in made.units)
        trials.append(rule.Trial(made.key, "open", units, {}, bound))
    return any(judged.verdict == "safe" for judged in rule.judge(trials))


def certified(rng: Random, true_loss: float, n: int) -> float:
    """Share of the pairs (of equal dollars) a planned sample certifies when each loses `true_loss`."""
    trials = [trial(place, *sampled(rng, World(true_loss, even=True), n)) for place in range(WORKFLOWS)]
    return float(np.mean([judged.verdict == "safe" for judged in rule.judge(trials)]))


def covered(rng: Random, world: World, n: int) -> bool:
    """Whether the interval of acceptable answers holds the truth."""
    lost, weights = sampled(rng, world, n)
    return 1 - world.loss in acceptable(trial(1, lost, weights).units)


def rated(
    rng: Random, true_bad: float, sensitivity: float, specificity: float, n: int = 500, ratings: int = 60
) -> list[Unit]:
    """A judged sample with a two-phase draw of ratings: half of what passed, half of what failed."""
    bad, weights = sampled(rng, World(true_bad), n)
    passed = np.where(bad, rng.random(n) >= specificity, rng.random(n) < sensitivity)
    units: list[Unit] = []
    for said in (True, False):
        group = np.flatnonzero(passed == said)
        size = min(len(group), ratings // 2)
        if not size:
            continue
        draw = sequential_poisson(weights[group], size, rng.random(len(group)))
        chosen = {int(group[place]): float(draw.probabilities[place]) for place in draw.units.tolist()}
        for place in group.tolist():
            word = "passed" if said else "failed"
            chance = chosen.get(place)
            good = None if chance is None else not bool(bad[place])
            state = word if good is None else "passed" if good else "failed"
            units.append(
                unit(place, state, float(weights[place]), said=word, judge="judge:j", rated=good, chance=chance)
            )
    return units


def rated_covered(rng: Random, true_bad: float, sensitivity: float, specificity: float) -> bool:
    return 1 - true_bad in acceptable(rated(rng, true_bad, sensitivity, specificity))


def rated_false_safe(rng: Random, true_bad: float) -> bool:
    """Whether people's 60 ratings leave a sleeping judge's certificate standing."""
    units = tuple(rated(rng, true_bad, 1.0, 0.0))
    (found,) = rule.judge([rule.Trial(TrialKey(1, "big", "e", "small", ""), "open", units, {}, 0.1)])
    return found.verdict == "safe"


def share(audits: int, seed: int, run: Callable[[Random], bool | float]) -> Interval:
    rngs = np.random.default_rng(seed).spawn(audits)
    return clopper_pearson(sum(float(run(rng)) for rng in rngs), audits, 0.95)


def show(title: str, found: Interval) -> None:
    print(f"{title}: {100 * found.estimate:.1f} % [{100 * found.low:.1f}, {100 * found.high:.1f}]", flush=True)


def main(audits: int, seed: int) -> None:
    print(f"{audits} audits each (power and families: a fifth of that), seed {seed}")
    intervals(audits, seed)
    people(audits, seed)
    power(audits // 5, seed)
    families(audits // 5, seed)


def intervals(audits: int, seed: int) -> None:
    for loss in (0.05, 0.12, 0.30):
        for name, world in (
            ("even", World(loss, even=True)), ("uneven", World(loss)), ("cheap", World(loss, cheap=True)),
        ):  # fmt: skip
            found = share(audits, seed, lambda rng, w=world: covered(rng, w, 200))
            show(f"90 % interval of acceptable answers covers, n=200, loss {loss}, {name}", found)


def people(audits: int, seed: int) -> None:
    for theta, se, sp in ((0.85, 0.90, 0.80), (0.95, 0.95, 0.60), (0.70, 0.85, 0.85)):
        found = share(audits, seed, lambda rng, t=theta, a=se, b=sp: rated_covered(rng, 1 - t, a, b))
        show(f"two-phase 90 % interval covers, 500 judged, 60 rated, {theta}/{se}/{sp}", found)
    for bad in (0.10, 0.20):
        found = share(audits, seed, lambda rng, b=bad: rated_false_safe(rng, b))
        show(f"safe left standing by 30 ratings of a judge that passes everything, {100 * bad:.0f} % bad", found)


def power(audits: int, seed: int) -> None:
    for n in (clean_units(0.05, whole_error(1), WORKFLOWS), 200, 240, 300):
        stated = certificate_power(n, 0.01, 0.05, whole_error(1), WORKFLOWS)
        found = share(audits, seed, lambda rng, n=n: certified(rng, 0.01, n))
        show(f"dollars certified at 1 % loss, 10 workflows, n={n} each (stated {100 * stated:.0f} %)", found)


def families(audits: int, seed: int) -> None:
    found = share(audits, seed, lambda rng: naive_safe(rng, World(0.05, even=True)))
    show("false safe by a rule without bounds, one task, n=50", found)
    for name, world in (
        ("even costs", World(0.05, even=True)),
        ("uneven costs", World(0.05)),
        ("losses among cheap requests", World(0.05, cheap=True)),
        ("few heavy prompts", World(0.05, heavy=True)),
    ):
        found = share(audits, seed, lambda rng, w=world: false_safe(rng, w, 150))
        show(f"false safe, 5 candidates x 10 workflows at 5 % loss, n=150, {name}", found)
    found = share(audits, seed, lambda rng: judged_false_safe(rng, 0.10, 150))
    show("false safe, the same judged by one that misses 10 %, n=150", found)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 600, int(sys.argv[2]) if len(sys.argv) > 2 else 20261122)
