from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from genai_prices import Usage, calc_price

from audit.prices.catalogue import Catalogue, load
from audit.prices.pricing_sql import price_charges

CHARGE = pa.schema(
    [
        pa.field("charge_id", pa.int64()),
        pa.field("request_id", pa.int64()),
        pa.field("sku_meter", pa.string()),
        pa.field("provider_name", pa.string()),
        pa.field("model", pa.string()),
        pa.field("service_tier", pa.string()),
        pa.field("consumed_quantity", pa.int64()),
    ]
)
REQUEST = pa.schema(
    [
        pa.field("request_id", pa.int64()),
        pa.field("started_at_us", pa.int64()),
        pa.field("input_tokens", pa.int64()),
    ]
)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def join(
    catalogue: Catalogue,
    charges: Sequence[dict[str, Any]],
    requests: Sequence[dict[str, Any]],
    undated: str = "2026-11-01",
) -> list[dict[str, Any]]:
    keys = {(row["provider_name"], row["model"]) for row in charges if row["provider_name"]}
    with duckdb.connect() as connection:
        connection.register("charge", pa.Table.from_pylist(list(charges), schema=CHARGE))
        connection.register("request", pa.Table.from_pylist(list(requests), schema=REQUEST))
        connection.register("price", catalogue.arrow(sorted(keys)))
        found = connection.sql(price_charges(), params={"undated_us": us(undated)}).to_arrow_table().to_pylist()
    assert sorted(row["charge_id"] for row in found) == sorted(row["charge_id"] for row in charges)
    return sorted(found, key=lambda row: row["charge_id"])


def one(
    catalogue: Catalogue, moment: str | None = "2026-11-01", size: int | None = 100, **fields: Any
) -> dict[str, Any]:
    charge = {
        "charge_id": 1,
        "request_id": 1,
        "sku_meter": "input",
        "provider_name": "openai",
        "model": "gpt-4o",
        "service_tier": "standard",
        "consumed_quantity": 1000,
        **fields,
    }
    request = {"request_id": 1, "started_at_us": us(moment) if moment else None, "input_tokens": size}
    return join(catalogue, [charge], [request])[0]


class TestFallbacks:
    def test_its_own_tier(self, catalogue: Catalogue) -> None:
        row = one(catalogue, service_tier="batch")
        assert (row["cost_pico"], row["tier_fallback"]) == (1000 * 1_250_000, False)

    def test_an_unknown_tier_is_priced_as_standard_and_says_so(self, catalogue: Catalogue) -> None:
        row = one(catalogue, service_tier="ultrafast")
        assert (row["cost_pico"], row["tier_fallback"]) == (1000 * 2_500_000, True)

    def test_no_tier_is_standard_without_a_doubt(self, catalogue: Catalogue) -> None:
        row = one(catalogue, service_tier=None)
        assert (row["cost_pico"], row["tier_fallback"]) == (1000 * 2_500_000, False)

    def test_an_unknown_tier_keeps_its_surcharge(self, catalogue: Catalogue) -> None:
        row = one(catalogue, provider_name="anthropic", model="claude-opus-5", service_tier="priority+us")
        assert (row["cost_pico"], row["tier_fallback"]) == (1000 * 5_500_000, True)

    @pytest.mark.parametrize(
        "fields",
        [
            {"sku_meter": "input_audio"},
            {"sku_meter": "no_such_meter"},
            {"model": "no-such-model"},
            {"provider_name": None, "model": None},
        ],
    )
    def test_without_a_price_there_is_no_cost_rather_than_zero(
        self, catalogue: Catalogue, fields: dict[str, Any]
    ) -> None:
        row = one(catalogue, **fields)
        assert row["cost_pico"] is None
        assert row["unit_price_pico"] is None
        assert row["tier_fallback"] is False

    def test_a_request_without_a_time_gets_the_price_of_the_given_moment(self, catalogue: Catalogue) -> None:
        assert one(catalogue, None, model="o3")["unit_price_pico"] == 2_000_000
        assert one(catalogue, "2025-01-01", model="o3")["unit_price_pico"] == 10_000_000

    def test_an_unknown_size_gets_the_low_price(self, catalogue: Catalogue) -> None:
        row = one(catalogue, size=None, provider_name="google", model="gemini-2.5-pro")
        assert row["unit_price_pico"] == 1_250_000

    def test_large_costs_stay_exact(self, catalogue: Catalogue) -> None:
        row = one(catalogue, model="o1-pro", sku_meter="output", consumed_quantity=100_000_000)
        assert row["cost_pico"] == 100_000_000 * 600_000_000


