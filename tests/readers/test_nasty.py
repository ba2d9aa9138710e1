from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.call import Call, Reject, Skip
from audit.plugins import find

FIXTURES = Path(__file__).parent / "fixtures"


def test_each_record_of_a_mixed_file_finds_its_own_reader(read: Callable[..., Any]) -> None:
    found = read("nasty/n04_mixed_formats.jsonl")
    assert found.readers == ["openai_chat", "anthropic_messages", "litellm_payload", "openai_chat"]
    assert found.unknown == 1
    assert found.totals()["input_tokens_total"] == 31 + 3012 + 42 + 64


def test_calls_without_usage_time_or_model_stay_calls(read: Callable[..., Any]) -> None:
    found = read("nasty/n11_missing_usage.jsonl")
    no_usage, null_usage, no_time, no_model, chunks = found.calls
    assert [call.status for call in found.calls] == ["ok"] * 5
    assert no_usage.usage is None
    assert null_usage.usage is None
    assert no_time.started_at_us is None
    assert no_model.request_model is None
    assert no_model.response_model is None
    assert no_model.usage.input_tokens == 31
    assert chunks.usage is None
    assert [segment.text for segment in chunks.segments if segment.direction == "output"] == ["hello"]


def test_odd_model_names_are_kept_as_they_are(read: Callable[..., Any]) -> None:
    found = read("nasty/n13_unknown_model.jsonl")
    by_status = {(call.response_model or "").strip(): call.status for call in found.calls}
    assert {name for name, status in by_status.items() if status == "not_billable"} == {"<synthetic>"}
    assert {"gpt-4o-mini", "../../etc/passwd", "<script>alert(1)</script>", "GPT-4o-Mini"} <= set(by_status)
    assert len(found.calls) == 10


JUNK: list[Any] = [
    None, "", 0, -1, 1e308, float("nan"), True, [], {}, [1], ["x"], {"a": 1}, "[", '[{"a":1}]', "\ud800bad", "\0",
    [None], [[]], {"text": None}, {"content": [None, {"type": 5}]}, 10**30, "NaN", {"type": "text"},
    [{"type": "image"}],
]  # fmt: skip


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _paths(item, (*path, key))


def _damaged(record: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    record = copy.deepcopy(record)
    for _ in range(dice.choice((1, 1, 2, 4))):
        paths = list(_paths(record))
        if not paths:
            break
        *parents, last = dice.choice(paths)
        holder: Any = record
        for key in parents:
            holder = holder[key]
        if dice.random() < 0.25 and isinstance(holder, dict):
            del holder[last]
        else:
            holder[last] = copy.deepcopy(dice.choice(JUNK))
    return record


def _records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for log in sorted(folder.glob("*.jsonl")) for line in log.read_text().splitlines() if line]


READERS = [folder.name for folder in sorted(FIXTURES.iterdir()) if any(folder.glob("*.jsonl"))]


@pytest.mark.parametrize("name", READERS)
def test_damaged_records_never_stop_a_reader(name: str) -> None:
    reader = next(reader for reader in find("readers", "READER") if reader.name == name)
    records = _records(FIXTURES / name)
    dice = random.Random(name)
    for _ in range(300):
        record = _damaged(dice.choice(records), dice)
        if reader.detect(record):
            for outcome in reader.read(record):
                assert isinstance(outcome, Call | Skip | Reject)
                if isinstance(outcome, Call):
                    _check(outcome)


def _check(call: Call) -> None:
    for name in ("user", "team", "request_model", "response_model", "native_id", "error_type", "finish_reason"):
        assert isinstance(getattr(call, name), str | None), name
    assert call.duration is None or call.duration >= 0
    assert call.started_at_us is None or type(call.started_at_us) is int
    assert all(type(segment.text) is str for segment in call.segments)
    if call.usage is not None:
        assert all(count is None or count >= 0 for count in (call.usage.input_tokens, call.usage.output_tokens))
