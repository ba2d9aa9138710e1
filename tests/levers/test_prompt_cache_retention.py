"""Advice fits the provider, and nobody is told to do what the requests already do."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from caching import Log, system, user

from audit.ingest import ingest
from audit.levers import prompt_cache
from audit.projection.bench import Bench, settings_of
from audit.promptcache import traffic
from audit.promptcache.calibration import models_of
from audit.store import open as open_store
from benchmarks.detecting.caches import openai_record

HOUR = 3600


def said(log: Log) -> list[str]:
    lever = prompt_cache.LEVER
    bench = Bench(log.store, settings_of([lever], {}), 0)
    bench.start()
    bench.apply(lever)
    assert lever.findings
    return lever.findings(log.store, lever.settings)


def hourly(retained: bool) -> Log:
    log = Log()
    for number in range(40):
        request = log.call(number * HOUR, [system("static", 3000), user(f"question {number}", 200)], "auto")
        if retained:
            log.rows["segment"][-1]["cache_ttl"] = "24h"
            assert log.rows["segment"][-1]["request_id"] == request
    return log


def test_retention_is_advised_only_where_it_is_not_asked_for() -> None:
    assert any("24 hours" in line for line in said(hourly(retained=False)))
    assert not any("24 hours" in line for line in said(hourly(retained=True)))


def test_retention_of_a_request_is_read_from_its_body(tmp_path: Path) -> None:
    long = [("system", "rule " * 3000), ("user", "hello")]
    records: list[dict[str, Any]] = [
        openai_record(number, number * HOUR, "gpt-5.1-2025-11-13", long, 3_010, 2_944 if number else 0)
        for number in range(3)
    ]
    for record in records:
        record["request"]["prompt_cache_retention"] = "24h"
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(map(json.dumps, records)))
    with open_store(tmp_path / "audit.duckdb", create=True) as store:
        ingest(store, [log], workers=1)
        assert traffic(store).retained.all()
        (model,) = models_of(store)
    assert model.predicted == model.billed == 2 * 2_944


def test_claude_gets_no_advice_for_another_provider() -> None:
    log = Log()
    for number in range(60):
        parts = [system(f"clock {number}", 20), system("static", 3000, "5m"), user("hi", 20)]
        log.call(number * 10, parts, "marked", short=3020)
    found = said(log)
    assert any("leave out cache_control" in line for line in found)
    assert not any("prompt_cache" in line for line in found)
