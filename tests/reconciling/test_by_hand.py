"""Invoices worked out by hand from raw usage, through the command line: no figure here comes from our price table.

Ten days, 2026-10-05 to 14, four calls a day of each model. A day of the log costs:

gpt-4.1-mini       4 x (0.8M x $0.40 + 0.2M cached x $0.10 + 0.1M x $1.60) = 4 x $0.50     = $2.00
text-embedding     4 x 5M x $0.02                                                          = $0.40
claude-sonnet-4-5  4 x (50k x $3 + 100k read x $0.30 + 15k 5m x $3.75 + 5k 1h x $6 + 5k x $15
                   + 10 searches x $0.01) = 4 x ($0.15 + $0.03 + $0.05625 + $0.03 + $0.075 + $0.10) = $1.765
claude-haiku-4-5   4 x (1M x $1 + 0.1M x $5) on Bedrock, global                            = $6.00
gpt-4o-2024-08-06  4 x (0.6M x $2.50 + 0.4M cached x $1.25 + 50k x $10) on Azure           = $10.00
gemini-2.5-flash   4 x (1M x $0.30 + 0.1M x $2.50)                                         = $2.20
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from audit.__main__ import run

DAYS = [date(2026, 10, 5) + timedelta(number) for number in range(10)]
NEXT = timedelta(1)
Document = dict[str, Any]
Reconcile = Callable[..., Document]


def _openai(inputs: int, cached: int, output: int) -> Document:
    usage: Document = {"prompt_tokens": inputs, "completion_tokens": output, "total_tokens": inputs + output}
    return {**usage, "prompt_tokens_details": {"cached_tokens": cached}} if cached else usage


CALLS: tuple[tuple[str, str, Document], ...] = (
    ("openai", "gpt-4.1-mini-2025-04-14", _openai(1_000_000, 200_000, 100_000)),
    ("openai", "text-embedding-3-small", {"prompt_tokens": 5_000_000, "total_tokens": 5_000_000}),
    (
        "anthropic", "claude-sonnet-4-5-20250929",
        {
            "input_tokens": 50_000, "cache_read_input_tokens": 100_000, "cache_creation_input_tokens": 20_000,
            "cache_creation": {"ephemeral_5m_input_tokens": 15_000, "ephemeral_1h_input_tokens": 5_000},
            "output_tokens": 5_000, "server_tool_use": {"web_search_requests": 10},
        },
    ),
    (
        "bedrock", "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        {"input_tokens": 1_000_000, "cache_read_input_tokens": 0, "output_tokens": 100_000},
    ),
    ("azure", "gpt-4o-2024-08-06", _openai(1_000_000, 400_000, 50_000)),
    ("vertex_ai", "gemini-2.5-flash", _openai(1_000_000, 0, 100_000)),
)  # fmt: skip


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audit file of the ten days."""
    folder = tmp_path_factory.mktemp("by_hand")
    with (folder / "log.jsonl").open("w") as log:
        for day in DAYS:
            for hour in (1, 9, 14, 22):
                for number, (provider, model, usage) in enumerate(CALLS):
                    call: Document = {
                        "id": f"{day}-{hour}-{number}", "provider": provider, "model": model, "usage": usage,
                        "timestamp": f"{day}T{hour:02d}:30:00Z",
                    }  # fmt: skip
                    if "embedding" in model:
                        call["operation"] = "embeddings"
                    log.write(json.dumps(call) + "\n")
    assert run(["ingest", str(folder / "log.jsonl"), "--db", str(folder / "a.duckdb"), "--json"]) == 0
    return folder / "a.duckdb"


@pytest.fixture
def reconcile(planted: Path, capsys: pytest.CaptureFixture[str]) -> Reconcile:
    def command(*arguments: str | Path) -> Document:
        capsys.readouterr()
        assert run(["reconcile", *map(str, arguments), "--db", str(planted), "--json"]) == 0
        found: Document = json.loads(capsys.readouterr().out)
        assert sum(each["usd"] for each in found["causes"]) == pytest.approx(found["residual_usd"])
        return found

    return command


def _causes(found: Document) -> dict[str, float]:
    return {each["name"]: round(each["usd"], 6) for each in found["causes"]}


def _beside(found: Document) -> dict[str, float]:
    return {each["category"]: each["usd"] for each in found["beside"]}


