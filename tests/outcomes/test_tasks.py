"""Tasks, their success, and what was spent in vain."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from audit.outcomes import Outcomes, outcomes
from audit.summary import rows_of
from tests.planting import PRICES, START, Plant

SECOND = 1_000_000
CENT = 10_000_000_000


def ask(plant: Plant, at_s: float, cents: float, *, key: int = 1, ok: bool = True, **columns: Any) -> None:
    """An attempt at second `at_s` of this price."""
    tokens = round(cents * CENT / PRICES["input"])
    if not ok:
        columns = {"status": "failed", "finish_reason": None, **columns}
    plant.call(
        at_us=START + round(at_s * SECOND), key=key, input_tokens=tokens, output_tokens=0,
        **{"user_id": f"u{key}", **columns},
    )  # fmt: skip


def worked_example() -> Plant:
    """Nine calls of five users for 25 cents: four tasks succeed."""
    plant = Plant()
    for key, at_s, cents, ok in (
        (1, 0, 2, False), (1, 8, 2, True), (2, 5, 3, True), (3, 9, 4, True), (3, 100, 4, True), (4, 20, 1, False),
        (4, 30, 1, False), (4, 50, 6, True), (5, 60, 2, False),
    ):  # fmt: skip
        ask(plant, at_s, cents, key=key, ok=ok)
    return plant


def wasted(result: Outcomes) -> dict[str, tuple[int, float]]:
    return {each.reason: (each.requests, each.cost_pico / CENT) for each in result.waste}


def test_the_worked_example() -> None:
    result = outcomes(worked_example().store)
    assert (result.tasks, result.successes, result.repeats) == (5, 4, 4)
    assert result.repeat_cost_pico == 8 * CENT
    assert wasted(result) == {"failed": (1, 2.0), "regenerated": (1, 4.0), "retried": (3, 4.0)}
    (row,) = result.by_workflow
    assert row.cost_pico == 25 * CENT
    assert row.per_success_pico == pytest.approx(6.25 * CENT)
    assert row.wasted_pico == 10 * CENT


def test_measures_say_the_same_as_the_stage() -> None:
    store = worked_example().store
    rows = rows_of(store, import_module("audit.measures.waste").MEASURE)
    assert {row["key"]: (row["requests"], float(row["cost_pico"]) / CENT) for row in rows} == wasted(outcomes(store))
    (row,) = rows_of(store, import_module("audit.measures.cost_per_success").MEASURE)
    assert (row["tasks"], row["successes"], row["share"], row["per_success_pico"]) == (5, 4, 0.8, 6.25 * CENT)


@pytest.mark.parametrize(
    ("answer", "succeeds"),
    [
        ("I'm sorry, but I can't help with that request.", 0),
        ("Es tut mir leid, aber ich kann dazu nichts sagen.", 0),
        ("很抱歉，我无法回答这个问题。", 0),
        ("申し訳ありませんが、そのご質問にはお答えできません。", 0),
        ("Sorry for the wait! Your parcel arrives on Monday.", 1),
        ("I'm sorry, but I can't see the order here. " + "What helps is to look into the parcel's history. " * 15, 1),
    ],
)
def test_a_refusal_is_no_success(answer: str, succeeds: int) -> None:
    plant = Plant()
    ask(plant, 0, 3)
    plant.segment(1, 1, answer, 10, "answer", "output")
    result = outcomes(plant.store)
    assert (result.tasks, result.successes) == (1, succeeds)
    assert wasted(result) == ({} if succeeds else {"failed": (1, 3.0)})


@pytest.mark.parametrize(("gap_s", "reason"), [(59, "retried"), (60, "regenerated"), (599, "regenerated")])
def test_asked_again_after_an_answer(gap_s: int, reason: str) -> None:
    plant = Plant()
    ask(plant, 0, 3)
    ask(plant, gap_s, 3)
    assert wasted(outcomes(plant.store)) == {reason: (1, 3.0)}


def test_after_ten_minutes_it_is_another_task() -> None:
    plant = Plant()
    ask(plant, 0, 3)
    ask(plant, 601, 3)
    result = outcomes(plant.store)
    assert (result.tasks, wasted(result)) == (2, {})


def test_a_fallback_to_another_model_is_one_task_and_another_user_is_not() -> None:
    plant = Plant()
    ask(plant, 0, 0, ok=False, request_model="big")
    ask(plant, 3, 2, request_model="small")
    ask(plant, 4, 2, user_id="somebody else")
    result = outcomes(plant.store)
    assert (result.tasks, result.successes) == (2, 2)


def test_what_failed_in_the_end_is_in_vain_altogether() -> None:
    plant = Plant()
    ask(plant, 0, 3, key=1)
    ask(plant, 5, 3, key=1, outcome="thumbs_down")
    ask(plant, 0, 2, key=2, finish_reason="content_filter")
    ask(plant, 0, 1, key=3, outcome="resolved")
    result = outcomes(plant.store)
    assert (result.tasks, result.successes) == (3, 1)
    assert wasted(result) == {"failed": (3, 8.0)}


def test_without_users_every_call_is_a_task() -> None:
    plant = Plant()
    for at in (0, 1, 2):
        ask(plant, at, 1, user_id=None)
    assert outcomes(plant.store).tasks == 3


def test_a_fallback_of_nobody_in_particular() -> None:
    """Without users only a call that failed is followed up, and only for a minute."""
    plant = Plant()
    for at_s, ok in ((0, False), (30, True), (40, True), (200, False), (290, True)):
        ask(plant, at_s, 1, ok=ok, user_id=None)
    result = outcomes(plant.store)
    assert (result.tasks, result.successes, result.repeats) == (4, 3, 1)
    assert wasted(result) == {"failed": (1, 1.0), "retried": (1, 1.0)}


def test_the_steps_of_a_trace_are_one_task() -> None:
    plant = Plant()
    for trace, outcome in (("a", "done"), ("b", "handed_over")):
        for step in range(4):
            ask(plant, step * 20, 1, key=step, user_id=None, trace_id=trace, outcome=outcome if step == 3 else None)
    ask(plant, 90 + 600, 1, key=9, user_id=None, trace_id="a")
    result = outcomes(plant.store)
    assert (result.tasks, result.successes, result.repeats) == (3, 2, 0)
    assert wasted(result) == {"failed": (4, 4.0)}


def test_a_trace_without_texts_ties_a_fallback_to_what_failed() -> None:
    plant = Plant()
    ask(plant, 0, 1, ok=False, question_key=None, trace_id="t", request_model="big")
    ask(plant, 5, 2, question_key=None, trace_id="t", request_model="small")
    result = outcomes(plant.store)
    assert (result.tasks, result.successes) == (1, 1)
    assert wasted(result) == {"retried": (1, 1.0)}


def test_a_trace_that_is_the_conversation_ties_nothing() -> None:
    plant = Plant()
    for turn in range(3):
        ask(plant, turn * 30, 1, key=turn, conversation_id="c", trace_id="c")
    assert outcomes(plant.store).tasks == 3


def test_reading_the_error_of_a_tool_is_in_vain() -> None:
    plant = Plant()
    for step, text in enumerate(("Error: the order service timed out", '{"stock": 3}', "No error: all is well")):
        call = plant.call(at_us=START + step * SECOND, key=step, input_tokens=CENT // PRICES["input"], output_tokens=0,
                          trace_id="t")  # fmt: skip
        plant.segment(call, 0, "Pack the order", 4)
        plant.segment(call, 1, text, 8, kind="tool_result")
    assert wasted(outcomes(plant.store)) == {"tool failed": (1, 1.0)}


@pytest.mark.parametrize(
    ("told", "successes"),
    [(("1", "0"), 1), (("1", "5"), 1), (("2", "3"), 1), (("4", "10"), 1), (("5", "8"), 2), (("true", "👎"), 1),
     (("resolved", "Escalated"), 1), (("pending", "unknown"), 2), (("0.5", "1.0"), 2)],
)  # fmt: skip
def test_what_feedback_says(told: tuple[str, str], successes: int) -> None:
    plant = Plant()
    for key, outcome in enumerate(told):
        ask(plant, 0, 1, key=key, outcome=outcome)
    assert outcomes(plant.store).successes == successes


def test_feedback_on_an_answer_that_was_generated_again_does_not_count() -> None:
    plant = Plant()
    ask(plant, 0, 3, outcome="thumbs_down")
    ask(plant, 90, 3)
    ask(plant, 0, 1, key=2, ok=False, outcome="resolved")
    result = outcomes(plant.store)
    assert (result.tasks, result.successes) == (2, 2)
    assert wasted(result) == {"regenerated": (1, 3.0), "retried": (1, 1.0)}
