"""Is the share of acceptable answers right, and its interval honest: simulated audits, and audits through the CLI.

Run `python -m benchmarks.acceptance [draws] [CLI seeds] [world seed]` (500 draws and 20 seeds take about 20 minutes). It plants logs
of a dear and a cheap model whose right and wrong answers are known (`benchmarks.accepting`), and prints docs/acceptance.md's
tables: how answers are scored against the truth; how often the 90 % interval of a sample of 500 holds the true share of the
log; how wide it is beside an oracle's, which knows how the estimate scatters; the error of dollars beside that of a
simple random sample; and the same intervals where only a judge of known errors or people tell. The CLI is asked for a few worlds against a server on loopback that plays the recorded answers.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from audit.__main__ import run
from audit.deciding import Unit
from audit.deciding.acceptance import acceptable
from audit.deciding.totals import shares
from audit.statistics.distributions import normal_quantile
from audit.statistics.intervals import Interval
from benchmarks.accepting.census import Census, census
from benchmarks.accepting.told import TELLERS
from benchmarks.accepting.worlds import WEAK, WORLDS, World, build

SEED, SAMPLE = 7, 500
TOLD = ("one workflow", "skewed", "mixed")
THROUGH_THE_CLI = ("one workflow", "mixed", "constant")


def scored(found: Census) -> str:
    """Acceptable answers passed, unacceptable ones failed, open, and wrongly decided; in shares of all."""
    states = [found.judged[int(key)].state for key in found.units.prompt_key]
    wrong = sum(
        (state == "passed") != bool(good)
        for state, good in zip(states, found.good, strict=True)
        if state != "undecided"
    )
    left = states.count("undecided")
    return f"{len(states):,} | {100 * found.good.mean():.1f} % | {wrong} | {left}"


def estimates(found: Census, draws: int) -> tuple[dict[str, list[Interval]], dict[str, float], dict[str, float]]:
    """Intervals of many draws by what is counted, the truths, and the mean sample sizes."""
    units, good = found.units, found.good.astype(np.float64)
    made: dict[str, list[Interval]] = {}
    truth: dict[str, float] = {}
    sizes: dict[str, float] = {}
    for seed in range(draws):
        sample = found.sample(SAMPLE, seed)
        groups: dict[int, list[Unit]] = {}
        for unit in sample:
            groups.setdefault(unit.workflow_id, []).append(unit)
        for workflow, part in groups.items():
            name = found.names[workflow]
            made.setdefault(name, []).append(acceptable(part))
            sizes[name] = sizes.get(name, 0.0) + len(part) / draws
        total = shares(sample)
        for name, each in (("requests", total.requests), ("prompts", total.prompts), ("dollars", total.dollars)):
            made.setdefault(f"all: {name}", []).append(each)
            sizes[f"all: {name}"] = SAMPLE
    for workflow, name in found.names.items():
        member = units.workflow_id == workflow
        truth[name] = float(np.average(good[member], weights=units.requests[member]))
    for name, weight in (("requests", units.requests), ("prompts", np.ones(len(units))), ("dollars", units.cost_pico)):
        truth[f"all: {name}"] = float(np.average(good, weights=weight))
    return made, truth, sizes


def random_error(found: Census, draws: int) -> float:
    """Relative root mean square error of acceptable dollars scaled up from simple random samples of prompts."""
    random, cost = np.random.default_rng(SEED), found.units.cost_pico.astype(np.float64)
    total = float((cost * found.good).sum())
    n = min(SAMPLE, len(cost))
    errors = []
    for _ in range(draws):
        rows = random.choice(len(cost), n, replace=False)
        errors.append(len(cost) / n * float((cost * found.good)[rows].sum()) / total - 1)
    return float(np.sqrt(np.mean(np.square(errors))))


def simulate(draws: int, seed: int = SEED) -> None:
    """Tables of scorers, intervals and dollars for every world."""
    scorers, intervals, dollars = [], [], []
    for name in WORLDS:
        with census(name, seed) as found:
            scorers.append(f"| {name} | {scored(found)} |")
            made, truth, sizes = estimates(found, draws)
            for counted, each in sorted(made.items()):
                intervals.append(_interval_row(name, counted, each, truth[counted], sizes[counted]))
            ours = np.array([each.estimate for each in made["all: dollars"]]) / truth["all: dollars"] - 1
            error, theirs = float(np.sqrt(np.mean(ours**2))), random_error(found, draws)
            dollars.append(f"| {name} | {100 * error:.1f} % | {100 * theirs:.1f} % | {error / theirs:.2f} |")
    print("| world | prompts | acceptable | decided wrongly | left open |\n|---|---:|---:|---:|---:|")
    print("\n".join(scorers))
    print(
        "\n| world | counted | n | truth | covered | width | oracle's | ratio |\n|---|---|---:|---:|---:|---:|---:|---:|"
    )
    print("\n".join(intervals))
    print("\n| world | error of dollars | of a simple random sample | ratio |\n|---|---:|---:|---:|")
    print("\n".join(dollars))


def tell(draws: int, seed: int = SEED) -> None:
    """Table of intervals of requests and dollars where a judge or people tell."""
    print(
        "\n| told by | world | counted | truth | covered | width | oracle's | ratio |\n|---|---|---|---:|---:|---:|---:|---:|"
    )
    for name in TOLD:
        with census(name, seed) as found:
            samples = [found.sample(SAMPLE, each) for each in range(draws)]
            good = found.good.astype(np.float64)
            for teller in TELLERS:
                made = [shares(teller.tell(found, sample, place)) for place, sample in enumerate(samples)]
                for counted, weight in (("requests", found.units.requests), ("dollars", found.units.cost_pico)):
                    each = [getattr(one, counted) for one in made]
                    print(
                        _interval_row(teller.name, f"{name} | {counted}", each, float(np.average(good, weights=weight)))
                    )


def _interval_row(world: str, counted: str, found: list[Interval], truth: float, n: float | None = None) -> str:
    known = [each for each in found if not np.isnan(each.estimate)]
    covered = sum(truth in each for each in found) / len(found)
    width = float(np.mean([each.width for each in found]))
    oracle = 2 * normal_quantile(0.95) * float(np.std([each.estimate for each in known]))
    return (
        f"| {world} | {counted} | {'' if n is None else f'{n:.0f} | '}{100 * truth:.1f} % | {100 * covered:.1f} % | {100 * width:.1f} | "
        f"{100 * oracle:.1f} | {width / oracle:.2f} |"
    )


@contextmanager
def served(name: str, seed: int) -> Iterator[None]:
    """A world's answers behind OPENAI_BASE_URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.accepting.serving", name, str(seed), str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        server.stdout.readline()
        os.environ.update(OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1", OPENAI_API_KEY="none")
        yield
    finally:
        server.kill()
        server.wait()


def cli(*arguments: object) -> Any:
    """The JSON document of one command."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        code = run([str(each) for each in (*arguments, "--json")])
    if code:
        raise SystemExit(f"audit {arguments[0]} ended with {code}")
    return json.loads(out.getvalue())


def end_to_end(name: str, seeds: int, world_seed: int = SEED) -> list[str]:
    """Audits of one world through the commands: how many intervals hold the truth, and the verdicts."""
    world = build(WORLDS[name], world_seed)
    held: dict[str, list[bool]] = {}
    widths: dict[str, list[float]] = {}
    words: dict[str, set[str]] = {}
    with TemporaryDirectory() as folder, served(name, world_seed):
        base = Path(folder) / "base.duckdb"
        cli("ingest", world.write(Path(folder)), "--db", base)
        for seed in range(1, seeds + 1):
            path = Path(shutil.copy(base, Path(folder) / "audit.duckdb"))
            document = cli(
                "replay", "--sample", SAMPLE, "--model", WEAK, "--seed", seed, "--yes", "--max-cost", 100, "--db", path
            )
            for label, truth, interval, word in _rows(document, world):
                held.setdefault(label, []).append(interval[0] <= truth <= interval[1])
                widths.setdefault(label, []).append(interval[1] - interval[0])
                words.setdefault(label, set()).add(word)
    return [
        f"| {name} | {label} | {sum(each)} of {len(each)} | {100 * np.mean(widths[label]):.1f} | "
        f"{', '.join(sorted(words[label])).replace('_', ' ')} |"
        for label, each in sorted(held.items())
    ]


def _rows(document: Any, world: World) -> Iterator[tuple[str, float, list[float], str]]:
    (total,) = document["overall"]
    yield "all workflows", world.share(), total["acceptable_by"]["requests"]["interval"], "–"
    known = {workflow for workflow, _, _ in world.truth.values()}
    for row in document["by_candidate"]:
        if row["workflow"] in known:
            yield row["workflow"], world.share(row["workflow"]), row["interval"], row["verdict"]


def main(draws: int, seeds: int, world_seed: int) -> None:
    """Print every table."""
    simulate(draws, world_seed)
    tell(draws, world_seed)
    print("\n| world | workflow | intervals that hold the truth | width | verdicts |\n|---|---|---:|---:|---|")
    for name in THROUGH_THE_CLI if seeds else ():
        print("\n".join(end_to_end(name, seeds, world_seed)), flush=True)


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:4]]
    main(*given, *(500, 20, SEED)[len(given) :])
