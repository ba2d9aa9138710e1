"""Measures on planted logs with answers worked out by hand."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tests.planting import MINUTE, PRICES, START, Plant

COST = 1000 * PRICES["input"] + 100 * PRICES["output"]


def measured(plant: Plant, name: str) -> list[dict[str, Any]]:
    return plant.store.rows(import_module(f"audit.measures.{name}").MEASURE.query)


def test_waiting_merges_equal_requests_of_one_window() -> None:
    plant = Plant()
    for at, key in (
        (0, 1),
        (MINUTE // 2, 1),
        (MINUTE, 1),
        (9 * MINUTE, 1),
        (11 * MINUTE, 1),
        (MINUTE, 2),
        (50 * MINUTE, 2),
    ):
        plant.call(at_us=START + at, key=key)
    plant.call(at_us=START, key=None)
    rows = {row["minutes"]: (row["merged"], int(row["cost_pico"])) for row in measured(plant, "waiting_windows")}
    assert rows == {1: (1, COST), 10: (3, 3 * COST), 60: (5, 5 * COST)}


def test_peaks_and_calls_in_flight() -> None:
    plant = Plant()
    for at, seconds in ((0, 30), (10, 10), (20, 5), (25, 40), (90, 1)):
        plant.call(at_us=START + at * 1_000_000, duration=float(seconds))
    plant.call(at_us=START, status="failed", error_type="RateLimitError: 429", input_tokens=0, output_tokens=0)
    plant.call(at_us=START, status="failed", error_type="BadRequest", input_tokens=0, output_tokens=0)
    (row,) = measured(plant, "ceilings")
    assert (row["calls"], row["requests_per_minute"], row["tokens_per_minute"]) == (7, 6, 4400)
    assert row["in_flight"] == 2, "an answer that ends when another call starts makes room for it"
    assert (row["throttled"], row["throttled_share"]) == (1, 1 / 7)


def test_users_far_above_the_others() -> None:
    plant = Plant()
    for number in range(40):
        plant.call(at_us=START, user_id=f"u{number}")
    for _ in range(11):
        plant.call(at_us=START, user_id="heavy")
    plant.call(at_us=START, user_id=None)
    (row,) = measured(plant, "heavy_users")
    assert (row["key"], row["requests"], row["times_middle"], row["share"]) == ("heavy", 11, 11.0, 11 / 51)
    few = Plant()
    for number in range(12):
        few.call(at_us=START, user_id="a" if number else "b")
    assert measured(few, "heavy_users") == []


def test_answers_cut_off() -> None:
    plant = Plant()
    for reason, workflow in (("length", 1), ("stop", 1), ("MAX_TOKENS", 2), (None, 2)):
        plant.call(at_us=START, finish_reason=reason, workflow_id=workflow, request_max_tokens=100)
    rows = measured(plant, "cut_off_answers")
    assert [(row["key"], row["requests"], row["cut_off"], int(row["cost_pico"])) for row in rows] == [
        ("search", 2, 1, COST),
        ("support", 2, 1, COST),
    ]
