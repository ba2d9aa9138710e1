"""Invoices of every format, written from sums of a log's usage."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.reconciling.conftest import FIRST, date

Sums = dict[tuple[int, str, str, str], tuple[int, int]]
"""(day, model, meter, tier) → (tokens, pico-USD)"""


def usd(pico: int, factor: Decimal = Decimal(1)) -> str:
    """Dollars with all their digits."""
    return f"{Decimal(pico) / 10**12 * factor:f}"


def _ordered(sums: Sums) -> list[tuple[int, str, str, str, int, int]]:
    return [(*key, *value) for key, value in sorted(sums.items())]


def _csv(path: Path, header: str, rows: list[list[str]]) -> Path:
    lines = [header, *(",".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


OPENAI_KINDS = {"input": "input", "cache_read": "cached input", "output": "output"}


def openai_cost_csv(folder: Path, sums: Sums, factor: Decimal = Decimal(1)) -> Path:
    rows = []
    for day, model, meter, tier, quantity, pico in _ordered(sums):
        start = (FIRST + day) * 86_400
        prefix = "" if tier in ("standard", "batch") else f"{tier} | "
        rows.append(
            [str(start), str(start + 86_400), f"{date(day)}T00:00:00+00:00", f"{date(day + 1)}T00:00:00+00:00",
             usd(pico, factor), "usd", str(quantity), "tokens", f"{prefix}{model}, {OPENAI_KINDS[meter]}", "", "",
             "proj_1"]
        )  # fmt: skip
    header = (
        "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item,"
        "user_id,api_key_id,project_id"
    )
    path = _csv(folder / "openai_costs.csv", header, rows)
    # an empty day as the dashboard writes it
    last = (FIRST + 40) * 86_400
    path.write_text(path.read_text() + f"{last},{last + 86_400},{date(40)}T00:00:00+00:00,{date(41)}T00:00:00+00:00\n")
    return path


def openai_usage_csv(folder: Path, sums: Sums, factor: Decimal = Decimal(1)) -> Path:
    del factor
    rows = []
    days = {(day, model, tier) for day, model, _, tier in sums}
    for day, model, tier in sorted(days):

        def count(meter: str, key: tuple[int, str, str] = (day, model, tier)) -> int:
            return sums.get((key[0], key[1], meter, key[2]), (0, 0))[0]

        start = (FIRST + day) * 86_400
        rows.append(
            [str(start), str(start + 60), f"{date(day)}T00:00:00+00:00", f"{date(day)}T00:01:00+00:00", "proj_1", "3",
             model, str(tier == "batch"), "default", str(count("input") + count("cache_read")), str(count("output")),
             str(count("cache_read")), str(count("input"))]
        )  # fmt: skip
    return _csv(
        folder / "completions_usage.csv",
        "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,model,batch,service_tier,"
        "input_tokens,output_tokens,input_cached_tokens,input_uncached_tokens",
        rows,
    )


def openai_api(folder: Path, sums: Sums, factor: Decimal = Decimal(1)) -> Path:
    buckets = []
    for day in sorted({key[0] for key in sums}):
        start = (FIRST + day) * 86_400
        results = [
            {
                "object": "organization.costs.result",
                "amount": {"value": float(usd(pico, factor)), "currency": "usd"},
                "line_item": f"{model}, {OPENAI_KINDS[meter]}", "project_id": None, "quantity": quantity,
            }
            for at, model, meter, _, quantity, pico in _ordered(sums) if at == day
        ]  # fmt: skip
        buckets.append({"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": results})
    path = folder / "openai_costs.json"
    path.write_text(json.dumps({"object": "page", "data": buckets, "has_more": False, "next_page": None}, indent=1))
    return path


ANTHROPIC_KINDS = {
    "input": ("input_no_cache", "uncached_input_tokens"),
    "cache_read": ("input_cache_read", "cache_read_input_tokens"),
    "cache_write_5m": ("input_cache_write_5m", "cache_creation.ephemeral_5m_input_tokens"),
    "cache_write_1h": ("input_cache_write_1h", "cache_creation.ephemeral_1h_input_tokens"),
    "output": ("output", "output_tokens"),
}


def anthropic_cost_csv(folder: Path, sums: Sums, factor: Decimal = Decimal(1)) -> Path:
    """Display names, amounts in whole cents."""
    names = {"claude-sonnet-4-5-20250929": "Claude Sonnet 4.5", "claude-haiku-4-5-20251001": "Claude Haiku 4.5"}
    rows = [
        [date(day), names[model], "Default", "key", "batch" if tier == "batch" else "message", "≤ 200k",
         ANTHROPIC_KINDS[meter][0], f"{Decimal(usd(pico, factor)):.2f}", "0", "token", "not_available", ""]
        for day, model, meter, tier, _, pico in _ordered(sums)
    ]  # fmt: skip
    return _csv(
        folder / "claude_api_cost.csv",
        "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,"
        "inference_geo,speed",
        rows,
    )


def anthropic_usage_csv(folder: Path, sums: Sums, factor: Decimal = Decimal(1)) -> Path:
    del factor
    rows = []
    for day, model, tier in sorted({(day, model, tier) for day, model, _, tier in sums}):
        counts = [
            str(sums.get((day, model, meter, tier), (0, 0))[0])
            for meter in ("input", "cache_write_5m", "cache_write_1h", "cache_read", "output")
        ]
        rows.append([date(day), model, "key", "Default", tier, "≤ 200k", *counts, "0", "not_available", ""])
    return _csv(
        folder / "claude_api_tokens.csv",
        "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
        "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
        "usage_output_tokens,web_search_count,inference_geo,speed",
        rows,
    )


def anthropic_api(folder: Path, sums: Sums, factor: Decimal = Decimal(1)) -> Path:
    """The cost report; its amounts are cents."""
    buckets = []
    for day in sorted({key[0] for key in sums}):
        results = [
            {
                "currency": "USD", "amount": f"{Decimal(usd(pico, factor)) * 100:f}", "workspace_id": None,
                "description": "Claude Usage", "cost_type": "tokens", "context_window": "0-200k", "model": model,
                "service_tier": tier, "token_type": ANTHROPIC_KINDS[meter][1],
            }
            for at, model, meter, tier, _, pico in _ordered(sums) if at == day
        ]  # fmt: skip
        buckets.append(
            {"starting_at": f"{date(day)}T00:00:00Z", "ending_at": f"{date(day + 1)}T00:00:00Z", "results": results}
        )
    path = folder / "cost_report.json"
    path.write_text(json.dumps({"data": buckets, "has_more": False, "next_page": None}))
    return path


def openrouter_activity(folder: Path, sums: Sums, factor: Decimal = Decimal(1)) -> Path:
    rows = []
    for day, model in sorted({(day, model) for day, model, _, _ in sums}):
        own = {key[2]: value for key, value in sums.items() if key[:2] == (day, model)}
        rows.append(
            {
                "date": date(day), "model": model, "model_permaslug": model, "endpoint_id": "e", "provider_name": "X",
                "usage": float(usd(sum(pico for _, pico in own.values()), factor)), "byok_usage_inference": 0.5,
                "requests": 3, "prompt_tokens": own["input"][0], "completion_tokens": own["output"][0],
                "reasoning_tokens": 0,
            }
        )  # fmt: skip
    path = folder / "activity.json"
    path.write_text(json.dumps({"data": rows}))
    return path


def deepseek(folder: Path, sums: Sums, factor: Decimal = Decimal(1)) -> Path:
    """A zip of both tables, in Chinese money at 7 to the dollar."""
    kinds = {"input": "input_cache_miss_tokens", "cache_read": "input_cache_hit_tokens", "output": "output_tokens"}
    amounts = ["user_id,utc_date,model,api_key_name,api_key,type,price,amount"]
    costs = ["user_id,utc_date,model,wallet_type,cost,currency"]
    compact = {day: date(day).replace("-", "") for day, *_ in sums}
    for day, model, meter, _, quantity, pico in _ordered(sums):
        price = Decimal(pico) / 10**12 / quantity * 7
        amounts.append(f"u,{compact[day]},{model},k,sk-***,{kinds[meter]},{price:f},{quantity}")
    for day, model in sorted({(day, model) for day, model, _, _ in sums}):
        own = sum(pico for key, (_, pico) in sums.items() if key[:2] == (day, model))
        amounts.append(f"u,{compact[day]},{model},k,sk-***,request_count,,3")
        costs.append(f"u,{compact[day]},{model},Paid,{usd(own * 7, factor)},CNY")
    path = folder / "usage_data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("amount-2026-2.csv", "\ufeff" + "\r\n".join(amounts) + "\r\n")
        archive.writestr("cost-2026-2.csv", "\ufeff" + "\r\n".join(costs) + "\r\n")
    return path


AWS_NAMES = {
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0": {
        "service": "Claude Sonnet 4.5 (Amazon Bedrock Edition)",
        "input": "USE1-MP:USE1_InputTokenCount-Units",
        "cache_read": "USE1-MP:USE1_CacheReadInputTokenCount-Units",
        "output": "USE1-MP:USE1_OutputTokenCount-Units",
        "unit": "1M tokens",
    },
    "amazon.nova-lite-v1:0": {
        "service": "Amazon Bedrock",
        "input": "USE1-NovaLite-input-tokens",
        "cache_read": "USE1-NovaLite-cache-read-input-token-count",
        "output": "USE1-NovaLite-output-tokens",
        "unit": "1K tokens",
    },
}
_AWS_UNITS = {"1M tokens": 10**6, "1K tokens": 10**3}


def aws_cur(folder: Path, sums: Sums, factor: Decimal = Decimal(1)) -> Path:
    rows = []
    for day, model, meter, _, quantity, pico in _ordered(sums):
        names = AWS_NAMES[model]
        rows.append(
            ["123456789012", f"{date(day)}T05:00:00Z", f"{date(day)}T06:00:00Z", "Usage", "AmazonBedrock", names[meter],
             f"{Decimal(quantity) / _AWS_UNITS[names['unit']]:f}", names["unit"], usd(pico, factor), "USD",
             names["service"]]
        )  # fmt: skip
        rows.append(
            ["123456789012", f"{date(day)}T05:00:00Z", f"{date(day)}T06:00:00Z", "Usage", "AmazonEC2", "BoxUsage:t3",
             "1", "Hrs", "12.5", "USD", "Amazon Elastic Compute Cloud"]
        )  # fmt: skip
    rows.append(
        ["123456789012", f"{date(0)}T00:00:00Z", f"{date(6)}T00:00:00Z", "Tax", "AmazonBedrock", "", "1", "", "3.10",
         "USD", "Amazon Bedrock"]
    )  # fmt: skip
    return _csv(
        folder / "cur.csv",
        "bill/PayerAccountId,lineItem/UsageStartDate,lineItem/UsageEndDate,lineItem/LineItemType,lineItem/ProductCode,"
        "lineItem/UsageType,lineItem/UsageAmount,pricing/unit,lineItem/UnblendedCost,lineItem/CurrencyCode,"
        "product/ProductName",
        rows,
    )


def focus_parquet(folder: Path, sums: Sums, factor: Decimal = Decimal(1)) -> Path:
    rows = [
        {
            "BilledCost": float(usd(pico, factor)), "EffectiveCost": 0.0, "BillingCurrency": "USD",
            "ChargePeriodStart": f"{date(day)}T00:00:00Z", "ChargePeriodEnd": f"{date(day + 1)}T00:00:00Z",
            "ChargeCategory": "Usage", "ConsumedQuantity": quantity / _AWS_UNITS[AWS_NAMES[model]["unit"]],
            "ConsumedUnit": AWS_NAMES[model]["unit"], "ProviderName": "AWS", "ServiceName": AWS_NAMES[model]["service"],
            "x_UsageType": AWS_NAMES[model][meter], "ChargeDescription": "",
        }
        for day, model, meter, _, quantity, pico in _ordered(sums)
    ]  # fmt: skip
    path = folder / "focus.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def focus_csv(folder: Path, sums: Sums, factor: Decimal = Decimal(1)) -> Path:
    """A model provider's own rows: the kind of token in the SKU's meter."""
    rows = [
        [usd(pico, factor), "USD", f"{date(day)}T00:00:00Z", f"{date(day + 1)}T00:00:00Z", "Usage", str(quantity),
         "Tokens", "OpenAI", "OpenAI API", f"openai/{model}, {OPENAI_KINDS[meter]}", f"{model}, {OPENAI_KINDS[meter]}"]
        for day, model, meter, _, quantity, pico in _ordered(sums)
    ]  # fmt: skip
    return _csv(
        folder / "focus.csv",
        "BilledCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ConsumedQuantity,ConsumedUnit,"
        "ProviderName,ServiceName,SkuId,ChargeDescription",
        rows,
    )


def gcp_billing(folder: Path, sums: Sums, factor: Decimal = Decimal(1)) -> Path:
    """The BigQuery export as JSON lines."""
    kinds = {
        "input": "Text Input - Predictions",
        "cache_read": "Input Text Caching",
        "output": "Text Output - Predictions",
    }
    lines = [
        json.dumps(
            {
                "service": {"description": "Vertex AI"}, "sku": {"description": f"Gemini 2.5 Flash GA {kinds[meter]}"},
                "usage_start_time": f"{date(day)} 10:00:00 UTC", "usage_end_time": f"{date(day)} 11:00:00 UTC",
                "cost": float(usd(pico, factor)), "currency": "USD", "cost_type": "regular", "credits": [],
                "usage": {"amount": float(quantity), "unit": "requests"},
            }
        )
        for day, _, meter, _, quantity, pico in _ordered(sums)
    ]  # fmt: skip
    path = folder / "billing.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def azure_cost(folder: Path, sums: Sums, factor: Decimal = Decimal(1)) -> Path:
    kinds = {"input": "gpt-4o-0806-Inp-glbl Tokens", "cache_read": "gpt 4o 0806 cached Inp glbl Tokens",
             "output": "gpt-4o-0806-Outp-glbl Tokens"}  # fmt: skip
    rows = []
    for day, _, meter, _, quantity, pico in _ordered(sums):
        year, month, number = date(day).split("-")
        rows.append(
            [f"{month}/{number}/{year}", "Cognitive Services", "Azure OpenAI", kinds[meter],
             f"{Decimal(quantity) / 1000:f}", "1K", usd(pico, factor), "USD", "Usage"]
        )  # fmt: skip
        rows.append(
            [f"{month}/{number}/{year}", "Storage", "Blob", "LRS Data Stored", "3", "1 GB", "7.5", "USD", "Usage"]
        )
    return _csv(
        folder / "azure.csv",
        "Date,MeterCategory,MeterSubCategory,MeterName,Quantity,UnitOfMeasure,CostInBillingCurrency,BillingCurrencyCode,"
        "ChargeType",
        rows,
    )


@dataclass(frozen=True)
class Format:
    """A writer, with the traffic it bills. `step` is how far rounding may move its sum, in pico-USD."""

    write: Callable[..., Path]
    provider: str
    models: tuple[str, ...]
    meters: tuple[str, ...] = ("input", "cache_read", "output")
    dollars: bool = True
    counts: bool = True
    step: int = 0


_CLAUDE = ("claude-sonnet-4-5-20250929", "claude-haiku-4-5-20251001")
_GPT = ("gpt-4.1-2025-04-14", "gpt-5-mini-2025-08-07")
_WRITES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")

FORMATS = {
    "openai_cost_csv": Format(openai_cost_csv, "openai", _GPT),
    "openai_usage_csv": Format(openai_usage_csv, "openai", _GPT, dollars=False),
    "openai_api": Format(openai_api, "openai", _GPT),
    "anthropic_cost_csv": Format(anthropic_cost_csv, "anthropic", _CLAUDE, _WRITES, counts=False, step=10**10),
    "anthropic_usage_csv": Format(anthropic_usage_csv, "anthropic", _CLAUDE, _WRITES, dollars=False),
    "anthropic_api": Format(anthropic_api, "anthropic", _CLAUDE, _WRITES, counts=False),
    "openrouter_activity": Format(openrouter_activity, "openrouter", ("openai/gpt-4.1",), ("input", "output")),
    "deepseek": Format(deepseek, "deepseek", ("deepseek-chat",)),
    "aws_cur": Format(aws_cur, "aws", tuple(AWS_NAMES)),
    "focus_parquet": Format(focus_parquet, "aws", tuple(AWS_NAMES)),
    "focus_csv": Format(focus_csv, "openai", _GPT),
    "gcp_billing": Format(gcp_billing, "google", ("gemini-2.5-flash",)),
    "azure_cost": Format(azure_cost, "azure", ("gpt-4o-2024-08-06",)),
}