DAYS = ("2024-12-01", "2025-06-09", "2025-06-10", "2026-03-12", "2026-03-13", "2026-08-21", "2026-10-16", "2027-01-01")
SIZES = (1_000, 100_001, 199_999, 200_000, 200_001, 272_000, 272_001)
CONTEXTS: dict[str, dict[str, str]] = {
    "standard": {},
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "fast": {"speed": "fast"},
}
MODELS = {
    "openai": [
        "gpt-4.1",
        "gpt-4o-mini",
        "gpt-5-mini",
        "gpt-5.4",
        "gpt-5.5",
        "gpt-5.6-luna",
        "gpt-5.6-sol",
        "gpt-6.1-sol",
        "o4-mini",
    ],
    "anthropic": [
        "claude-haiku-4-5",
        "claude-haiku-5-5",
        "claude-opus-4-8",
        "claude-opus-5-5",
        "claude-sonnet-4-5",
        "claude-sonnet-4-6",
    ],
    "google": ["gemini-2.5-flash", "gemini-2.5-pro", "gemini-3.6-flash", "gemini-3.8-flash", "gemini-4-argon"],
    "mistral": ["mistral-large-4", "mistral-medium-latest"],
    "x-ai": ["grok-4.20", "grok-4.6"],
}
FIRST_TIERS = us("2026-10-16")


def test_the_join_agrees_with_genai_prices_where_both_know_the_price(catalogue: Catalogue) -> None:
    """Every model × day × size × tier, except tiers before their table begins, which genai-prices does not model."""
    requests, charges, expected = [], [], {}
    for provider, models in MODELS.items():
        for model in models:
            rows = catalogue.rows_for(provider, model)
            tiers = {row.service_tier for row in rows if row.sku_meter == "input" and not row.inferred}
            for day in DAYS:
                for size in SIZES:
                    for tier in CONTEXTS:
                        if tier not in tiers or (tier != "standard" and us(day) < FIRST_TIERS):
                            continue
                        number = len(requests)
                        moment = us(day) + 5 * 3_600_000_000
                        requests.append({"request_id": number, "started_at_us": moment, "input_tokens": size})
                        parts = {"cache_read": 400, "input": size - 400, "output": 321, "web_search": 2}
                        usage = {
                            "input_tokens": size,
                            "cache_read_tokens": 400,
                            "output_tokens": 321,
                            "web_searches": 2,
                        }
                        if not catalogue.has_meter(provider, model, "web_search"):
                            del parts["web_search"], usage["web_searches"]
                        charges += [
                            {
                                "charge_id": len(charges) + position,
                                "request_id": number,
                                "sku_meter": meter,
                                "provider_name": provider,
                                "model": model,
                                "service_tier": tier,
                                "consumed_quantity": quantity,
                            }
                            for position, (meter, quantity) in enumerate(parts.items())
                        ]
                        expected[number] = calc_price(
                            Usage(**usage),
                            model,
                            provider_id=provider,
                            genai_request_timestamp=datetime.fromtimestamp(moment / 1e6, UTC),
                            price_context=CONTEXTS[tier] or None,
                        ).total_price
    costs = dict.fromkeys(expected, 0)
    for row in join(catalogue, charges, requests):
        assert row["cost_pico"] is not None
        assert row["tier_fallback"] is False
        costs[row["request_id"]] += row["cost_pico"]
    assert len(costs) > 1500
    assert {number: Decimal(cost) / 10**12 for number, cost in costs.items()} == expected
