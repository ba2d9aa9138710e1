"""What a log cannot show: dollars per lever, per missing field, and the setting that would log it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit.__main__ import run

PRICED = {
    "model": "gpt-5-mini",
    "usage": {"prompt_tokens": 1_000_000, "completion_tokens": 0, "total_tokens": 1_000_000},
}
MESSAGES = {"messages": [{"role": "user", "content": "When do you open?"}], "response": "At nine."}


def _ingest(tmp_path: Path, capsys: pytest.CaptureFixture[str], *records: dict[str, Any]) -> dict[str, Any]:
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps({"id": f"r{n}", **record}) + "\n" for n, record in enumerate(records)))
    assert run(["ingest", str(log), "--db", str(tmp_path / "a.duckdb"), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)["coverage"]
    return found


def _by_name(rows: list[dict[str, Any]], key: str = "name") -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in rows}


def test_each_lever_says_the_dollars_it_cannot_be_measured_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # gpt-5-mini: $0.25 per million input tokens
    found = _ingest(
        tmp_path,
        capsys,
        {**PRICED, **MESSAGES, "timestamp": "2026-11-01T10:00:00Z"},
        {**PRICED, **MESSAGES, "timestamp": "2026-11-02T10:00:00Z", "question": 2},
        {**PRICED, "timestamp": "2026-11-03T10:00:00Z"},
    )
    assert found["requests"] == 3
    assert found["cost_usd"] == pytest.approx(0.75)
    levers = _by_name(found["levers"])
    cache = levers["exact_cache"]
    assert (cache["requests"], cache["cost_usd"], cache["lacking"], cache["blocked"]) == (1, 0.25, ["text"], None)
    # a lever that reads no text is measured on all three
    assert "filtered" not in levers
    # a lever blocked by what the whole log lacks is blocked for every dollar, and says by what
    assert levers["batch"]["cost_usd"] == pytest.approx(0.75)
    assert "tag" in levers["batch"]["blocked"]
    # a lever for calls this log does not hold leaves nothing unmeasured
    assert "embedding_reuse" not in levers


def test_the_setting_of_the_very_log_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = _ingest(tmp_path, capsys, {**PRICED, "timestamp": "2026-11-03T10:00:00Z"})
    text = _by_name(found["lacking"], "field")["text"]
    assert (text["reader"], text["requests"], text["cost_usd"]) == ("flat", 1, 0.25)
    assert text["unlock"] == "log the request's messages and the answer beside the counts"


def test_an_unpriced_request_is_counted_and_not_called_free(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps({**PRICED, "id": "x", "model": "house-model", "timestamp": "2026-11-03T10:00:00Z"}))
    db = str(tmp_path / "a.duckdb")
    assert run(["ingest", str(log), "--db", db]) == 0
    out = capsys.readouterr().out
    assert "1 unpriced request: without a price" in out
    assert "[[contract]]" in out
    assert "$0.00" not in out


def test_days_of_log_are_held_against_what_each_statement_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [{**PRICED, "timestamp": f"2026-11-{day:02d}T10:00:00Z"} for day in range(1, 7)]
    found = _ingest(tmp_path, capsys, *days)
    assert found["days_with_requests"] == 6
    assert {each["days"]: each["enough"] for each in found["statements"]} == {
        1: True, 2: True, 5: True, 7: False, 14: False,
    }  # fmt: skip
