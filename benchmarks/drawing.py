"""How far off are saved dollars after a draw of 500 prompts, beside a simple random one; and do their intervals hold.

Run `python -m benchmarks.drawing [logs] [draws] [seed]` (four logs with 40 draws each, of either kind, take about two minutes of
processor time). Logs of 200,000 prompts in
twelve workflows, whose costs are lognormal (sigma 0.6 to 1.3 by workflow, as in real traffic) or about even; a candidate
answers 20 to 98 % of a workflow acceptably, the dear ones less often, and an acceptable answer saves about 60 to 95 %. Drawn and
estimated by the functions of a replay and of the lever. Of a simple random sample stand the dollars scaled up by prompts,
and those by the ratio to what they cost in all.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from audit.levers._measured import shares
from audit.replay.drawing import draw
from audit.replay.frame import Frame
from audit.replay.strata import Strata, stratify
from audit.statistics.arrays import FloatArray, IntArray
from audit.statistics.distributions import normal_quantile
from audit.statistics.estimation import Measured, ratio

PROMPTS, WORKFLOWS, SAMPLE, SEED = 200_000, 12, 500, 42
_PARTS = np.array([0.30, 0.20, 0.12, 0.10, 0.08, 0.06, 0.05, 0.04, 0.02, 0.015, 0.01, 0.005])


@dataclass(frozen=True, eq=False)
class World:
    """A frame and what each of its prompts saves, in pico-USD."""

    frame: Frame
    saved: FloatArray


def build(spread: float, seed: int) -> World:
    """A log of a seed; `spread` scales the sigma of the costs."""
    random = np.random.default_rng(seed)
    workflow = random.choice(WORKFLOWS, PROMPTS, p=_PARTS)
    middle, sigma = random.normal(-5.5, spread, WORKFLOWS), spread * random.uniform(0.6, 1.3, WORKFLOWS)
    usd = np.exp(random.normal(middle[workflow], sigma[workflow]))
    right, saving = random.uniform(0.2, 0.98, WORKFLOWS), random.uniform(0.6, 0.95, WORKFLOWS)
    apart = (np.log(usd) - middle[workflow]) / sigma[workflow]
    chance = 1 / (1 + np.exp(-(np.log(right / (1 - right))[workflow] - 0.5 * apart)))
    accepted = random.random(PROMPTS) < chance
    cost = np.maximum(1, np.round(usd * 1e12)).astype(np.int64)
    saved = cost * saving[workflow] * np.clip(random.normal(1, 0.05, PROMPTS), 0.8, 1.05) * accepted
    keys: IntArray = np.arange(1, PROMPTS + 1, dtype=np.int64)
    names = ["big"] * PROMPTS
    ones = np.ones(PROMPTS, dtype=np.int64)
    return World(Frame(keys, keys, workflow.astype(np.int64), names, names, ones, cost, ()), saved)


def measured(world: World, laid: Strata, seed: int) -> list[tuple[float, Measured]]:
    """The dollars of each workflow, or of all small ones together, and the share that is saved, from one draw."""
    drawn = draw(world.frame, laid, np.ones(PROMPTS, dtype=np.bool_), SAMPLE, seed, {})
    spent, names = world.frame.cost_pico.astype(np.float64), [each.label.split("/")[0] for each in laid.strata]
    found = []
    for name in sorted(set(names)):
        places = [place for place, each in enumerate(names) if each == name]
        of = np.isin(drawn.strata, places)
        rows, chance = drawn.rows[of], drawn.probabilities[of]
        share = ratio(world.saved[rows], spent[rows], 1 / chance, chance, drawn.strata[of])
        found.append((sum(float(spent[laid.strata[place].members].sum()) for place in places), share))
    return found


def compare(name: str, spread: float, logs: int, draws: int, seed: int) -> Iterator[str]:
    """Rows of the table: each log, and all of them."""
    everything: list[FloatArray] = []
    for number in range(logs):
        world = build(spread, seed + number)
        cost, truth = world.frame.cost_pico.astype(np.float64), float(world.saved.sum())
        laid = stratify(world.frame, dict.fromkeys(range(WORKFLOWS), "short_answer"))
        random, rows = np.random.default_rng(seed), np.zeros((draws, 5))
        for place in range(draws):
            found = measured(world, laid, place)
            point = sum(dollars * share.value for dollars, share in found)
            low, high = point * np.quantile(shares(found, 1000, place), [0.05, 0.95])
            drawn = random.choice(PROMPTS, SAMPLE, replace=False)
            saved = float(world.saved[drawn].sum())
            by_ratio = float(cost.sum()) * saved / float(cost[drawn].sum())
            errors = [each / truth - 1 for each in (point, PROMPTS / SAMPLE * saved, by_ratio)]
            rows[place] = *errors, low <= truth <= high, (high - low) / truth
        everything.append(rows)
        yield _line(f"{name} {1 + number}", [rows])
    yield _line(f"{name}, all", everything)


def _line(name: str, logs: Sequence[FloatArray]) -> str:
    together = np.concatenate(logs)
    ours, scaled_up, by_ratio = np.sqrt(np.mean(np.square(together[:, :3]), axis=0))
    oracle = 2 * normal_quantile(0.95) * float(np.mean([np.std(each[:, 0]) for each in logs]))
    wide = float(np.mean(together[:, 4]))
    cells = (f"{100 * each:.1f} %" for each in (ours, scaled_up, by_ratio))
    return (
        f"| {name} | {' | '.join(cells)} | {ours / scaled_up:.2f} | {int(together[:, 3].sum())} of {len(together)} |"
        f" {100 * wide:.1f} % | {wide / oracle:.2f} |"
    )


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:4]]
    logs, draws, seed = *given, *(4, 40, SEED)[len(given) :]
    print(
        "| costs | error of dollars | simple random | and by ratio | of simple random | held | width | of an oracle's |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, spread in (("lognormal", 1.0), ("even", 0.2)):
        for line in compare(name, spread, logs, draws, seed):
            print(line, flush=True)
