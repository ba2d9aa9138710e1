"""What every reading command costs on a large log: CPU seconds and peak memory, each in a process of its own.

python benchmarks/analyses.py [--requests 200000] [--db EXISTING.duckdb] [--cached]

The reference is the least the engine could do with the same log, `CREATE TABLE AS` (benchmarks/ingest.py), measured in
the same run; ratios of CPU time are the finding, because a busy machine slows both. With --db there is no reference.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from biglog import write
from ingest import REFERENCE

COMMANDS = (
    ("summary", "--json"), ("duplicates", "--json"), ("outliers", "--json"), ("workflows", "--json"),
    ("outcomes", "--json"), ("check", "--json"), ("savings", "--json"), ("report", "-o", os.devnull),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of processor (user and system, all threads), seconds of wall clock, and the largest resident set."""

    cpu: float
    wall: float
    peak_mb: float


def spend(command: list[str]) -> Spent:
    """Run a command to its end; exits when it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read() if process.stderr else b""
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}\n{said.decode(errors='replace')}")
    return Spent(used.ru_utime + used.ru_stime, time.perf_counter() - started, used.ru_maxrss / 1000)


def analyses(db: Path) -> dict[str, Spent]:
    """What each reading command costs on an audit file."""
    return {
        command[0]: spend([sys.executable, "-m", "audit", *command, "--db", str(db)]) for command in COMMANDS
    }  # fmt: skip


def _print(name: str, each: Spent, reference: Spent | None) -> None:
    ratio = f"  {each.cpu / reference.cpu:6.2f}x" if reference else ""
    print(f"{name:12} {each.cpu:7.1f} s CPU  {each.wall:7.1f} s wall  {each.peak_mb:6.0f} MB peak{ratio}", flush=True)


def main() -> None:
    """Parse arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--db", type=Path, help="an audit file to measure on, instead of a generated log")
    parser.add_argument("--cached", action="store_true", help="long system prompts, read from the provider's cache")
    given = parser.parse_args()
    if given.db:
        for name, each in analyses(given.db).items():
            _print(name, each, None)
        return
    with tempfile.TemporaryDirectory() as folder:
        log, db = Path(folder) / "big.jsonl", Path(folder) / "audit.duckdb"
        print(f"log: {write(log, given.requests, unique_answers=True, cached=given.cached) / 1e6:.0f} MB")
        reference = spend([sys.executable, "-c", REFERENCE, str(log), str(Path(folder) / "reference.duckdb")])
        _print("reference", reference, None)
        spend([sys.executable, "-m", "audit", "ingest", str(log), "--db", str(db)])
        log.unlink()
        for name, each in analyses(db).items():
            _print(name, each, reference)


if __name__ == "__main__":
    main()
