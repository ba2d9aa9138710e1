"""What the terminal says: each thing once, in the right number, and every command takes the same common flags."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import typer.main

from audit.cli import app


def record(number: int, model: str = "gpt-4o-mini") -> str:
    return json.dumps({
        "timestamp": f"2026-10-{5 + number % 20:02}T08:00:00Z",
        "request": {"model": model, "messages": [{"role": "user", "content": f"question {number}"}]},
        "response": {
            "id": f"chatcmpl-{number}", "object": "chat.completion", "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
        },
    })  # fmt: skip


@pytest.fixture
def made(audit: Any, tmp_path: Path) -> Any:
    """Make an audit file of records."""

    def make(*records: str) -> Path:
        log, database = tmp_path / "log.jsonl", tmp_path / "a.duckdb"
        log.write_text("\n".join(records), encoding="utf-8")
        assert audit("ingest", log, "--db", database).code == 0
        return database

    return make


def test_every_command_on_an_audit_file_takes_a_configuration() -> None:
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        flags = {flag for parameter in command.params for flag in parameter.opts}
        assert "--db" not in flags or "--config" in flags, name


@pytest.mark.parametrize("command", ["summary", "duplicates", "outliers", "doctor"])
def test_a_wrong_configuration_is_said_by_every_command(audit: Any, made: Any, tmp_path: Path, command: str) -> None:
    config = tmp_path / "audit.toml"
    config.write_text("[replya]\n", encoding="utf-8")
    ran = audit(command, "--db", made(record(1)), "--config", config)
    assert ran.code == 2
    assert "unknown key 'replya'" in ran.err


def test_models_without_a_price_are_one_line(audit: Any, made: Any) -> None:
    database = made(*(record(number, f"house-{number:02}") for number in range(22)))
    ran = audit("summary", "--db", database)
    lines = [line for line in ran.err.splitlines() if "no price" in line]
    assert len(lines) == 1
    assert "no price for 22 models (house-" in lines[0]
    assert "22 requests left out" in lines[0]


def test_an_export_holds_what_has_no_price_with_its_quantity(audit: Any, made: Any, tmp_path: Path) -> None:
    database = made(record(1), record(2, "house-model"), record(3, "house-model"))
    ran = audit("export", tmp_path / "focus.csv", "--db", database)
    assert ran.code == 0
    assert "2 requests without a price" in ran.err
    with (tmp_path / "focus.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    unpriced = [row for row in rows if row["x_Model"] == "house-model"]
    assert sorted((row["SkuMeter"], row["ConsumedQuantity"], row["x_Requests"]) for row in unpriced) == [
        ("input", "10", "1"), ("input", "10", "1"), ("output", "2", "1"), ("output", "2", "1"),
    ]  # fmt: skip
    costs = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "ListUnitPrice", "ContractedUnitPrice")
    assert {row[name] for row in unpriced for name in costs} == {""}
    assert all(row["BilledCost"] for row in rows if row["x_Model"] != "house-model")
    assert audit("export", tmp_path / "focus.parquet", "--db", database).code == 0


def test_no_outlier_is_a_sentence(audit: Any, made: Any) -> None:
    assert audit("outliers", "--db", made(record(1))).out == "No prompt or answer is far longer than its workflow's.\n"


def test_one_is_singular(audit: Any, made: Any, tmp_path: Path) -> None:
    database = made(record(1))
    assert audit("report", "--db", database, "-o", tmp_path / "r.html").code == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "1 request cost" in page
    assert "1 requests" not in page
    assert "1 levers" not in page


def test_a_limit_that_does_not_exist_is_answered_with_those_that_do(audit: Any, made: Any) -> None:
    ran = audit("check", "--db", made(record(1)), "--limit", "foo=1")
    assert ran.code == 2
    assert "--limit 'foo=1': there is no such limit" in ran.err
    assert "day_usd" in ran.err
    assert "workflow" not in ran.err


def test_a_breach_is_said_once(audit: Any, sample_db: Path) -> None:
    ran = audit("check", "--db", sample_db, "--limit", "total_usd=1", "--limit", "rise=0.01")
    assert ran.code == 3
    said = [line.removeprefix("over: ").strip() for line in ran.out.splitlines() if line.strip()]
    assert len(said) == len(set(said))
    assert ran.err == "error: 2 of 2 limits do not hold\n"


def test_a_report_folds_what_was_looked_for_and_not_found(made: Any, audit: Any, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert audit("report", "--db", made(*map(record, range(9))), "-o", page).code == 0
    told = page.read_text(encoding="utf-8")
    assert "no lever would have saved anything on this log" in told
    assert "0 levers" not in told
    folded = told.index("<summary>Looked for and found nothing: ")
    assert "Client retries and double sends" not in told[:folded]
    assert "Client retries and double sends" in told[folded:]


def test_tables_by_day_show_the_newest_and_say_how_many_came_before(made: Any, audit: Any) -> None:
    told = audit("summary", "--db", made(*map(record, range(20)))).out
    days = told[told.index("Spend by day") : told.index("Spend by kind")]
    assert "2026-10-05" not in days
    assert "2026-10-24" in days
    assert "and 6 before (--json has all)" in days
