"""Compare a complete ingest with the least the engine could do: `CREATE TABLE AS` of the same file.

python benchmarks/ingest.py [--requests 100000] [--unique-answers] [--log FILE] [--repeat 3]

Both run in turn in processes of their own, so that a busy machine slows both; the ratios are the finding.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from biglog import write

REFERENCE = """
import duckdb, sys
log, out = sys.argv[1:]
db = duckdb.connect(out, config={"memory_limit": "2GB", "temp_directory": out + ".tmp", "preserve_insertion_order": False})
db.execute("SET enable_progress_bar = false")
db.execute("SET force_compression = 'zstd'")
message = "STRUCT(role VARCHAR, content VARCHAR)"
db.execute(f'''
CREATE TABLE log AS SELECT * FROM read_json(?, format = 'newline_delimited', maximum_object_size = 67108864, columns = {{
  timestamp: 'TIMESTAMP', latency_ms: 'DOUBLE', user_id: 'VARCHAR',
  metadata: 'STRUCT(team VARCHAR, feature VARCHAR, environment VARCHAR)',
  request: 'STRUCT(model VARCHAR, messages {message}[], temperature DOUBLE, max_tokens BIGINT)',
  response: 'STRUCT(id VARCHAR, object VARCHAR, created BIGINT, model VARCHAR, choices STRUCT(index BIGINT, message {message}, finish_reason VARCHAR)[], usage STRUCT(prompt_tokens BIGINT, completion_tokens BIGINT, total_tokens BIGINT, prompt_tokens_details STRUCT(cached_tokens BIGINT, audio_tokens BIGINT), completion_tokens_details STRUCT(reasoning_tokens BIGINT, audio_tokens BIGINT)), service_tier VARCHAR, system_fingerprint VARCHAR)'
}})''', [log])
db.execute("CHECKPOINT")
print(db.execute("SELECT COUNT(*) FROM log").fetchone()[0])
"""
_INGEST = """
import sys
from audit import store, workflows
from audit.ingest import ingest
log, out = sys.argv[1:]
with store.open(out, create=True) as audit_file:
    result = ingest(audit_file, [log])
    workflows.workflows(audit_file)
    audit_file.checkpoint()
print(result.accepted)
"""


@dataclass(slots=True)
class Measured:
    seconds: float
    peak_mb: float
    file_mb: float
    answer: str


def tree_rss(root: int | None = None) -> int:
    """Resident bytes of a process and all below it, from /proc; without one, of all below this process."""
    parents: dict[int, list[int]] = {}
    memory: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(") ", 1)[1].split()
            except (OSError, IndexError):
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
            memory[int(entry.name)] = int(fields[21]) * 4096
    total, waiting = 0, [root] if root else list(parents.get(os.getpid(), []))
    while waiting:
        process = waiting.pop()
        total += memory.get(process, 0)
        waiting.extend(parents.get(process, []))
    return total


def measure(code: str, log: Path, out: Path) -> Measured:
    """Run a script on a log and watch it."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, str(log), str(out)], stdout=subprocess.PIPE, text=True)
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.1):
            peak = max(peak, tree_rss(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    answer, _ = process.communicate()
    seconds = time.perf_counter() - started
    done.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(process.returncode)
    return Measured(seconds, peak / 1e6, out.stat().st_size / 1e6, answer.strip())


def main() -> None:
    """Measure in turn and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--unique-answers", action="store_true")
    parser.add_argument("--log", type=Path, help="an existing log instead of a generated one")
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        log = given.log or Path(folder) / "big.jsonl"
        if given.log is None:
            write(log, given.requests, given.unique_answers)
        print(f"log: {log.stat().st_size / 1e6:.0f} MB")
        ratios = []
        for number in range(given.repeat):
            reference = measure(REFERENCE, log, Path(folder) / f"reference{number}.duckdb")
            ingested = measure(_INGEST, log, Path(folder) / f"audit{number}.duckdb")
            ratios.append(ingested.seconds / reference.seconds)
            for name, each in (("reference", reference), ("ingest", ingested)):
                print(
                    f"{name:10} {each.seconds:7.1f} s  {each.peak_mb:6.0f} MB peak  {each.file_mb:6.0f} MB file  {each.answer}"
                )
            again = measure(_INGEST, log, Path(folder) / f"audit{number}.duckdb")
            print(f"{'again':10} {again.seconds:7.1f} s (process start included)")
            print(
                f"ratio {ratios[-1]:.2f}x time, {ingested.file_mb / reference.file_mb:.2f}x file, "
                f"{log.stat().st_size / 1e6 / ingested.file_mb:.0f}x smaller than the log"
            )
        print(f"median ratio {statistics.median(ratios):.2f}x")


if __name__ == "__main__":
    main()
