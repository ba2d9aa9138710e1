from __future__ import annotations

import json
from typing import Any

import pytest

from audit.wire import pair
from audit.wire.calls import from_pair
from audit.wire.envelope import opened

INNER = {"request": {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}, "response": {"choices": []}}


@pytest.mark.parametrize(
    "record",
    [
        {"_index": "logs", "_id": "1", "_source": INNER, "@timestamp": "2026-10-05T08:00:00Z"},
        {"insertId": "x", "jsonPayload": INNER, "timestamp": "2026-10-05T08:00:00Z"},
        {"timestamp": 1_791_187_200_000, "message": json.dumps(INNER), "logStreamName": "s"},
        {"log": json.dumps(INNER) + "\n", "stream": "stdout", "time": "2026-10-05T08:00:00.000000000Z"},
    ],
    ids=["elasticsearch", "cloud_logging", "cloudwatch", "docker"],
)
def test_the_record_inside_is_found_with_its_time(record: dict[str, Any]) -> None:
    inner = opened(record)
    assert inner is not None
    call = from_pair(pair.of(inner), "openai")
    assert (call.request_model, call.started_at_us) == ("gpt-4o", 1_791_187_200_000_000)


def test_an_own_time_is_kept() -> None:
    assert opened({"log": json.dumps({**INNER, "ts": 5}), "time": "later"}) == {**INNER, "ts": 5}


def test_plain_lines_hold_no_record() -> None:
    for record in ({"message": "GET /"}, {"log": "started\n"}, {"data": [1]}, {"msg": {}}, {}):
        assert opened(record) is None
