from __future__ import annotations

import json
from typing import Any

import pytest

from audit.scorers import Answer, ToolCall
from audit.scoring import Scored, kind_of, observed, scoring
from audit.scoring.evidence import output_format


def passed(plant: Any) -> dict[int, bool | None]:
    return {row["replay_id"]: row["passed"] for row in plant.store.rows("SELECT replay_id, passed FROM score")}


def test_answers_of_several_kinds_are_scored_against_the_log(plant: Any) -> None:
    plant.workflow(1, "extraction")
    plant.workflow(2, "open")
    plant.workflow(3, "short_answer")
    extracted = plant.logged(1, '{"total": 12}')
    written = plant.logged(2, "Dear Ada, thank you for your letter. " * 12)
    short = plant.logged(3, "Paris", prompt="What is the capital of France?")
    good = plant.replayed(extracted, '{"total": 12.0}')
    bad = plant.replayed(extracted, '{"total": 13}', model="tiny-model")
    unsure = plant.replayed(written, "Dear Ada, many thanks for writing to us. " * 12)
    sentence = plant.replayed(short, "The capital of France is Paris.")
    failed = plant.replayed(short, "", status="failed", error="timeout: no answer", model="tiny-model")
    assert scoring(plant.store) == Scored(4, 2, 1, 1)
    assert passed(plant) == {good: True, bad: False, unsure: None, sentence: True}
    assert failed not in passed(plant)
    row = plant.store.rows("SELECT * FROM score WHERE replay_id = $id", id=bad)[0]
    assert (row["scorer"], row["task_kind"], row["reason"]) == ("extraction", "extraction", "1 of 1 fields differ")
    assert 0 <= row["score"] < 1


def test_scoring_again_finds_nothing_and_a_new_version_starts_over(plant: Any) -> None:
    plant.workflow(1, "short_answer")
    for number in range(5):
        plant.replayed(plant.logged(1, f"{number}"), f"{number}")
    seen: list[tuple[int, int]] = []
    assert scoring(plant.store, lambda done, total: seen.append((done, total))).scored == 5
    assert seen == [(5, 5)]
    assert scoring(plant.store) == Scored()
    plant.store.run("UPDATE score SET scorer_version = '0' WHERE replay_id <= 2")
    plant.store.write_rows(
        "score", [{"replay_id": 1, "scorer": "judge:x", "scorer_version": "1", "score": 1.0, "passed": True}]
    )
    assert scoring(plant.store).scored == 2
    assert plant.store.value("SELECT COUNT(*) FROM score") == 6, "old scores give way, a judge's stay"


def test_another_answer_than_one_the_log_marks_as_bad_is_undecided_unless_nobody_could_use_it(plant: Any) -> None:
    plant.workflow(1, "short_answer")
    bad = plant.logged(1, "12", prompt="How many?", outcome="thumbs_down")
    handed_over = plant.logged(1, "13", prompt="How many more?", outcome="escalated")
    other, empty = plant.replayed(bad, "14"), plant.replayed(bad, "", model="tiny-model")
    same, wrong = plant.replayed(bad, "12", model="third-model"), plant.replayed(handed_over, "14")
    scoring(plant.store)
    assert passed(plant) == {other: None, empty: False, same: True, wrong: False}


def test_labels_are_closed_by_the_log(plant: Any) -> None:
    plant.workflow(1, "classification")
    ids = [plant.logged(1, ("billing", "Refund")[number % 2]) for number in range(24)]
    right = plant.replayed(ids[0], "Billing.")
    other = plant.replayed(ids[2], "refund")
    unknown = plant.replayed(ids[4], "complaint")
    scoring(plant.store)
    assert passed(plant) == {right: True, other: False, unknown: False}


def test_labels_are_closed_for_a_model_whatever_another_one_says_around_them(plant: Any) -> None:
    plant.workflow(1, "classification")
    ids = [plant.logged(1, ("billing", "refund")[number % 2]) for number in range(24)]
    for number in range(24):
        plant.logged(1, f"It is about billing, see page {number}.", model="wordy-model")
    unknown = plant.replayed(ids[0], "The category is complaint.")
    scoring(plant.store)
    assert passed(plant) == {unknown: False}


def test_few_or_ever_new_labels_leave_the_set_open(plant: Any) -> None:
    plant.workflow(1, "classification")
    ids = [plant.logged(1, f"label {chr(97 + number % 26)}{chr(97 + number // 26)}") for number in range(40)]
    unsure = plant.replayed(ids[0], "complaint")
    scoring(plant.store)
    assert passed(plant) == {unsure: None}