def _table(path: Path, header: str, rows: Iterable[Iterable[object]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(rows)
    return path


# --- OpenAI ---

MINI = "gpt-4.1-mini-2025-04-14"
LINES = {
    f"{MINI}, input": "1.28", f"{MINI}, cached input": "0.08", f"{MINI}, output": "0.64",
    "text-embedding-3-small, input": "0.40",
}  # fmt: skip


def _seconds(day: date) -> int:
    return (day - date(1970, 1, 1)).days * 86_400


def _costs(
    path: Path, factor: str = "1", days: Iterable[date] = DAYS, currency: str = "usd",
    extra: dict[date, dict[str, str]] | None = None,
) -> Path:  # fmt: skip
    buckets = []
    for day in days:
        lines = {
            **{item: Decimal(value) * Decimal(factor) for item, value in LINES.items()},
            **(extra or {}).get(day, {}),
        }
        results = [
            {"object": "organization.costs.result", "amount": {"value": float(value), "currency": currency},
             "line_item": item, "project_id": None}
            for item, value in lines.items()
        ]  # fmt: skip
        buckets.append(
            {"object": "bucket", "start_time": _seconds(day), "end_time": _seconds(day + NEXT), "results": results}
        )
    path.write_text(json.dumps({"object": "page", "data": buckets, "has_more": False, "next_page": None}))
    return path


def test_openai_costs_agree_to_the_cent(reconcile: Reconcile, tmp_path: Path) -> None:
    found = reconcile(_costs(tmp_path / "c.json"))
    assert (found["verdict"], found["billed_usd"], found["logged_usd"]) == ("reconciled", 24.0, 24.0)
    assert found["causes"] == []


def test_a_discount_is_a_contract_of_that_percentage(reconcile: Reconcile, tmp_path: Path) -> None:
    found = reconcile(_costs(tmp_path / "c.json", "0.88"))
    assert (found["verdict"], _causes(found)) == ("explained", {"contract_price": -2.88})
    assert [each["discount_percent"] for each in found["contracts"]] == [12.0]


def test_two_days_the_log_misses(reconcile: Reconcile, tmp_path: Path) -> None:
    found = reconcile(_costs(tmp_path / "c.json", days=[*DAYS, DAYS[-1] + NEXT, DAYS[-1] + 2 * NEXT]))
    assert (found["verdict"], _causes(found)) == ("explained", {"missing_log_days": 4.8})


def test_other_models_tools_and_services_are_told_apart(reconcile: Reconcile, tmp_path: Path) -> None:
    extra = {
        DAYS[0]: {"gpt-5-2025-08-07, input": "3"},
        DAYS[1]: {"gpt-5-2025-08-07, input": "3", "web search tool calls | gpt-4.1-mini": "5"},
        DAYS[2]: {"code interpreter sessions": "0.3"},
        DAYS[3]: {"fine-tuning training": "40"},
    }
    found = reconcile(_costs(tmp_path / "c.json", extra=extra))
    # the log begins at 01:30 of its first day with a call every few hours: that day is whole
    assert _causes(found) == {"unlogged_model": 6.0, "unlogged_traffic": 5.3}
    assert _beside(found) == {"other": 40.0}


def test_a_bill_in_euros_needs_its_rate(reconcile: Reconcile, tmp_path: Path) -> None:
    # $1 was 0.80 EUR
    found = reconcile(_costs(tmp_path / "c.json", "0.8", currency="eur"), "--rate", "EUR=1.25")
    assert (found["verdict"], found["residual_usd"]) == ("reconciled", pytest.approx(0))


def _usage(path: Path, kind: str, model: str, **counts: int) -> Path:
    buckets = [
        {
            "object": "bucket", "start_time": _seconds(day), "end_time": _seconds(day + NEXT),
            "results": [
                {"object": f"organization.usage.{kind}.result", "model": model, "num_model_requests": 4,
                 "project_id": None, "user_id": None, "api_key_id": None, **counts}
            ],
        }
        for day in DAYS
    ]  # fmt: skip
    path.write_text(json.dumps({"object": "page", "data": buckets, "has_more": False, "next_page": None}))
    return path


def test_a_usage_report_speaks_of_its_own_kind_of_call(reconcile: Reconcile, tmp_path: Path) -> None:
    counts = {"input_tokens": 4_000_000, "input_cached_tokens": 800_000, "output_tokens": 400_000}
    chat = _usage(tmp_path / "chat.json", "completions", MINI, **counts)
    embeddings = _usage(tmp_path / "emb.json", "embeddings", "text-embedding-3-small", input_tokens=20_000_000)
    alone = reconcile(chat)
    assert (alone["verdict"], alone["basis"], alone["logged_usd"]) == ("reconciled", "usage", 20.0)
    assert any("chat calls only" in note for note in alone["notes"])
    both = reconcile(chat, embeddings)
    assert (both["verdict"], both["logged_usd"], both["causes"]) == ("reconciled", 24.0, [])


# --- Anthropic ---

SONNET = "claude-sonnet-4-5-20250929"
CLAUDE = {
    "uncached_input_tokens": ("input_no_cache", "0.6"), "cache_read_input_tokens": ("input_cache_read", "0.12"),
    "cache_creation.ephemeral_5m_input_tokens": ("input_cache_write_5m", "0.225"),
    "cache_creation.ephemeral_1h_input_tokens": ("input_cache_write_1h", "0.12"), "output_tokens": ("output", "0.3"),
}  # fmt: skip


def test_anthropics_cost_report_is_in_cents(reconcile: Reconcile, tmp_path: Path) -> None:
    def result(**more: object) -> Document:
        return {"currency": "USD", "workspace_id": None, **more}

    buckets = []
    for day in DAYS:
        results = [
            result(amount=str(Decimal(usd) * 100), description="Claude Sonnet 4.5 Usage", cost_type="tokens",
                   context_window="0-200k", model=SONNET, service_tier="standard", token_type=kind)
            for kind, (_, usd) in CLAUDE.items()
        ]  # fmt: skip
        results.append(result(amount="40", description="Web Search Usage", cost_type="web_search", model=None))
        results.append(result(amount="12.5", description="Code Execution", cost_type="code_execution", model=None))
        buckets.append({"starting_at": f"{day}T00:00:00Z", "ending_at": f"{day + NEXT}T00:00:00Z", "results": results})
    path = tmp_path / "cost_report.json"
    path.write_text(json.dumps({"data": buckets, "has_more": False, "next_page": None}))
    found = reconcile(path)
    assert (found["verdict"], found["billed_usd"], found["logged_usd"]) == ("reconciled", 17.65, 17.65)
    assert _beside(found) == {"other": 1.25}


def test_amounts_in_whole_cents_differ_by_rounding(reconcile: Reconcile, tmp_path: Path) -> None:
    # $0.225 is written as 0.22: half a cent a day
    rows = [
        [day, "Claude Sonnet 4.5", "Default", "k", "message", "≤ 200k", kind, f"{Decimal(usd):.2f}", "0", "token",
         "not_available", ""]
        for day in DAYS for kind, usd in CLAUDE.values()
    ]  # fmt: skip
    rows += [[day, "", "Default", "k", "", "", "", "0.40", "0", "web_search", "not_available", ""] for day in DAYS]
    path = _table(
        tmp_path / "claude.csv",
        "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,"
        "inference_geo,speed",
        rows,
    )
    found = reconcile(path)
    assert (found["verdict"], found["billed_usd"], _causes(found)) == ("reconciled", 17.6, {"rounding": -0.05})


# --- clouds ---


def test_amazons_report_with_tax_credit_and_other_services(reconcile: Reconcile, tmp_path: Path) -> None:
    service = "Claude Haiku 4.5 (Amazon Bedrock Edition)"
    rows: list[list[object]] = []
    for day in DAYS:
        for hour in (1, 9, 14, 22):
            span = [f"{day}T{hour:02d}:00:00Z", f"{day}T{hour + 1:02d}:00:00Z", "Usage", "abc123"]
            rows.append([*span, "USE1-MP:USE1_InputTokenCount_Global-Units", "1.0", "Units", "1.00", "USD", service,
                         "AWS Marketplace software usage|us-east-1|Million Input Tokens Global"])  # fmt: skip
            rows.append([*span, "USE1-MP:USE1_OutputTokenCount_Global-Units", "0.1", "Units", "0.50", "USD", service,
                         "AWS Marketplace software usage|us-east-1|Million Response Tokens Global"])  # fmt: skip
        rows.append([f"{day}T00:00:00Z", f"{day + NEXT}T00:00:00Z", "Usage", "AmazonEC2", "BoxUsage", "24", "Hrs", "9",
                     "USD", "Amazon Elastic Compute Cloud", ""])  # fmt: skip
    whole = [f"{DAYS[0]}T00:00:00Z", f"{DAYS[-1] + NEXT}T00:00:00Z"]
    rows.append([*whole, "Tax", "abc123", "", "1", "", "4.2", "USD", service, "Tax"])
    rows.append([*whole, "Credit", "abc123", "", "0", "", "-20", "USD", service, "Promotion"])
    path = _table(
        tmp_path / "cur.csv",
        "line_item_usage_start_date,line_item_usage_end_date,line_item_line_item_type,line_item_product_code,"
        "line_item_usage_type,line_item_usage_amount,pricing_unit,line_item_unblended_cost,line_item_currency_code,"
        "product_servicename,line_item_line_item_description",
        rows,
    )
    found = reconcile(path)
    assert (found["verdict"], found["billed_usd"], found["causes"]) == ("reconciled", 60.0, [])
    assert _beside(found) == {"tax": 4.2, "credit": -20.0, "other": 90.0}


def test_azure_in_euros_with_provisioned_capacity(reconcile: Reconcile, tmp_path: Path) -> None:
    meters = {
        "gpt-4o-0806-Inp-glbl Tokens": ("2400", "6"), "gpt 4o 0806 cached Inp glbl Tokens": ("1600", "2"),
        "gpt-4o-0806-Outp-glbl Tokens": ("200", "2"),
    }  # fmt: skip
    rows: list[list[object]] = []
    for day in DAYS:
        start = [f"{day:%m/%d/%Y}", "Cognitive Services", "Azure OpenAI"]
        for meter, (thousands, usd) in meters.items():
            rows.append([*start, meter, thousands, "1K", Decimal(usd) * Decimal("0.9"), "EUR", usd, "Usage"])
        rows.append([*start, "Provisioned Managed Global Unit", "24", "1 Hour", "100", "EUR", "111", "Usage"])
    path = _table(
        tmp_path / "azure.csv",
        "date,meterCategory,meterSubCategory,meterName,quantity,unitOfMeasure,costInBillingCurrency,billingCurrency,"
        "costInUsd,chargeType",
        rows,
    )
    found = reconcile(path)
    assert (found["verdict"], found["billed_usd"], found["causes"]) == ("reconciled", 100.0, [])
    assert _beside(found) == {"other": 1110.0}


def test_google_with_a_promotion_and_tax(reconcile: Reconcile, tmp_path: Path) -> None:
    skus = {"Gemini 2.5 Flash GA Text Input - Predictions": (1_000_000, 0.3),
            "Gemini 2.5 Flash GA Text Output - Predictions": (100_000, 0.25)}  # fmt: skip
    lines: list[Document] = [
        {
            "service": {"description": "Vertex AI"}, "sku": {"description": sku}, "cost": usd, "currency": "USD",
            "usage_start_time": f"{day} {hour:02d}:00:00 UTC", "usage_end_time": f"{day} {hour + 1:02d}:00:00 UTC",
            "usage": {"amount": float(count), "unit": "count"}, "cost_type": "regular",
            "credits": [{"name": "Free trial", "amount": -0.1, "type": "PROMOTION"}],
        }
        for day in DAYS for hour in (1, 9, 14, 22) for sku, (count, usd) in skus.items()
    ]  # fmt: skip
    lines.append(
        {"service": {"description": "Invoice"}, "sku": {"description": "Tax"}, "cost": 3.3, "currency": "USD",
         "usage_start_time": "2026-10-31 00:00:00 UTC", "usage_end_time": "2026-10-31 23:00:00 UTC",
         "usage": {}, "credits": [], "cost_type": "tax"}
    )  # fmt: skip
    path = tmp_path / "gcp.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    found = reconcile(path)
    assert (found["verdict"], found["billed_usd"], found["causes"]) == ("reconciled", 22.0, [])
    assert _beside(found) == {"credit": -8.0, "tax": 3.3}


# --- sums, and what is no invoice ---


def test_one_sum_against_the_whole_log(reconcile: Reconcile) -> None:
    # 10 x (2.00 + 0.40 + 1.765 + 6.00 + 10.00 + 2.20) = $223.65; 2 % of $228.21 is $4.56
    assert reconcile("--total", "228.21")["verdict"] == "reconciled"
    beyond = reconcile("--total", "228.22")
    assert (beyond["verdict"], beyond["logged_usd"]) == ("not_reconciled", 223.65)
    assert _causes(beyond) == {"unexplained": 4.57}


def test_a_month_of_which_the_log_holds_ten_days(reconcile: Reconcile) -> None:
    # 21 days at $22.365 are $469.665, and every day of the log costs the same: $693.315 is the month
    month = ("--from", "2026-10", "--to", "2026-10")
    found = reconcile("--total", "700", *month)
    assert (found["verdict"], _causes(found)) == ("explained", {"missing_log_days": 469.665, "unexplained": 6.685})
    assert any("21 of the 31 days" in note and "$469.66 to $469.66" in note for note in found["notes"])
    dear = reconcile("--total", "1000", *month)
    assert (dear["verdict"], _causes(dear)) == ("not_reconciled", {"missing_log_days": 469.665, "unexplained": 306.685})
    cheap = reconcile("--total", "250", *month)
    assert (cheap["verdict"], _causes(cheap)) == (
        "not_reconciled",
        {"missing_log_days": 469.665, "unexplained": -443.315},
    )


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_our_own_export_is_no_invoice(
    suffix: str, planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"focus.{suffix}"
    assert run(["export", str(path), "--db", str(planted)]) == 0
    assert run(["reconcile", str(path), "--db", str(planted)]) == 1
    error = capsys.readouterr().err
    assert "proves nothing" in error
    assert "--total" in error
