"""Are the dollars of a savings plan right after a replay: each lever and the joint total against logs whose truth is known.

Run `python -m benchmarks.saving [audits] [seed] [world …]` (20 audits of every world take about 25 minutes of processor
time). Each audit is a new log of the world and a new draw, through the commands: ingest, replay against recorded answers,
route, savings. Printed for each lever: what was on offer, the mean truth, the bias of the point in shares of it; how often the
90 % interval of the draw alone holds what this very log would have saved, how wide it is (in shares of the truth) and how wide
an oracle's is, which knows how the draw scatters the point around the truth (3.29 standard deviations); how often the printed
interval, which allows for other days as well, holds that, and the mean of all logs (where all were offered the same).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from audit.statistics.distributions import normal_quantile
from benchmarks.acceptance import cli
from benchmarks.spending.flows import WEAK, Flow, Log, build
from benchmarks.spending.playing import played
from benchmarks.spending.truth import Plan, truth

SAMPLE, LARGE, SEED = 500, 1500, 20261129
"""Prompts a replay draws: of one or two workflows, and of the four of `joint`."""

WORLDS: dict[str, tuple[Flow, ...]] = {
    "even": (Flow("parcels", 1500), Flow("returns", 900, verbose=2.0)),
    "skewed": (Flow("parcels", 1500, spread=1.4, verbose=1.5, growth=-0.3), Flow("returns", 900, spread=1.4, verbose=4.0)),
    "repeated": (Flow("parcels", 1200, repeats=6.0, verbose=2.0, heads=8.0),),
    "by length": (Flow("parcels", 2400, cue="length", spread=0.6),),
    "by words": (Flow("parcels", 2400, cue="words", spread=0.8, verbose=3.0),),
    "cascade": (Flow("parcels", 2400, cue="form", bad=0.3, spread=0.8, verbose=3.0),),
    "variant": (Flow("parcels", 2400, cue="words", bad=1.0, spread=0.8, brief=0.5),),
    "trimmed": (Flow("parcels", 1500, noticed=True, spread=0.8, verbose=3.0),),
    "filtered": (Flow("parcels", 1200, spread=0.8, verbose=3.0), Flow("checks", 1300, pings=True)),
    "joint": (
        Flow("parcels", 900, repeats=6.0, verbose=2.0, heads=8.0), Flow("notices", 600, noticed=True, spread=0.8, verbose=3.0),
        Flow("orders", 1000, cue="form", bad=0.3, verbose=3.0),
        Flow("contracts", 900, cue="words", bad=1.0, spread=0.8, brief=0.5),
    ),
}  # fmt: skip


@dataclass(slots=True)
class Row:
    """One figure of a world over all audits, in USD: truths, points, intervals of a period like the log's and of this
    very log (none of a lever alone). `offered` is what was on offer in each audit.
    """

    truths: list[float] = field(default_factory=list)
    points: list[float] = field(default_factory=list)
    printed: list[Sequence[float]] = field(default_factory=list)
    drawn: list[Sequence[float]] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)

    def add(self, offered: str, real: float, point: float, found: Mapping[str, Any]) -> None:
        """Take the figures of one audit; `found` has the intervals."""
        self.offered.append(offered)
        self.truths.append(real)
        self.points.append(point)
        if found:
            self.printed.append(found["interval_usd"])
            self.drawn.append(found["log_interval_usd"])

    def line(self, world: str, name: str, audits: int) -> str:
        """As a row of the table."""
        real, point = np.array(self.truths), np.array(self.points)
        mean = float(real.mean())
        oracle = 2 * normal_quantile(0.95) * float(np.std(point - real)) / mean
        bias = f"{100 * (point.mean() / mean - 1):+.2f} %"
        about = world, name, ", ".join(sorted(set(self.offered))), f"{len(real)} of {audits}", f"{mean:.4f}", bias
        if not self.drawn:
            return f"| {' | '.join((*about, '–', '–', '–', f'{100 * oracle:.1f} %', '–', '–', '–'))} |"
        width, steady = _width(self.drawn) / mean, len(set(self.offered)) == 1
        cells = (
            *about, _held(self.drawn, real), f"{100 * width:.1f} %", f"{width / oracle:.2f}" if oracle > 1e-4 else "–",
            f"{100 * oracle:.1f} %", _held(self.printed, real),
            _held(self.printed, np.full(len(real), mean)) if steady else "–", f"{100 * _width(self.printed) / mean:.1f} %",
        )  # fmt: skip
        return f"| {' | '.join(cells)} |"


def _held(intervals: Sequence[Sequence[float]], real: np.ndarray) -> str:
    rounding = 1e-4
    pairs = zip(intervals, real.tolist(), strict=True)
    return str(sum(low - rounding * truth <= truth <= high + rounding * truth for (low, high), truth in pairs))


def _width(intervals: Sequence[Sequence[float]]) -> float:
    return float(np.mean([high - low for low, high in intervals]))


def audit(folder: Path, log: Log, seed: int) -> tuple[Any, Plan]:
    """The savings document of one audit through the commands, and the plan it offers."""
    log.write(folder)
    flows = {call.prompt.flow for call in log.calls}
    path = folder / "audit.duckdb"
    places = "--db", path, "--config", folder / "audit.toml"
    cli("ingest", folder / "log.jsonl", *places)
    asked = "--sample", SAMPLE if len(flows) < 3 else LARGE, "--seed", seed, "--no-floor", "--yes", *places
    cli("replay", "--model", f"earlier/{WEAK}", *asked)
    for flow in sorted(each.name for each in flows if each.brief):
        with played(log):
            cli("replay", "--variant", "concise", "--workflow", flow, *asked)
    routes = cli("route", "-o", folder / "routes.json", *places)["routes"]
    return cli("savings", *places), Plan.of(path, routes)


def measure(flows: Sequence[Flow], audits: int, seed: int) -> dict[str, Row]:
    """Every figure of a world."""
    rows: dict[str, Row] = {}
    for number in range(audits):
        log = build(tuple(flows), seed + number)
        with TemporaryDirectory() as folder:
            document, plan = audit(Path(folder), log, 1 + number)
        known = truth(log, plan)
        levers = {each["name"]: each for each in document["levers"]}
        if abs(document["baseline"]["cost_usd"] - known.baseline) > 1e-6 * known.baseline:
            raise SystemExit("the log is priced otherwise than it was planted")
        for name, step in known.steps.items():
            lever, offered = levers[name], plan.steps if name == "routing" else ""
            if abs(step - known.alone[name]) > 1e-9:
                rows.setdefault(f"{name}, alone", Row()).add(offered, known.alone[name], lever["alone_usd"] or 0.0, {})
            rows.setdefault(name, Row()).add(offered, step, lever["attributed_usd"], lever)
        joint = document["joint"]
        rows.setdefault("joint", Row()).add("", sum(known.steps.values()), joint["saving_usd"], joint)
    return rows


def main(audits: int, seed: int, names: Sequence[str]) -> None:
    """Print the table."""
    print(
        "| world | lever | on offer | audits | truth, $ | bias | draw held | its width | of an oracle's | oracle's | "
        "held | period held | width |\n|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    for name in names or WORLDS:
        for lever, row in measure(WORLDS[name], audits, seed).items():
            print(row.line(name, lever, audits), flush=True)


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:3]]
    main(*given, *(20, SEED)[len(given) :], sys.argv[3:])
