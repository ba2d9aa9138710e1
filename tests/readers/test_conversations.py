"""Published conversations: a call for each answer, all before it its prompt."""

from __future__ import annotations

from typing import Any

from audit.call import Call
from audit.readers.conversations import READER
from audit.wire.times import to_us

TURNS = [
    {"role": "user", "content": "one", "hashed_ip": "abc"},
    {"role": "assistant", "content": "two", "timestamp": "2023-04-12T00:00:05+00:00"},
    {"role": "user", "content": "three", "hashed_ip": "abc"},
    {"role": "assistant", "content": "four", "timestamp": "2023-04-12T00:01:05+00:00"},
]


def calls(record: dict[str, Any]) -> list[Call]:
    found = list(READER.read(record))
    assert all(isinstance(each, Call) for each in found)
    return [each for each in found if isinstance(each, Call)]


def test_each_answer_of_a_conversation_is_a_call() -> None:
    record = {"conversation_hash": "c1", "model": "gpt-4-0314", "timestamp": "2023-04-12T00:02:00+00:00",
              "conversation": TURNS, "turn": 2, "language": "English"}  # fmt: skip
    assert READER.detect(record) > 0
    first, second = calls(record)
    assert [segment.text for segment in first.segments] == ["one", "two"]
    assert [(segment.kind, segment.text) for segment in second.segments] == [
        ("history", "one"), ("history", "two"), ("user", "three"), ("answer", "four")
    ]  # fmt: skip
    assert (second.usage, second.text_status, second.user) == (None, "full", "abc")
    assert second.started_at_us == to_us("2023-04-12T00:01:05Z")
    assert len({first.native_id, second.native_id}) == 2


def test_both_sides_of_an_arena_battle_are_called() -> None:
    record = {"question_id": "q1", "model_a": "gpt-4", "model_b": "claude-v1", "conversation_a": TURNS,
              "conversation_b": TURNS[:2], "tstamp": 1682351591.1322}  # fmt: skip
    assert [call.request_model for call in calls(record)] == ["gpt-4", "gpt-4", "claude-v1"]


def test_what_no_model_is_named_for_or_was_counted_as_one_is_left_to_others() -> None:
    assert READER.detect({"id": "x", "conversations": [{"from": "human", "value": "hi"}]}) == 0
    assert READER.detect({"model": "gpt-4o", "conversation": TURNS, "usage": {"prompt_tokens": 3}}) == 0
    assert READER.detect({"model": "gpt-4o", "conversation": "c1"}) == 0
