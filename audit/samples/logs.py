"""Make the calls of the sample company and write them as log files with their truth."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

from audit.samples.calls import Call
from audit.samples.litellm import payload
from audit.samples.prompt_cache import PromptCache
from audit.samples.timetable import Calendar
from audit.samples.truth import truth
from audit.samples.wire import record
from audit.samples.workflows import agent, backoffice, gateway, growth, platform, search, support
from audit.samples.workflows._desk import Desk

TRUTH_FILE = "truth.json"
_TEAMS: tuple[Callable[[Desk], Iterator[Call]], ...] = (
    support.calls,
    growth.calls,
    search.calls,
    platform.calls,
    agent.calls,
    backoffice.calls,
    gateway.calls,
)


def make_calls(seed: int = 7, days: int = 30) -> list[Call]:
    """Return every call in the order of its start, with ids and the tokens the providers would report.

    The days end on 2026-11-14 whatever their number; raises ValueError for less than one day.
    """
    desk = Desk(seed, Calendar(days))
    calls = sorted((call for team in _TEAMS for call in team(desk)), key=lambda c: (c.started_ms, c.source, c.workflow))
    cache = PromptCache(seed)
    for index, call in enumerate(calls):
        call.request_id = "req_" + blake2b(f"{seed}/{index}".encode(), digest_size=9).hexdigest()
        cache.fill(call)
    return calls


def generate(out: Path, seed: int = 7, days: int = 30) -> list[Path]:
    """Write one gzip JSONL file per source and `truth.json` into a folder; return their paths.

    The same seed and days give the same bytes (for one version of zlib).
    """
    calls = make_calls(seed, days)
    out.mkdir(parents=True, exist_ok=True)
    paths = [_write_source(out, source, calls) for source in sorted({call.source for call in calls})]
    target = out / TRUTH_FILE
    target.write_text(json.dumps(truth(calls, seed, days), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return [*paths, target]


def _write_source(out: Path, source: str, calls: list[Call]) -> Path:
    path = out / f"{source}.jsonl.gz"
    lines = "".join(_line(call) for call in calls if call.source == source)
    path.write_bytes(gzip.compress(lines.encode(), compresslevel=9, mtime=0))
    return path


def _line(call: Call) -> str:
    row: dict[str, Any] = payload(call) if call.shape == "litellm" else record(call)
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
