"""Are the dollars of a savings plan right after a replay: each lever and the joint total against logs whose truth is known.

Run `python -m benchmarks.saving [logs] [seed] [world …]` (five logs of every world, 40 audits each, take about 35 minutes of
processor time). Each audit is a draw of its own on one of the logs, through the commands: ingest, replay against recorded
answers, route, savings. Printed for each lever: what was on offer, the mean truth, the bias of the point in shares of it; how often the
90 % interval of the draw alone holds what this very log would have saved, how wide it is (in shares of the truth) and how wide
an oracle's is, which knows how the draw scatters the point around the truth (3.29 standard deviations); how often the printed
interval, which allows for other days as well, holds that, and the mean of all logs (where all were offered the same).
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from audit.statistics.distributions import normal_quantile
from benchmarks.acceptance import cli
from benchmarks.spending.caching import Answered, answered
from benchmarks.spending.flows import WEAK, Flow, Log, build
from benchmarks.spending.playing import played
from benchmarks.spending.truth import Plan, Truth, truth

DRAWS = 8
"""Audits of each log, with a draw of their own."""

SAMPLE, LARGE, SEED = 500, 1500, 20261129
"""Prompts a replay draws, and in the worlds of several levers behind one another."""

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
    "wordings": (Flow("desk", 2200, spread=0.8, verbose=3.0, asked="alike"),),
    "wordings, traps": (Flow("desk", 2400, spread=0.8, verbose=3.0, asked="alike", traps=0.3), Flow("parcels", 600)),
    "wordings apart": (Flow("desk", 2000, spread=0.8, verbose=3.0, asked="apart"), Flow("parcels", 600)),
    "joint cascade": (
        Flow("orders", 1400, cue="form", bad=0.3, repeats=4.0, most=3, noticed=True, spread=0.8, verbose=3.0),
        Flow("desk", 1400, spread=0.6, verbose=2.0, asked="alike"),
    ),
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


def audits(folder: Path, log: Log, draws: int, sample: int) -> Iterator[tuple[Any, Plan, Answered]]:
    """The savings documents of one log, one for each draw of prompts, the plans they offer, and what caches answer.

    Everything goes through the commands; what a draw does not change (ingest, which questions are alike) is done once.
    """
    log.write(folder)
    flows = {call.prompt.flow for call in log.calls}
    read, path = folder / "read.duckdb", folder / "audit.duckdb"
    cli("ingest", folder / "log.jsonl", "--db", read)
    cli("savings", "--db", read)
    caches = answered(read, log) if any(flow.asked for flow in flows) else Answered()
    for seed in range(1, 1 + draws):
        shutil.copy(read, path)
        places = "--db", path, "--config", folder / "audit.toml"
        asked = "--sample", sample, "--seed", seed, "--no-floor", "--yes", *places
        cli("replay", "--model", f"earlier/{WEAK}", *asked)
        for flow in sorted(each.name for each in flows if each.brief):
            with played(log):
                cli("replay", "--variant", "concise", "--workflow", flow, *asked)
        routes = cli("route", "-o", folder / "routes.json", *places)["routes"]
        yield cli("savings", *places), Plan.of(path, routes), caches


def measure(name: str, logs: int, seed: int) -> tuple[dict[str, Row], list[Answered]]:
    """Every figure of a world, and what caches answered in each log."""
    rows: dict[str, Row] = {}
    found: list[Answered] = []
    sample = LARGE if "joint" in name else SAMPLE
    for number in range(logs):
        log = build(WORLDS[name], seed + number)
        with TemporaryDirectory() as folder:
            for document, plan, caches in audits(Path(folder), log, DRAWS, sample):
                _add(rows, document, plan, truth(log, plan, caches.calls))
            found.append(caches)
    return rows, found


def _add(rows: dict[str, Row], document: Any, plan: Plan, known: Truth) -> None:
    levers = {each["name"]: each for each in document["levers"]}
    if abs(document["baseline"]["cost_usd"] - known.baseline) > 1e-6 * known.baseline:
        raise SystemExit("the log is priced otherwise than it was planted")
    for name, step in known.steps.items():
        lever, offered = levers[name], plan.steps if name == "routing" else ""
        if abs(step - known.alone.get(name, step)) > 1e-9:
            rows.setdefault(f"{name}, alone", Row()).add(offered, known.alone[name], lever["alone_usd"] or 0.0, {})
        rows.setdefault(name, Row()).add(offered, step, lever["attributed_usd"], lever)
    joint = document["joint"]
    rows.setdefault("joint", Row()).add("", sum(known.steps.values()), joint["saving_usd"], joint)


def main(logs: int, seed: int, names: Sequence[str]) -> None:
    """Print the table."""
    print(
        "| world | lever | on offer | audits | truth, $ | bias | draw held | its width | of an oracle's | oracle's | "
        "held | period held | width |\n|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    for name in names or WORLDS:
        rows, caches = measure(name, logs, seed)
        for lever, row in rows.items():
            if any(row.truths):
                print(row.line(name, lever, logs * DRAWS), flush=True)
        if any(each.calls for each in caches):
            served, wrong = sum(each.served for each in caches), sum(each.wrong for each in caches)
            certified = sum(each.served > 0 for each in caches)
            print(
                f"{name}: certified in {certified} of {logs} logs, {served} requests served, {wrong} wrongly",
                flush=True,
            )


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:3]]
    main(*given, *(5, SEED)[len(given) :], sys.argv[3:])
