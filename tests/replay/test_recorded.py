from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.config import EndpointConfig
from audit.errors import ReplayError
from audit.prices.catalogue import Catalogue
from audit.replay import plan, replay
from audit.store import Store
from tests.replay.logs import Request, fill

SYSTEM = "You sort messages to a shop."


def messages(number: int) -> list[dict[str, str]]:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"message {number} of many"}]


def record(number: int) -> dict[str, object]:
    usage = {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105}
    if number % 2:
        return {"messages": messages(number), "answer": f"kind {number}", "usage": usage, "duration": 0.5,
                "time_to_first_chunk": 0.1}  # fmt: skip
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": f"kind {number}"}}
    return {"model": "gpt-4o-mini", "messages": messages(number), "duration": 0.5,
            "response": {"id": "chatcmpl-1", "model": "gpt-4o-mini", "choices": [choice], "usage": usage}}  # fmt: skip


def test_recorded_answers_stand_for_a_candidate(store: Store, catalogue: Catalogue, tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text("".join(json.dumps(record(number)) + "\n" for number in range(30)))
    fill(
        store, [Request("sort", f"message {number} of many", system=SYSTEM, input_tokens=3000) for number in range(40)]
    )
    endpoint = EndpointConfig("earlier", str(file), "recorded")
    made = plan(store, catalogue, sample=40, models=["earlier/gpt-4o-mini"], endpoints=[endpoint], floor=False)
    assert (made.sampled, made.expected_usd, made.worst_usd, made.needs_consent) == (40, 0.0, 0.0, False)
    result = replay(store, made, max_cost_usd=0.0)
    assert (result.answered, result.spent_usd) == (30, 0.0)
    assert [(each.count, each.example) for each in result.failed] == [(10, "no answer to this prompt is recorded")]
    assert result.notes == (f"answers of earlier are recorded ones, read from {file}",)
    rows = store.rows("SELECT * FROM replay WHERE status = 'ok'")
    assert {row["origin"] for row in rows} == {"recorded"}
    assert {row["text"] for row in rows} == {f"kind {number}" for number in range(30)}
    # compared at the model's list price, though nothing was billed
    assert {(row["cost_pico"], row["duration"]) for row in rows} == {(100 * 150_000 + 5 * 600_000, 0.5)}
    assert all("recorded earlier" in row["lossy"] for row in rows)
    again = plan(store, catalogue, sample=40, models=["earlier/gpt-4o-mini"], endpoints=[endpoint], floor=False)
    assert (again.reused, len(again.jobs)) == (30, 10)


def test_times_of_a_record_are_those_it_holds_and_no_others(store: Store, catalogue: Catalogue, tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    untimed = {key: value for key, value in record(3).items() if key not in ("duration", "time_to_first_chunk")}
    file.write_text("".join(json.dumps(each) + "\n" for each in (record(1), record(2), untimed)))
    fill(store, [Request("sort", f"message {number} of many", system=SYSTEM) for number in range(1, 4)])
    endpoint = EndpointConfig("earlier", str(file), "recorded")
    made = plan(store, catalogue, models=["earlier/gpt-4o-mini"], endpoints=[endpoint], floor=False)
    assert replay(store, made, max_cost_usd=0.0).answered == 3
    rows = store.rows("SELECT text, duration, time_to_first_chunk FROM replay ORDER BY text")
    assert [tuple(row.values()) for row in rows] == [
        ("kind 1", 0.5, 0.1),
        ("kind 2", 0.5, None),
        ("kind 3", None, None),
    ]


def test_a_file_that_holds_no_answers_is_an_error(store: Store, catalogue: Catalogue, tmp_path: Path) -> None:
    fill(store, [Request("sort", f"message {number} of many") for number in range(10)])
    file = tmp_path / "answers.jsonl"
    endpoint = EndpointConfig("earlier", str(file), "recorded")
    with pytest.raises(ReplayError, match="no recorded answers at"):
        plan(store, catalogue, models=["earlier/gpt-4o-mini"], endpoints=[endpoint])
    file.write_text(json.dumps(record(1)) + "\n" + json.dumps({"messages": messages(2)}) + "\n")
    made = plan(store, catalogue, models=["earlier/gpt-4o-mini"], endpoints=[endpoint], floor=False)
    with pytest.raises(ReplayError, match="line 2 is no recorded answer"):
        replay(store, made, max_cost_usd=0.0)
    file.write_text(json.dumps(record(1) | {"time_to_first_chunk": -1}) + "\n")
    with pytest.raises(ReplayError, match="line 1 is no recorded answer: time_to_first_chunk is -1"):
        replay(store, made, max_cost_usd=0.0)
