"""What no single record can tell: moments far outside the log, the unit of a gateway's costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.ingest import IngestResult
from audit.ingest.hindsight import forget_future
from audit.store import Store
from tests.ingest.logs import pair, write

Read = Callable[..., IngestResult]


def at(number: int, timestamp: Any) -> dict[str, Any]:
    record = {**pair(number), "timestamp": timestamp}
    record["response"].pop("created", None)
    return record


def in_years(years: int) -> str:
    return (datetime.now(UTC) + timedelta(days=365 * years)).isoformat()


NEVER = {
    "epoch": "1970-01-01T00:00:00Z",
    "zero": 0.0,
    "a day": 86_400,
    "long ago": "2001-09-09T01:46:40Z",
    "year one": "0001-01-01T00:00:00Z",
    "years ahead": in_years(9),
    "end of time": "9999-12-31T23:59:59Z",
    "no time": "soon",
}


@pytest.mark.parametrize("moment", NEVER.values(), ids=NEVER)
def test_a_time_that_cannot_be_is_no_part_of_the_period(moment: Any, store: Store, read: Read, tmp_path: Path) -> None:
    result = read(
        write(tmp_path / "a.jsonl", [at(1, "2026-09-01T10:00:00Z"), at(2, "2026-09-02T10:00:00Z"), at(3, moment)])
    )
    assert (result.accepted, result.implausible_times) == (3, 1)
    (row,) = store.rows("SELECT COUNT(*) AS calls, MAX(day) - MIN(day) + 1 AS days, COUNT(day) AS dated FROM request")
    assert row == {"calls": 3, "days": 2, "dated": 2}
    (flags,) = store.rows("SELECT flags FROM request WHERE started_at_us IS NULL")
    assert "implausible_time" in json.loads(flags["flags"])
    # it was made, so it is paid for
    assert store.value("SELECT COUNT(*) FROM charge WHERE cost_pico > 0") == 6


def test_the_body_tells_the_time_where_the_record_cannot(store: Store, read: Read, tmp_path: Path) -> None:
    record = {**pair(1), "timestamp": "1970-01-01T00:00:00Z"}
    record["response"]["created"] = 1_788_256_800
    assert read(write(tmp_path / "a.jsonl", [record])).implausible_times == 0
    assert store.value("SELECT started_at_us FROM request") == 1_788_256_800_000_000


def test_a_log_of_another_clock_keeps_its_times(store: Store, read: Read, tmp_path: Path) -> None:
    read(write(tmp_path / "a.jsonl", [at(number, in_years(3)) for number in range(3)]))
    assert store.value("SELECT COUNT(day) FROM request") == 3


def test_the_future_is_judged_by_the_clock(store: Store, read: Read, tmp_path: Path) -> None:
    days = [f"2026-09-0{day}T10:00:00Z" for day in range(1, 8)]
    read(write(tmp_path / "a.jsonl", [at(number, day) for number, day in enumerate(days)]))
    forget_future(store, now_us=round(datetime(2026, 9, 3, 12, tzinfo=UTC).timestamp() * 1e6))
    assert store.value("SELECT COUNT(day) FROM request") == 5


def portkey(number: int, cost: float | str, model: str = "gpt-4o-mini", currency: str | None = "USD") -> dict[str, Any]:
    return {"id": f"pk-{number}", "created_at": "2026-09-01 10:00:00", "ai_org": "openai", "ai_model": model,
            "req_units": 1000 + number, "res_units": 100, "is_success": True, "response_status_code": 200, "cost": cost,
            "cost_currency": currency}  # fmt: skip


# 1000 × $0.15 + 100 × $0.60 a million
LISTED = 0.00021


@pytest.mark.parametrize(("factor", "flag"), [(1, "cost_unit_dollars"), (100, "cost_unit_cents")])
def test_the_unit_of_a_gateways_cost_is_told_by_the_price_table(
    factor: int, flag: str, store: Store, read: Read, tmp_path: Path
) -> None:
    known = [portkey(number, LISTED * factor) for number in range(5)]
    read(write(tmp_path / "a.jsonl", [*known, portkey(9, 0.03 * factor, model="house-model")]))
    rows = store.rows("SELECT logged_cost_pico, flags FROM request ORDER BY line")
    assert [row["logged_cost_pico"] for row in rows] == [210_000_000] * 5 + [30_000_000_000]
    assert all(flag in row["flags"] for row in rows)
    # the table has no word on the last one, so the gateway's stands
    spent = store.value("SELECT SUM(cost_pico) FROM charge WHERE request_id = 6")
    assert spent == 30_000_000_000


@pytest.mark.parametrize(
    "records",
    [
        [portkey(1, 0.5, model="house-model")],
        [portkey(1, LISTED), portkey(2, LISTED * 100)],
        [portkey(1, LISTED * 15)],
        [portkey(1, LISTED, currency="EUR")],
    ],
    ids=["no price", "they disagree", "neither unit", "another currency"],
)
def test_a_cost_of_no_known_unit_stays_out(
    records: list[dict[str, Any]], store: Store, read: Read, tmp_path: Path
) -> None:
    read(write(tmp_path / "a.jsonl", records))
    assert store.value("SELECT COUNT(logged_cost_pico) FROM request") == 0
    assert "cost_unit_unknown" in store.value("SELECT flags FROM request WHERE request_id = 1")