def test_the_requests_schema_and_tools_are_known_to_the_scorers(plant: Any) -> None:
    plant.workflow(1, "extraction")
    plant.workflow(2, "tool_call")
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "x": {"type": "string"}}, "required": ["n"]}
    asked = {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}}
    extracted = plant.logged(1, '{"n": 1, "x": "a"}', parameters=asked)
    broken = plant.replayed(extracted, '{"n": "1", "x": "a"}')
    tool = {"type": "function", "function": {"name": "find", "parameters": {"type": "object", "required": ["q"]}}}
    call = {"name": "find", "arguments": {"q": "cats", "k": 1}}
    called = plant.logged(2, "", calls=(call,), tools=(tool,))
    same = plant.replayed(called, "", calls=[{"name": "find", "arguments": json.dumps(call["arguments"])}])
    less = plant.replayed(called, "", calls=[{"name": "find", "arguments": {"k": 1}}], model="tiny-model")
    scoring(plant.store)
    assert passed(plant) == {broken: False, same: True, less: False}
    assert "schema" in plant.store.value("SELECT reason FROM score WHERE replay_id = $id", id=less)


def test_text_dropped_for_privacy_leaves_answers_undecided(plant: Any) -> None:
    plant.workflow(1, "short_answer")
    answer = plant.replayed(plant.logged(1, "Paris", keep_text=False), "Paris")
    scoring(plant.store)
    assert passed(plant) == {answer: None}


@pytest.mark.parametrize(
    ("kind", "reference", "expected"),
    [
        ("tool_call", Answer("", (ToolCall("f", {}),)), "tool_call"),
        ("classification", Answer("", (ToolCall("f", {}),)), "tool_call"),
        ("tool_call", Answer("It is done."), "short_answer"),
        ("tool_call", Answer("It is done. " * 40), "open"),
        ("mixed", Answer('{"a": 1}'), "extraction"),
        ("summary", Answer('{"a": 1}'), "extraction"),
        ("classification", Answer('{"a": 1}'), "classification"),
        ("extraction", Answer("none found"), "short_answer"),
        ("mixed", Answer("```python\npass\n```"), "code"),
        (None, Answer("Paris"), "short_answer"),
        ("short_answer", Answer("SELECT name FROM towns"), "code"),
        ("classification", Answer("df.groupby('town').sum()"), "code"),
        ("rewrite", Answer("```cypher\nMATCH (n) RETURN n\n```"), "code"),
        ("drafting", Answer("Dear Ada"), "drafting"),
        ("no such kind", Answer("Dear Ada"), "open"),
    ],
)
def test_kind_follows_the_workflow_unless_the_answer_has_another_shape(
    kind: str | None, reference: Answer, expected: str
) -> None:
    assert kind_of(kind, reference) == expected


SCHEMA = {"type": "object", "properties": {"a": {}}}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}, (SCHEMA, True)),
        ({"response_format": {"type": "json_object"}}, (None, True)),
        ({"response_format": {"type": "text"}}, (None, False)),
        ({"text": {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}}}, (SCHEMA, True)),
        ({"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, (SCHEMA, True)),
        ({"response_mime_type": "application/json", "response_schema": SCHEMA}, (SCHEMA, True)),
        ({"response_mime_type": "application/json"}, (None, True)),
        ({"format": "json"}, (None, True)),
        ({"format": SCHEMA}, (SCHEMA, True)),
        ({"temperature": 0}, (None, False)),
        ("not an object", (None, False)),
    ],
)
def test_output_formats_of_every_flavour(parameters: Any, expected: Any) -> None:
    assert output_format(parameters) == expected


def test_a_prompt_answered_by_two_models_is_a_natural_experiment(plant: Any) -> None:
    plant.workflow(1, "short_answer")
    for number in range(6):
        plant.logged(1, f"{number}", prompt=f"question {number}")
        plant.logged(
            1, f"{number if number else 'no idea'}", prompt=f"question {number}", model="small", cost_usd=0.002
        )
    plant.logged(1, "7", prompt="only asked once")
    assert observed(plant.store) == 6
    rows = plant.store.rows("SELECT * FROM replay ORDER BY replay_id")
    assert {(row["current_model"], row["model"], row["endpoint"], row["origin"]) for row in rows} == {
        ("big-model", "small", "log", "observed")
    }
    assert {row["cost_pico"] for row in rows} == {0}
    assert rows[0]["text"] == "no idea"
    assert scoring(plant.store) == Scored(6, 5, 0, 1)
    assert observed(plant.store) == 0, "what is known is not written again"


def test_too_few_pairs_or_a_dearer_model_are_no_experiment(plant: Any) -> None:
    plant.workflow(1, "short_answer")
    for number in range(4):
        plant.logged(1, "a", prompt=f"question {number}")
        plant.logged(1, "a", prompt=f"question {number}", model="small", cost_usd=0.002)
    assert observed(plant.store) == 0
