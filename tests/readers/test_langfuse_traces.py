"""Whole Langfuse traces: their generations are the calls, and what only the trace says belongs to each."""

from __future__ import annotations

from typing import Any

import pytest

from audit.call import Call, Skip
from audit.readers.langfuse_api import READER

OBSERVATIONS = [
    {"id": "o-1", "traceId": "t-1", "type": "SPAN", "startTime": "2026-09-01T10:00:00.000Z"},
    {"id": "o-2", "traceId": "t-1", "type": "GENERATION", "parentObservationId": "o-1", "model": "gpt-4o",
     "startTime": "2026-09-01T10:00:00.000Z", "endTime": "2026-09-01T10:00:01.000Z", "output": "hi",
     "input": [{"role": "user", "content": "hello"}],
     "usageDetails": {"input": 80, "input_cached_tokens": 20, "output": 10, "total": 110}},
]  # fmt: skip
TRACE = {"id": "t-1", "name": "faq", "timestamp": "2026-09-01T10:00:00.000Z", "userId": "u-7", "sessionId": "s-1",
         "tags": ["team:care"], "totalCost": 0.1}  # fmt: skip


@pytest.mark.parametrize(
    "record",
    [
        {**TRACE, "projectId": "p", "observations": OBSERVATIONS},
        {**TRACE, "observations": OBSERVATIONS},
        {"trace": TRACE, "observations": OBSERVATIONS},
    ],
    ids=["api", "api without a project", "download"],
)
def test_a_traces_generations_are_its_calls(record: dict[str, Any]) -> None:
    assert READER.detect(record) == 30
    found = list(READER.read(record))
    assert [type(each) for each in found] == [Skip, Call]
    call = found[1]
    assert isinstance(call, Call)
    assert call.usage is not None
    assert (call.usage.input_tokens, call.usage.cache_read_input_tokens, call.usage.output_tokens) == (100, 20, 10)
    assert (call.user, call.conversation_id, call.team, call.feature) == ("u-7", "s-1", "care", "faq")
