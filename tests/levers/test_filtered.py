"""Traffic that needs no model: what is filtered, and what only looks like it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from audit.levers.filtered import is_regular, says_test
from tests.levers.bench import findings, lever, saved
from tests.planting import MINUTE, PRICES, START, Plant

COST = 1000 * PRICES["input"] + 50 * PRICES["output"]
CHOSEN = lever("filtered")


def ask(plant: Plant, text: str, at: int, key: int = 0, answer: int = 1, **columns: Any) -> None:
    columns = {"output_tokens": 50, **columns}
    request = plant.call(at_us=START + at, key=key or plant.calls + 1_000, output_normalised_hash=answer, **columns)
    plant.segment(request, 0, text, 3)
    if plant.added.get("content"):
        plant.added["content"][-1]["characters"] = len(plant.added["content"][-1]["text"])


def test_health_checks_by_word_and_by_clock() -> None:
    plant, dice = Plant(), random.Random(1)
    for number in range(30):
        ask(plant, "ping", number * 7919 * MINUTE)
        ask(
            plant,
            "What is the capital of France?",
            number * 60 * MINUTE + dice.randint(0, MINUTE),
            key=5,
            input_tokens=10,
        )
        ask(plant, "Where is my order?", int(dice.expovariate(1) * 900 * MINUTE), key=6, input_tokens=10)
        ask(plant, "Say hi", number * 60 * MINUTE, key=7, input_tokens=10, user_id="u1")
    expected = 30 * COST + 30 * (10 * PRICES["input"] + 50 * PRICES["output"])
    store = plant.store
    assert saved(store, CHOSEN) == expected
    assert findings(store, CHOSEN)[0].startswith("support: 60 requests are health checks of a monitor")


def test_tests_on_the_key_of_production() -> None:
    plant = Plant()
    for environment, key in (("production", "a"), ("staging", "a"), ("qa", "b"), ("", "a"), ("latest", "a")):
        ask(plant, "hello there", 0, environment=environment, api_key_hash=key)
    store = plant.store
    assert saved(store, CHOSEN) == COST, "the key b is the tests' own"
    assert "1 request is from a test environment" in findings(store, CHOSEN)[0]


@pytest.mark.parametrize(
    ("name", "test"),
    [("staging", True), ("eu-dev-2", True), ("CI", True), ("load_test", True), ("production", False), ("latest", False),
     ("devices", False), ("contest", False), ("", False)],
)  # fmt: skip
def test_names_of_environments(name: str, test: bool) -> None:
    assert says_test(name) is test


def gibberish(hits: int, agree: int) -> Plant:
    plant = Plant()
    for number in range(hits):
        ask(
            plant,
            ("asdf jkl asdf", "qwe qwe rtz 000")[number % 2],
            number * MINUTE,
            answer=1 if number < agree else number,
        )
    for number in range(50):
        ask(plant, f"Where is order {number}?", number * MINUTE, answer=number)
    return plant


def test_gibberish_only_if_the_answers_prove_the_rule() -> None:
    few = gibberish(15, 15).store
    assert saved(few, CHOSEN) == 0
    assert "not filtered" in findings(few, CHOSEN)[-1]
    assert saved(few, CHOSEN, cost_of_wrong_usd=0.01) == 15 * COST
    assert "is right in 85.8 % at least; it pays from 76.0 % on: filtered" in findings(few, CHOSEN)[-1]
    assert saved(gibberish(400, 400).store, CHOSEN, cost_of_wrong_usd=0.1) == 400 * COST
    assert saved(gibberish(400, 300).store, CHOSEN, cost_of_wrong_usd=0.1) == 0


def test_a_wrong_deflection_can_cost_more_than_the_filter_saves() -> None:
    # 9,600 hits at $.012 against 3 % wrong ones at $.50 each: $115.20 - $144
    hits, cost, wrong, precision = 9_600, 0.012, 0.5, 0.97
    assert hits * cost - hits * (1 - precision) * wrong < 0
    assert precision < 1 - cost / wrong, "so the rule stays below the precision it needs"


def test_regular() -> None:
    dice = random.Random(2)
    assert is_regular(number * 60_000_000 + dice.randint(0, 3_000_000) for number in range(40))
    assert is_regular(number * 60_000_000 for number in range(60) if number % 7)
    assert not is_regular(int(dice.expovariate(1e-9)) + number * 10**7 for number in range(60))
    assert not is_regular(number * 60_000_000 for number in range(5))
    assert not is_regular([0] * 50)
