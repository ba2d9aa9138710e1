from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from audit.prices.catalogue import Catalogue, Contract, load
from audit.prices.pricing_sql import price_charges
from audit.wire import usage as wire
from audit.wire.usage import Usage, charges, service_tier
from tests.cost.conformance import CASES, DOCUMENT, Case, cases, document

READ = {
    "openai": wire.from_openai,
    "anthropic": wire.from_anthropic,
    "gemini": wire.from_gemini,
    "bedrock": wire.from_bedrock,
    "langfuse": wire.from_langfuse,
    "mapping": wire.from_mapping,
}


def usages(case: Case) -> list[Usage]:
    found = [READ[case.reads](payload) for payload in case.payloads]
    for usage in found:
        usage.tool_calls.update(case.tools)
    return found


def catalogue(case: Case) -> Catalogue:
    if not case.contract and not case.aliases:
        return shared()
    contracts = []
    if case.contract:
        values = dict(case.contract)
        contracts.append(Contract(provider_name=values.pop("provider"), **values))
    return load(contracts=contracts, aliases=case.aliases)


_SHARED: list[Catalogue] = []


def shared() -> Catalogue:
    if not _SHARED:
        _SHARED.append(load())
    return _SHARED[0]


def priced(case: Case) -> list[dict[str, Any]]:
    """The case's charges after the price join, as rows."""
    prices = catalogue(case)
    match = prices.resolve(case.provider or None, case.model)
    requests, rows = [], []
    for number, usage in enumerate(usages(case)):
        requests.append({"request_id": number, "started_at_us": case.at_us, "input_tokens": usage.input_tokens})
        tier = service_tier(case.tier) if case.tier else usage.service_tier
        rows += [
            {
                "charge_id": len(rows) + position,
                "request_id": number,
                "position": None,
                "sku_meter": meter,
                "provider_name": match.provider_name if match else None,
                "model": match.model if match else None,
                "service_tier": tier,
                "consumed_quantity": quantity,
            }
            for position, (meter, quantity) in enumerate(charges(usage, case.reasoning_apart))
        ]
    text, number_type = pa.string(), pa.int64()
    schema = dict.fromkeys(("charge_id", "request_id", "position", "consumed_quantity"), number_type)
    schema |= dict.fromkeys(("sku_meter", "provider_name", "model", "service_tier"), text)
    with duckdb.connect() as connection:
        connection.register("charge", pa.Table.from_pylist(rows, schema=pa.schema(schema)))
        connection.register("request", pa.Table.from_pylist(requests))
        keys = [(match.provider_name, match.model)] if match else []
        connection.register("price", prices.arrow(keys))
        found = connection.sql(price_charges(), params={"undated_us": 0}).to_arrow_table().to_pylist()
    costs = {row["charge_id"]: row for row in found}
    assert len(found) == len(rows), "the price join must keep one row per charge"
    return [{**row, **costs[row["charge_id"]]} for row in rows]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_case_costs_what_was_worked_out_by_hand(case: Case) -> None:
    rows = priced(case)
    quantities = Counter[str]()
    for row in rows:
        quantities[row["sku_meter"]] += row["consumed_quantity"]
    assert quantities == {term.meter: term.quantity for term in case.terms}
    assert {row["sku_meter"] for row in rows if row["cost_pico"] is None} == set(case.unpriced)
    cost = sum(row["cost_pico"] or 0 for row in rows)
    assert Decimal(cost) / 10**12 == case.cost_usd
    tokens_fell_back = {row["tier_fallback"] for row in rows if row["cost_pico"] is not None}
    assert tokens_fell_back <= {case.fallback}


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_the_arithmetic_in_the_file_adds_up(case: Case) -> None:
    assert sum((term.cost_usd for term in case.terms), Decimal(0)) == case.cost_usd


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_doubts_are_flagged_and_only_doubts(case: Case) -> None:
    assert {flag for usage in usages(case) for flag in usage.flags} == set(case.flags)


def test_the_set_is_large_and_its_cases_have_names_of_their_own() -> None:
    assert len(cases()) >= 60
    assert len({case.id for case in cases()}) == len(cases())
    assert {path.stem for path in CASES.glob("*.toml")} == {case.group for case in cases()}


def test_the_document_is_up_to_date() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run python tests/cost/conformance.py"
