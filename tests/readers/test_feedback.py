"""Feedback reaches the call it was given on, whatever tracer kept it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audit.call import Call
from audit.readers._langfuse import read_trace
from audit.wire.feedback import outcome_of
from tests.readers.conftest import FIXTURES, decoded, reader_of

LOGS = FIXTURES / "logs"
EXPECTED = json.loads((LOGS / "expected.json").read_text())


def first_call(name: str, **added: Any) -> Call:
    """The first call of a fixture whose records were given something more."""
    for record in decoded(LOGS / EXPECTED[name]["files"][0]):
        more = {**record, **added}
        reader = reader_of(more)
        for each in reader.read(more) if reader else ():
            if isinstance(each, Call):
                return each
    raise AssertionError(name)


@pytest.mark.parametrize(
    ("name", "added", "expected"),
    [
        ("06a_helicone_jsonl", {"scores": {"helicone-score-feedback": 0}}, "0"),
        ("06a_helicone_jsonl", {"scores": {"helicone-score-feedback": {"value": 1, "valueType": "boolean"}}}, "1"),
        ("06a_helicone_jsonl", {"properties": {"Outcome": "escalated"}}, "escalated"),
        ("07b_langfuse_ui_jsonl", {"user-feedback": ["thumbs_down"], "toxicity": [0]}, "thumbs_down"),
        ("07b_langfuse_ui_jsonl", {"toxicity": [0.9]}, None),
        ("08a_langsmith_jsonl", {"feedback_stats": {"user_score": {"n": 3, "avg": 0.3333}}}, "negative"),
        ("08a_langsmith_jsonl", {"feedback_stats": {"user_score": {"n": 0, "avg": None}, "embedding": {"n": 1}}}, None),
        ("05a_litellm_spendlogs", {"request_tags": '["outcome:resolved"]'}, "resolved"),
        ("05a_litellm_spendlogs", {"metadata": {"requester_metadata": {"resolved": False}}}, "false"),
        ("05a_litellm_spendlogs", {"metadata": {"spend_logs_metadata": {"feedback": {"score": 1}}}}, "1"),
    ],
)  # fmt: skip
def test_feedback_becomes_the_outcome(name: str, added: dict[str, Any], expected: str | None) -> None:
    assert first_call(name, **added).outcome == expected


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([{"name": "user-feedback", "value": 1, "stringValue": "True", "dataType": "BOOLEAN"}], "True"),
        ([{"key": "user_score", "score": 0.0}], "0.0"),
        ({"helpful": 0.5}, "positive"),
        ({"resolved": True}, "true"),
        ('{"thumbs": "down"}', "down"),
        ([{"name": "faithfulness", "value": 0.1}, "noise", None], None),
        (None, None),
    ],
)
def test_scores_of_people_count_and_evaluations_do_not(scores: Any, expected: str | None) -> None:
    assert outcome_of(scores) == expected


def test_scores_of_a_langfuse_trace_reach_its_generations() -> None:
    generation = {"type": "GENERATION", "startTime": "2026-11-01T10:00:00Z", "model": "gpt-4o",
                  "usageDetails": {"input": 10, "output": 5}}  # fmt: skip
    trace = {
        "id": "t", "name": "chat",
        "observations": [{**generation, "id": "a", "traceId": "t"}, {**generation, "id": "b", "traceId": "t"}],
        "scores": [{"name": "user-feedback", "value": 1}, {"name": "user-feedback", "value": 0, "observationId": "b"}],
    }  # fmt: skip
    calls = [each for each in read_trace(trace) if isinstance(each, Call)]
    assert [call.outcome for call in calls] == ["1", "0"]
