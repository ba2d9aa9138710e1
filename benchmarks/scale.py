"""How cost and memory grow with the log: the same commands on one log and on many times as much, in one run.

python benchmarks/scale.py [--requests 1000000] [--files 10] [--cached] [--folder DIR]

An audit file is grown by one log after another, so that no more than one log lies on the disk. After the first and after
the last every reading command runs. Findings are the ratios: processor seconds of the last ingest to the first (what it
costs to append), those of each command per request, and peak memory of processes and their children.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

from analyses import Spent, analyses, spend
from biglog import write
from ingest import tree_rss

_DAYS = 30
"""How far apart in time the logs lie."""


def ingest(log: Path, db: Path) -> Spent:
    """Read a log into an audit file; the peak is that of the command and its workers together."""
    peak, done = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.1):
            peak = max(peak, tree_rss())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        spent = spend([sys.executable, "-m", "audit", "ingest", str(log), "--db", str(db)])
    finally:
        done.set()
        watcher.join()
    return replace(spent, peak_mb=peak / 1e6)


def _print(name: str, first: Spent, last: Spent, times: int) -> None:
    print(
        f"{name:12} {first.cpu:8.1f} s  {last.cpu:8.1f} s CPU  {last.cpu / (first.cpu * times):5.2f}x per request"
        f"  {first.peak_mb:6.0f} MB  {last.peak_mb:6.0f} MB peak  {last.peak_mb / first.peak_mb:5.2f}x",
        flush=True,
    )


def main() -> None:
    """Parse arguments, grow, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_000_000, help="of each log")
    parser.add_argument("--files", type=int, default=10, help="logs that are read one after another")
    parser.add_argument("--cached", action="store_true", help="long system prompts, read from the provider's cache")
    parser.add_argument("--folder", type=Path, help="where the log and the audit file go, instead of a temporary one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        db, log = Path(folder) / "audit.duckdb", Path(folder) / "log.jsonl"
        read: list[Spent] = []
        first: dict[str, Spent] = {}
        for number in range(given.files):
            size = write(log, given.requests, True, number * _DAYS, cached=given.cached)
            read.append(ingest(log, db))
            log.unlink()
            print(
                f"log {number + 1:3}: {size / 1e6:.0f} MB  {read[-1].cpu:7.1f} s CPU  {read[-1].wall:7.1f} s wall"
                f"  {read[-1].peak_mb:6.0f} MB peak  audit file {db.stat().st_size / 1e6:.0f} MB",
                flush=True,
            )
            first = first or analyses(db)
        print(f"\n{given.requests:,} requests, then {given.requests * given.files:,}")
        _print("ingest", read[0], read[-1], 1)
        for name, each in analyses(db).items():
            _print(name, first[name], each, given.files)


if __name__ == "__main__":
    main()
