"""Spend held against a second price table and against reported costs, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from audit.__main__ import run
from audit.prices.catalogue import load
from audit.prices.second_table import second_table

Json = Any


def _call(number: int, model: str, inputs: int, output: int, **more: Json) -> dict[str, Json]:
    return {
        "id": f"r{number}", "timestamp": "2026-11-10T12:00:00Z", "model": model,
        "usage": {"prompt_tokens": inputs, "completion_tokens": output, "total_tokens": inputs + output}, **more,
    }  # fmt: skip


def _summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *records: dict[str, Json], toml: str = ""
) -> dict[str, Json]:
    log, config, db = tmp_path / "log.jsonl", tmp_path / "audit.toml", str(tmp_path / "a.duckdb")
    log.write_text("".join(json.dumps(record) + "\n" for record in records))
    config.write_text(toml)
    assert run(["ingest", str(log), "--db", db, "--config", str(config), "--json"]) == 0
    capsys.readouterr()
    assert run(["summary", "--db", db, "--json"]) == 0
    found: dict[str, Json] = json.loads(capsys.readouterr().out)
    return found


def test_a_price_the_other_table_lists_otherwise_is_told_in_dollars(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # magistral-medium: $2 and $5 per million here, $1.50 and $7.50 there
    # 1M x 2 + 1M x 5 = $7 here, 1M x 1.5 + 1M x 7.5 = $9 there; gpt-5-mini $0.25 in both
    found = _summary(
        tmp_path,
        capsys,
        _call(1, "magistral-medium-latest", 1_000_000, 1_000_000, provider="mistral"),
        _call(2, "gpt-5-mini", 1_000_000, 0, provider="openai"),
    )
    doubt = found["price_uncertainty"]
    assert doubt["compared_usd"] == pytest.approx(7.25)
    assert (doubt["net_usd"], doubt["gross_usd"]) == (pytest.approx(2), pytest.approx(2))
    (model,) = doubt["models"]
    assert (model["provider"], model["model"], model["meters"]) == ("mistral", "magistral-medium", ["input", "output"])
    assert (model["cost_usd"], model["other_usd"]) == (pytest.approx(7), pytest.approx(9))
    assert doubt["not_compared"] == []


def test_an_agreed_price_is_certain_and_a_discount_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agreed = (
        "[[contract]]\nprovider = 'mistral'\nmodel = 'magistral-medium'\nprices_per_million = {input = 1, output = 2}\n"
    )
    call = _call(1, "magistral-medium-latest", 1_000_000, 1_000_000, provider="mistral")
    found = _summary(tmp_path, capsys, call, toml=agreed)["price_uncertainty"]
    assert (found["compared_usd"], found["models"]) == (0, [])
    assert found["not_compared"] == [{"reason": "agreed", "usd": 3}]

    # half off: $3.50 here, and half of $9 there
    (tmp_path / "half").mkdir()
    half = "[[contract]]\nprovider = 'mistral'\nmodel = '*'\ndiscount_percent = 50\n"
    found = _summary(tmp_path / "half", capsys, call, toml=half)["price_uncertainty"]
    assert (found["compared_usd"], found["net_usd"]) == (pytest.approx(3.5), pytest.approx(1))


def test_spend_the_other_table_says_nothing_of_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = "[[contract]]\nprovider = 'vllm'\nmodel = 'house'\nprices_per_million = {input = 1, output = 1}\n"
    found = _summary(
        tmp_path,
        capsys,
        _call(1, "house", 1_000_000, 0, provider="vllm"),
        _call(2, "gpt-4o", 1_000_000, 0, provider="openai") | {"timestamp": "2024-05-20T12:00:00Z"},
        toml=own,
    )["price_uncertainty"]
    # gpt-4o cost $5 in May 2024, a price no table of today lists
    assert {row["reason"]: row["usd"] for row in found["not_compared"]} == {"agreed": 1, "past": 5}


def test_what_the_biller_reported_is_compared_with_the_table_and_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generation = {
        "id": "gen-1", "created_at": "2026-11-10T12:00:00Z", "model": "openai/gpt-4o-mini",
        "total_cost": 0.5, "native_tokens_prompt": 1_000_000, "native_tokens_completion": 0, "tokens_prompt": 1_000_000,
        "tokens_completion": 0, "provider_name": "OpenAI", "generation_time": 900, "latency": 300,
    }  # fmt: skip
    found = _summary(tmp_path, capsys, {"data": generation})
    assert found["cost_usd"] == pytest.approx(0.5)
    (row,) = found["logged_costs"]
    # gpt-4o-mini: $0.15 per million input tokens
    assert (row["billed_requests"], row["logged_usd"], row["cost_usd"]) == (1, 0.5, 0.5)
    assert (row["listed_requests"], row["logged_of_listed_usd"], row["listed_usd"]) == (1, 0.5, pytest.approx(0.15))
    assert found["price_uncertainty"]["not_compared"] == [{"reason": "billed", "usd": 0.5}]
    assert run(["summary", "--db", str(tmp_path / "a.duckdb")]) == 0
    said = capsys.readouterr().out
    assert "The log reports $0.50 for requests the table prices at $0.15 (+$0.35)" in said


def test_the_comparison_names_only_models_and_meters_the_catalogue_knows() -> None:
    catalogue, table = load(), second_table()
    assert len(table.compared) > 1000
    for provider, model, meter in table.compared:
        assert any(row.sku_meter == meter for row in catalogue.rows_for(provider, model)), (provider, model, meter)
    for each in second_table().conflicts:
        rows = catalogue.rows_for(each.provider_name, each.model)
        own = {row.unit_price_pico for row in rows if row.sku_meter == each.sku_meter and row.valid_to_us == 2**62}
        assert own, (each.provider_name, each.model)
        assert own != {each.other_unit_price_pico}, "the tables agree by now: take the conflict out"


def test_a_billed_cost_stands_in_for_a_missing_price(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    billed = {
        "id": "gen-2", "created_at": "2026-11-10T12:00:00Z", "model": "acme/house-model", "total_cost": 0.5,
        "native_tokens_prompt": 1000, "native_tokens_completion": 10, "tokens_prompt": 1000, "tokens_completion": 10,
        "provider_name": "Acme", "generation_time": 900, "latency": 300,
    }  # fmt: skip
    found = _summary(tmp_path, capsys, {"data": billed}, _call(1, "house-model", 1_000, 10))
    assert (found["cost_usd"], found["unpriced_requests"]) == (0.5, 1)
    assert [row["model"] for row in found["unpriced_models"]] == ["house-model"]
    assert run(["summary", "--db", str(tmp_path / "a.duckdb")]) == 0
    out = capsys.readouterr()
    assert "$0.50 and 1 unpriced request" in out.out
    assert "acme/house-model" not in out.err


def test_a_log_without_any_price_has_an_unknown_spend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _summary(tmp_path, capsys, _call(1, "house-model", 1_000, 10), _call(2, "house-model", 1_000, 10))
    assert run(["summary", "--db", str(tmp_path / "a.duckdb")]) == 0
    spend = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Spend  "))
    assert spend.split("Spend")[1].strip() == "2 unpriced requests"
