"""What the response caches say: three workflows first, with an example; true as well where nothing can be compared."""

from __future__ import annotations

from typing import Any

import pytest

from tests.levers.bench import findings, lever, saved
from tests.planting import DAY, MINUTE, PRICES, START, Plant

COST = 1000 * PRICES["input"] + 100 * PRICES["output"]
EXACT, NORMALISED = lever("exact_cache"), lever("normalised_cache")


def repeated(workflow: int, times: int, *, every: int = 10 * MINUTE, answers: bool = True, **columns: Any) -> Plant:
    plant = Plant()
    ask(plant, workflow, times, every=every, answers=answers, **columns)
    return plant


def ask(
    plant: Plant, workflow: int, times: int, *, every: int = 10 * MINUTE, answers: bool = True, **columns: Any
) -> None:
    for number in range(times):
        answer = {"output_normalised_hash": workflow} if answers else {}
        plant.call(
            at_us=START + number * every, key=workflow, workflow_id=workflow, external_id=f"w{workflow}-{number}",
            texts=((f"What are the opening hours of shop {workflow}?", 30),), **{**answer, **columns},
        )  # fmt: skip


def test_the_three_workflows_worth_most_are_named_first() -> None:
    plant = Plant()
    plant.add("workflow", {"workflow_id": 3, "name": "third"}, {"workflow_id": 4, "name": "fourth"})
    for workflow, times in ((1, 5), (2, 40), (3, 20), (4, 10)):
        ask(plant, workflow, times)
    store = plant.store
    assert saved(store, EXACT) == (4 + 39 + 19 + 9) * COST
    said = findings(store, EXACT)
    assert [line.split(": ")[:2] for line in said[:3]] == [
        ["cache first", "search"],
        ["then", "third"],
        ["then", "fourth"],
    ]
    assert "39 of 40 requests were answered before, $0.11;" in said[0]
    assert "100.0 % of 39 repeated questions got the same answer again" in said[0]
    assert "the commonest question came 40 times, first in w2-0" in said[0]
    assert not any(line.startswith(("cache first: support", "then: support")) for line in said)


@pytest.mark.parametrize("chosen", [EXACT, NORMALISED])
def test_answers_that_were_not_logged_are_not_compared(chosen: Any) -> None:
    store = repeated(1, 5, answers=False).store
    assert saved(store, chosen) == 4 * COST
    said = findings(store, chosen)[0]
    assert "too few to prove how long answers keep" in said
    assert "got the same answer" not in said


def test_hits_that_cost_nothing_are_no_finding() -> None:
    plant = Plant()
    for number in range(5):
        plant.call(
            at_us=START + number * MINUTE, key=7, input_tokens=0, output_tokens=0, output_normalised_hash=1,
            texts=(("What are the opening hours?", 30),),
        )  # fmt: skip
    store = plant.store
    assert saved(store, EXACT) == 0
    assert not any(line.startswith("cache first") for line in findings(store, EXACT))


def test_a_log_without_repetitions_has_nothing_to_say() -> None:
    plant = Plant()
    for number in range(5):
        plant.call(at_us=START + number * MINUTE, key=number, texts=((f"Question {number}", 30),))
    store = plant.store
    assert saved(store, EXACT) == 0
    assert findings(store, EXACT) == []


def test_a_stated_life_is_played_and_named() -> None:
    store = repeated(1, 5, every=DAY // 2).store
    assert saved(store, EXACT, ttl_s=50_000) == 2 * COST
    assert "entries live 50,000 s as stated" in findings(store, EXACT, ttl_s=50_000)[0]


def test_what_was_refused_is_listed_with_its_reason_and_cost() -> None:
    plant = Plant()
    for number in range(6):
        plant.call(at_us=START + number * 20 * MINUTE, key=5, texts=(("What is the weather today?", 30),))
    store = plant.store
    assert saved(store, EXACT) == 0
    assert findings(store, EXACT) == [
        "not from a cache, because the right answer changes with time (today, latest, weather, prices, stock): support"
        " 5 requests $0.0140"
    ]
