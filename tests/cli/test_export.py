"""The FOCUS export: every dollar of the summary, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest


def test_exported_dollars_are_the_summarised_ones(audit: Any, sample_db: Path, tmp_path: Path) -> None:
    total = audit("summary", "--json", "--db", sample_db).document["cost_usd"]
    assert audit("export", tmp_path / "focus.csv", "--db", sample_db).code == 0
    assert audit("export", tmp_path / "focus.parquet", "--db", sample_db).code == 0
    with (tmp_path / "focus.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(sum(Decimal(row["BilledCost"]) for row in rows)) == pytest.approx(total, abs=1e-9)
    frame = pl.read_parquet(tmp_path / "focus.parquet")
    assert float(frame["BilledCost"].sum()) == pytest.approx(total, abs=1e-9)
    assert all(row["ChargePeriodStart"] < row["ChargePeriodEnd"] <= row["BillingPeriodEnd"] for row in rows)
    assert {row["BillingCurrency"] for row in rows} == {"USD"}


def test_formulas_are_made_inert(audit: Any, tmp_path: Path) -> None:
    record = (
        '{"timestamp":"2026-10-05T08:00:00Z","metadata":{"team":"=cmd()"},"request":{"model":"gpt-4o-mini","messages":'
        '[{"role":"user","content":"x"}]},"response":{"id":"chatcmpl-1","object":"chat.completion","model":'
        '"gpt-4o-mini","choices":[{"message":{"role":"assistant","content":"y"}}],"usage":{"prompt_tokens":10,'
        '"completion_tokens":2}},"user_id":"u"}'
    )
    (tmp_path / "log.jsonl").write_text(record.replace('"=cmd()"', '"=cmd()","feature":"=1+1"'), encoding="utf-8")
    assert audit("ingest", tmp_path / "log.jsonl", "--db", tmp_path / "a.duckdb").code == 0
    assert audit("export", tmp_path / "focus.csv", "--db", tmp_path / "a.duckdb").code == 0
    with (tmp_path / "focus.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    assert audit("export", tmp_path / "focus.xlsx", "--db", tmp_path / "a.duckdb").code == 2
