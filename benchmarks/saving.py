"""Are the dollars of a savings plan right after a replay: each lever and the joint total against logs whose truth is known.

Run `python -m benchmarks.saving [audits] [seed] [world …]` (20 audits of every world take about 25 minutes of processor
time). Each audit is a new log of the world and a new draw, through the commands: ingest, replay against recorded answers,
route, savings. Printed for each lever: what was offered in how many audits; the mean truth and point; the bias in shares of the
truth; how often the 90 % interval holds what this log would have saved, and what such a log saves on average; its width beside
an oracle's, which knows how log and draw scatter the point (3.29 standard deviations).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from audit.statistics.distributions import normal_quantile
from benchmarks.acceptance import cli
from benchmarks.spending.flows import WEAK, Flow, Log, build
from benchmarks.spending.playing import played
from benchmarks.spending.truth import Plan, Truth, truth

SAMPLE, SEED = 500, 20261129

WORLDS: dict[str, tuple[Flow, ...]] = {
    "even": (Flow("parcels", 1500), Flow("returns", 900, verbose=2.0)),
    "skewed": (Flow("parcels", 1500, spread=1.4, verbose=1.5, growth=-0.3), Flow("returns", 900, spread=1.4, verbose=4.0)),
    "repeated": (Flow("parcels", 900, repeats=6.0, verbose=2.0, heads=8.0), Flow("returns", 600)),
    "by length": (Flow("parcels", 2400, cue="length", spread=0.6),),
    "by words": (Flow("parcels", 2400, cue="words", spread=0.8, verbose=3.0),),
    "cascade": (Flow("parcels", 2400, cue="form", bad=0.3, spread=0.8, verbose=3.0),),
    "variant": (Flow("parcels", 2400, cue="words", bad=1.0, spread=0.8, brief=0.5),),
    "trimmed": (Flow("parcels", 1500, noticed=True, spread=0.8, verbose=3.0),),
    "joint": (
        Flow("parcels", 700, repeats=6.0, verbose=2.0, heads=8.0), Flow("notices", 700, noticed=True, spread=0.8, verbose=3.0),
        Flow("orders", 900, cue="form", bad=0.3, spread=0.8, verbose=3.0),
        Flow("contracts", 900, cue="words", bad=1.0, spread=0.8, brief=0.5),
    ),
}  # fmt: skip


@dataclass(slots=True)
class Row:
    """One figure of a world over all audits: points, truths and intervals in USD."""

    points: list[float] = field(default_factory=list)
    truths: list[float] = field(default_factory=list)
    intervals: list[tuple[float, float]] = field(default_factory=list)

    def line(self, world: str, name: str, audits: int) -> str:
        """As a row of the table."""
        point, real = np.array(self.points), np.array(self.truths)
        low, high = (np.array([each[side] for each in self.intervals]) for side in (0, 1))
        wide = 2 * normal_quantile(0.95)
        width = float(np.mean(high - low)) / float(np.mean(real))
        drawn, both = (wide * float(np.std(each)) / float(np.mean(real)) for each in (point - real, point))
        here, usual = np.mean((low <= real) & (real <= high)), np.mean((low <= real.mean()) & (real.mean() <= high))
        return (
            f"| {world} | {name} | {len(point)} of {audits} | {real.mean():.4f} | {point.mean():.4f} | "
            f"{100 * (point.mean() / real.mean() - 1):+.2f} % | {100 * here:.0f} % | {100 * usual:.0f} % | "
            f"{100 * width:.1f} % | {100 * drawn:.1f} % | {100 * both:.1f} % |"
        )


def audit(folder: Path, log: Log, seed: int) -> tuple[Any, Plan]:
    """The savings document of one audit, and the plan it offers."""
    log.write(folder)
    places = "--db", folder / "audit.duckdb", "--config", folder / "audit.toml"
    cli("ingest", folder / "log.jsonl", *places)
    asked = "--sample", SAMPLE, "--seed", seed, "--no-floor", "--yes", *places
    cli("replay", "--model", f"earlier/{WEAK}", *asked)
    if any(call.prompt.flow.brief for call in log.calls):
        with played(log):
            cli("replay", "--variant", "concise", *asked)
    routes = cli("route", "-o", folder / "routes.json", *places)["routes"]
    return cli("savings", *places), Plan.of(folder / "audit.duckdb", routes)


def measure(flows: Sequence[Flow], audits: int, seed: int) -> dict[str, Row]:
    """Every figure of a world."""
    rows: dict[str, Row] = {}
    for number in range(audits):
        log = build(tuple(flows), seed + number)
        with TemporaryDirectory() as folder:
            document, plan = audit(Path(folder), log, 1 + number)
        known: Truth = truth(log, plan)
        found = {each["name"]: each for each in document["levers"]}
        assert abs(document["baseline"]["cost_usd"] - known.baseline) < 1e-6 * known.baseline
        for name, value in known.alone.items():
            lever = found[name]
            _add(rows, f"{name}, alone", value, lever["alone_usd"], None)
            _add(rows, f"{name}, in the plan", known.steps[name], lever["attributed_usd"], lever["interval_usd"])
        joint = document["joint"]
        _add(rows, "joint", sum(known.steps.values()), joint["saving_usd"], joint["interval_usd"])
        beside = {
            name: each["attributed_usd"]
            for name, each in found.items()
            if each["attributed_usd"] and name not in known.alone
        }
        if beside:
            print(f"<!-- not planted: {beside} -->", file=sys.stderr)
    return rows


def _add(rows: dict[str, Row], name: str, real: float, point: float | None, interval: Sequence[float] | None) -> None:
    if not real and not point:
        return
    row = rows.setdefault(name, Row())
    row.truths.append(real)
    row.points.append(point or 0.0)
    low, high = interval or (point or 0.0, point or 0.0)
    row.intervals.append((low, high))


def main(audits: int, seed: int, names: Sequence[str]) -> None:
    """Print the table."""
    print(
        "| world | lever | audits | truth, $ | point, $ | bias | log held | process held | width | oracle's, draw | both |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name in names or WORLDS:
        for lever, row in measure(WORLDS[name], audits, seed).items():
            print(row.line(name, lever, audits), flush=True)


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:3]]
    main(*given, *(20, SEED)[len(given) :], sys.argv[3:])
