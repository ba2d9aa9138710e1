"""Whole records through the command line: read, counted, priced, to the last digit."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from audit import store as stores
from audit.__main__ import run
from tests.cost.conformance import Whole, records

Charges = dict[str, list[dict[str, Any]]]
_CHARGES = "SELECT r.line, c.* FROM charge AS c JOIN request AS r ON r.request_id = c.request_id"


@pytest.fixture(scope="module")
def charges(tmp_path_factory: pytest.TempPathFactory) -> Charges:
    """Every record's charges, by the id of its case.

    A few calls from the future in a log of the past have a broken clock; those of prices to come are another log.
    """
    now = datetime.now(UTC).isoformat()
    to_come = [whole for whole in records() if whole.at[:1].isdigit() and whole.at >= now]
    past = [whole for whole in records() if whole not in to_come]
    found: Charges = {whole.id: [] for whole in records()}
    for wholes in filter(None, (past, to_come)):
        folder = tmp_path_factory.mktemp("records")
        (folder / "log.jsonl").write_text("\n".join(whole.record for whole in wholes) + "\n", encoding="utf-8")
        db = folder / "a.duckdb"
        assert run(["ingest", str(folder / "log.jsonl"), "--db", str(db), "--strict", "--json"]) == 0
        with stores.open(db) as store:
            for row in store.rows(_CHARGES):
                found[wholes[row["line"] - 1].id].append(row)
    return found


@pytest.mark.parametrize("whole", records(), ids=lambda whole: whole.id)
def test_record_costs_what_was_worked_out_by_hand(whole: Whole, charges: Charges) -> None:
    rows = [row for row in charges[whole.id] if row["sku_meter"] != "billed_adjustment"]
    quantities = Counter[str]()
    for row in rows:
        quantities[row["sku_meter"]] += row["consumed_quantity"]
    assert quantities == {term.meter: term.quantity for term in whole.terms}
    unpriced = {term.meter for term in whole.terms if term.unit_price_usd is None}
    assert {row["sku_meter"] for row in rows if row["cost_pico"] is None} == unpriced
    cost = sum(Decimal(row["cost_pico"] or 0) for row in charges[whole.id]) / 10**12
    assert cost == whole.cost_usd
    assert not any(row["tier_fallback"] or row["estimated"] for row in rows)


@pytest.mark.parametrize("whole", records(), ids=lambda whole: whole.id)
def test_the_arithmetic_of_a_record_adds_up(whole: Whole) -> None:
    by_hand = sum((term.cost_usd for term in whole.terms), Decimal(0))
    assert whole.cost_usd == (by_hand if whole.reported_usd is None else whole.reported_usd)


def test_records_have_names_of_their_own() -> None:
    assert len({whole.id for whole in records()}) == len(records()) >= 40
