"""What a record does not tell: a cost nobody can read, a model nobody named, a moment that can't be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.ingest import IngestResult
from audit.store import Store
from tests.ingest.logs import litellm, pair, write

Read = Callable[..., IngestResult]


@pytest.mark.parametrize(
    ("cell", "dollars", "flag"),
    [
        ("0.0123", 0.0123, None),
        ("0,0123", 0.0123, None),
        ("1.234,56", 1234.56, None),
        ("1,234.56", 1234.56, None),
        ("$0.05", 0.05, None),
        ("0.05 USD", 0.05, None),
        ("1,234", None, "cost_unreadable"),
        ("about 2", None, "cost_unreadable"),
        ("0.05 €", None, "cost_not_in_dollars"),
        ("-1", None, "implausible_cost"),
        ("1e12", None, "implausible_cost"),
        ("n/a", None, None),
        ("", None, None),
    ],
)
def test_a_cost_is_read_or_flagged(
    cell: str, dollars: float | None, flag: str | None, store: Store, read: Read, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"timestamp;model;input_tokens;output_tokens;cost\n2026-09-01T10:00:00Z;gpt-4o;100;10;{cell}\n")
    read(path)
    (row,) = store.rows("SELECT logged_cost_pico, flags FROM request")
    assert row["logged_cost_pico"] == (None if dollars is None else round(dollars * 1e12))
    assert json.loads(row["flags"] or "[]") == ([flag] if flag else [])


def test_a_cost_in_another_currency_is_not_taken_for_dollars(store: Store, read: Read, tmp_path: Path) -> None:
    row = {"timestamp": "2026-09-01T10:00:00Z", "model": "gpt-4o", "input_tokens": 1, "output_tokens": 1, "cost": 0.4}
    read(write(tmp_path / "a.jsonl", [{**row, "currency": "EUR"}, {**row, "currency": "USD", "input_tokens": 2}]))
    assert [each["usd"] for each in store.rows("SELECT logged_cost_pico AS usd FROM request ORDER BY line")] == [
        None,
        400_000_000_000,
    ]


def test_a_biller_is_not_believed_that_a_request_earned_or_cost_millions(
    store: Store, read: Read, tmp_path: Path
) -> None:
    answers = [
        {"id": f"gen-{number}", "model": "openai/gpt-4o", "provider": "OpenAI", "object": "chat.completion",
         "created": 1_790_000_000 + number, "choices": [],
         "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100, "cost": cost}}
        for number, cost in enumerate((0.01, -5, 1e30))
    ]  # fmt: skip
    result = read(write(tmp_path / "a.jsonl", answers))
    assert result.files[0].doubtful_usage == 2
    costs = store.rows(
        "SELECT CAST(SUM(c.cost_pico) AS BIGINT) AS pico FROM charge AS c JOIN request AS r"
        " ON r.request_id = c.request_id GROUP BY r.line ORDER BY r.line"
    )
    listed = 3_500_000_000
    assert [row["pico"] for row in costs] == [10_000_000_000, listed, listed]


def answered(number: int, model: str | None) -> dict[str, Any]:
    record = pair(number)
    record["request"]["model"] = model
    record["response"]["model"] = model
    return record


@pytest.mark.parametrize("model", ["", "   ", None])
def test_a_call_under_no_name_is_billable_and_unpriced(
    model: str | None, store: Store, read: Read, tmp_path: Path
) -> None:
    read(write(tmp_path / "a.jsonl", [answered(1, model)]))
    (row,) = store.rows("SELECT status, request_model, response_model, price_model FROM request")
    assert row == {"status": "billable", "request_model": None, "response_model": None, "price_model": None}
    assert store.value("SELECT COUNT(*) FROM charge WHERE cost_pico IS NULL") == 2


def test_a_gateways_cost_stands_where_it_counted_no_tokens(store: Store, read: Read, tmp_path: Path) -> None:
    read(
        write(
            tmp_path / "a.jsonl", [litellm(1, prompt_tokens=0, completion_tokens=0, total_tokens=0, response_cost=0.04)]
        )
    )
    assert store.value("SELECT SUM(cost_pico) FROM charge") == 40_000_000_000


def answer(status: str, tokens: tuple[int, int] | None) -> dict[str, Any]:
    usage = {"input_tokens": tokens[0], "output_tokens": tokens[1], "total_tokens": sum(tokens)} if tokens else None
    return {"id": f"resp_{status}_{tokens}", "object": "response", "status": status, "created_at": 1788256800,
            "model": "gpt-5-mini", "output": [], "usage": usage}  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (answer("cancelled", (100, 20)), "billable"),
        (answer("cancelled", (100, 0)), "billable"),
        (answer("cancelled", None), "failed"),
        (answer("incomplete", (100, 20)), "billable"),
        (answer("failed", None), "failed"),
        (answer("failed", (100, 0)), "failed"),
    ],
)
def test_what_was_counted_before_a_call_ended_early_is_billed(
    body: dict[str, Any], status: str, store: Store, read: Read, tmp_path: Path
) -> None:
    read(write(tmp_path / "a.jsonl", [body, {"request": {"model": "gpt-5-mini", "input": "q"}, "response": body}]))
    assert [row["status"] for row in store.rows("SELECT DISTINCT status FROM request")] == [status]
