"""Changes of daily spend are dated and explained; ordinary noise is not called a change."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from audit.checking import Anomaly, anomalies, checking, limits
from tests.planting import DAY, START, Plant

Shape = tuple[int, int, int]
"""Requests, input tokens each, workflow."""


def log(shape: Callable[[int], list[Shape]], days: int = 28, seed: int = 1) -> Plant:
    plant, dice = Plant(), random.Random(seed)
    for day in range(days):
        for requests, tokens, workflow in shape(day):
            plant.call(
                at_us=START + day * DAY, input_tokens=round(requests * tokens * dice.uniform(0.92, 1.08)),
                output_tokens=0, workflow_id=workflow,
            )  # fmt: skip
    return plant


def found(shape: Callable[[int], list[Shape]], **values: int) -> list[tuple[str, int]]:
    return [(each.kind, each.day - START // DAY) for each in anomalies(log(shape, **values).store)]


def the_one(plant: Plant) -> Anomaly:
    (only,) = anomalies(plant.store)
    difference = only.after_pico - only.before_pico
    assert sum(pico for _, pico in only.causes) == difference
    assert sum(pico for _, pico in only.workflows) == pytest.approx(difference, abs=10)
    return only


def test_even_days_are_no_change() -> None:
    assert sum(len(found(lambda day: [(10, 1000, 1)], seed=seed)) for seed in range(12)) == 0


def test_a_weekly_pattern_is_no_change() -> None:
    assert found(lambda day: [(10 if day % 7 < 5 else 4, 1000, 1)]) == []


def test_a_new_level_is_dated_and_its_workflow_named() -> None:
    only = the_one(log(lambda day: [(10, 1000, 1), (10, 1000 if day < 18 else 3000, 2)]))
    assert (only.kind, only.day - START // DAY) == ("level", 18)
    assert only.rise == pytest.approx(1.0, abs=0.1)
    assert max(only.causes, key=lambda each: each[1])[0] == "tokens_per_request"
    assert only.workflows[0][0] == "search"
    assert "From 2024-10-22 on" in only.sentence
    assert "search (+$" in only.sentence


def test_the_causes_of_a_new_level_leave_single_days_out() -> None:
    plant = Plant()
    for day in range(28):
        for _ in range(40 if day == 6 else 10 if day < 16 else 20):
            plant.call(at_us=START + day * DAY, input_tokens=1000, output_tokens=0)
    spike, level = anomalies(plant.store)
    a_request = 1000 * 2_000_000
    assert [(spike.before_pico, spike.after_pico), (level.before_pico, level.after_pico)] == [
        (10 * a_request, 40 * a_request), (10 * a_request, 20 * a_request),
    ]  # fmt: skip
    for each in (spike, level):
        assert dict(each.causes)["volume"] == each.after_pico - each.before_pico


def test_more_requests_are_told_from_longer_ones() -> None:
    plant = Plant()
    for day in range(20):
        for _ in range(3 if day < 12 else 9):
            plant.call(at_us=START + day * DAY, input_tokens=1000, output_tokens=0)
    only = the_one(plant)
    assert dict(only.causes) == {"volume": 6 * 2_000_000_000, "mix": 0, "tokens_per_request": 0, "price": 0}


def test_one_odd_day_is_a_spike_and_no_new_level() -> None:
    assert found(lambda day: [(10, 1000 if day != 13 else 5000, 1)]) == [("spike", 13)]
    assert found(lambda day: [(10, 1000 if day != 13 else 1400, 1)]) == []


def test_a_rise_can_be_limited() -> None:
    store = log(lambda day: [(10, 1000 if day < 14 else 2000, 1)]).store
    result = checking(store, limits({"rise": 0.5}))
    assert [(each.limit.quantity, each.when) for each in result.breaches] == [("rise", "2024-10-18")]
    assert not checking(store, limits({"rise": 1.5})).breaches
    falling = log(lambda day: [(10, 2000 if day < 14 else 1000, 1)]).store
    assert not checking(falling, limits({"rise": 0.1})).breaches


def test_a_short_or_empty_log_has_no_usual_level() -> None:
    assert anomalies(Plant().store) == ()
    assert found(lambda day: [(10, 1000 * (1 + day), 1)], days=2) == []
