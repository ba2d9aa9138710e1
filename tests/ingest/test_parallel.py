"""Several processes read as one would: same rows, same order, same rejects."""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audit import plugins
from audit import store as stores
from audit.ingest import IngestResult, ingest
from audit.store import Store
from tests.ingest.conftest import catalogue
from tests.ingest.logs import pair, write

LOGS = Path(__file__).parent.parent / "fixtures" / "logs"
TABLES = {
    "request": "request_id",
    "segment": "request_id, position",
    "content": "content_hash",
    "charge": "charge_id",
    "reject": "source_id, line",
    "duplicate_record": "source_id, line",
}


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Split even small files."""
    monkeypatch.setattr("audit.ingest.run._SMALL_BYTES", 0)
    monkeypatch.setattr("audit.ingest.plan._SNIFFED_FROM", 1)
    monkeypatch.setattr("audit.ingest.plan._LINES_BYTES", 3000)
    monkeypatch.setattr("audit.ingest.plan.PART_BYTES", 5000)
    monkeypatch.setattr("audit.ingest.blocks.PART_BYTES", 5000)


def rows(workers: int, *inputs: Path) -> tuple[dict[str, list[dict[str, Any]]], IngestResult]:
    with stores.open(":memory:", create=True) as store:
        result = ingest(store, inputs, catalogue=catalogue, workers=workers)
        return {name: store.rows(f"SELECT * FROM {name} ORDER BY {order}") for name, order in TABLES.items()}, result


def records() -> list[Any]:
    found: list[Any] = [pair(number, question=f"Question {number % 7}?") for number in range(60)]
    found[20:20] = ["not json", "", '{"no": "call"}', pair(3), pair(19, answer="é" * 4000)]
    return found


def test_parts_of_a_file(small_parts: None, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", records())
    split, result = rows(2, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audit.ingest.plan._SNIFFED_FROM", 1 << 30)
        whole, _ = rows(1, path)
    assert split == whole
    assert result.accepted == 60
    assert result.duplicates.total() == 2


def test_compressed_streams(small_parts: None, tmp_path: Path) -> None:
    plain = write(tmp_path / "a.jsonl", records())
    (tmp_path / "b.gz").write_bytes(gzip.compress(plain.read_bytes()))
    (tmp_path / "c.gz").write_bytes(gzip.compress(plain.read_bytes())[:-40])
    packed, _ = rows(2, tmp_path / "b.gz")
    expected, _ = rows(1, plain)
    for name in ("request", "segment", "content", "charge", "reject"):
        assert packed[name] == expected[name], name
    _, cut = rows(2, tmp_path / "c.gz")
    assert cut.rejected["truncated_gzip"] == 1
    assert 40 < cut.accepted < 61


def test_all_formats_at_once(small_parts: None) -> None:
    both = [rows(workers, LOGS) for workers in (1, 2)]
    assert both[0][0] == both[1][0]
    assert [file.accepted for file in both[0][1].files] == [file.accepted for file in both[1][1].files]


def test_the_same_file_read_in_parts_is_known_afterwards(small_parts: None, store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", records())
    ingest(store, [path], catalogue=catalogue, workers=2)
    (tmp_path / "copy").write_bytes(path.read_bytes())
    assert ingest(store, [tmp_path / "copy"], catalogue=catalogue, workers=1).known == 1


def test_a_growing_file_is_read_on_from_where_it_ended(small_parts: None, store: Store, tmp_path: Path) -> None:
    lines = [json.dumps(pair(number)) for number in range(30)]
    path = tmp_path / "live.jsonl"
    path.write_text("\n".join(lines[:20]) + "\n" + lines[20][:100])
    first = ingest(store, [path], catalogue=catalogue, workers=1)
    assert (first.accepted, dict(first.rejected)) == (20, {"truncated_tail": 1})
    path.write_text("\n".join(lines) + "\n")
    second = ingest(store, [path], catalogue=catalogue, workers=1)
    assert (second.accepted, second.records, second.duplicates.total()) == (10, 10, 0)
    places = store.rows("SELECT line, external_id FROM request ORDER BY line")
    assert [(row["line"], row["external_id"]) for row in places] == [(n + 1, f"chatcmpl-{n}") for n in range(30)]
    assert store.value("SELECT COUNT(*) FROM reject") == 0
    assert ingest(store, [path], catalogue=catalogue, workers=1).known == 1
    with path.open("a") as file:
        file.write(json.dumps(pair(99)) + "\n")
    assert ingest(store, [path], catalogue=catalogue, workers=1).records == 1
    path.write_text(json.dumps(pair(7)) + "\n" + path.read_text())
    rewritten = ingest(store, [path], catalogue=catalogue, workers=1)
    assert (rewritten.accepted, rewritten.records) == (0, 32)


@pytest.mark.parametrize("stop", [1, 3, 8])
def test_stopped_inside_a_file_it_is_read_again_as_if_never_begun(
    stop: int, small_parts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.ingest.run._EVERY_SECONDS", 0.0)
    monkeypatch.setattr("audit.ingest.run._FLUSH_BYTES", 1)
    path = write(tmp_path / "a.jsonl", records())
    told: list[int] = []

    def interrupt(done: int, total: int, seen: int) -> None:
        told.append(seen)
        if len(told) > stop:
            raise KeyboardInterrupt

    with stores.open(tmp_path / "audit.duckdb", create=True) as store:
        with pytest.raises(KeyboardInterrupt):
            ingest(store, [path], catalogue=catalogue, workers=1, progress=interrupt)
        assert 0 < store.value("SELECT COUNT(*) FROM request") < 60
        assert store.rows("SELECT content_hash FROM source") == [{"content_hash": None}]
        again = ingest(store, [path], catalogue=catalogue, workers=1)
        assert (again.accepted, again.duplicates.total()) == (60, 2)
        found = {name: store.rows(f"SELECT * FROM {name} ORDER BY {order}") for name, order in TABLES.items()}
    whole, _ = rows(1, path)
    for name, expected in whole.items():
        assert len(found[name]) == len(expected), name
    assert [row["prompt_key"] for row in found["request"]] == [row["prompt_key"] for row in whole["request"]]


class _Input:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


@pytest.mark.parametrize("form", ["lines", "gzip", "array", "csv"])
def test_standard_input(form: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [pair(number) for number in range(5)]
    lines = "\n".join(map(json.dumps, pairs)).encode()
    table = (LOGS / "15a_openrouter_activity.csv").read_bytes()
    data = {"lines": lines, "gzip": gzip.compress(lines), "array": json.dumps(pairs, indent=1).encode(), "csv": table}
    monkeypatch.setattr("sys.stdin", _Input(data[form]))
    result = ingest(store, ["-"], catalogue=catalogue, workers=1)
    assert result.accepted == (4 if form == "csv" else 5)
    assert result.files[0].bytes == len(data[form])


def test_groups_are_read_whole_across_files(store: Store, tmp_path: Path) -> None:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
    asked = {"custom_id": "c1", "method": "POST", "url": "/v1/chat/completions", "body": body}
    answered = {"id": "batch_req_1", "custom_id": "c1", "error": None,
                "response": {"status_code": 200, "request_id": "r1", "body": pair(1)["response"]}}  # fmt: skip
    inputs = [write(tmp_path / "input.jsonl", [asked]), write(tmp_path / "output.jsonl", [answered])]
    result = ingest(store, inputs, catalogue=catalogue, workers=1)
    assert result.accepted == 1
    (row,) = store.rows("SELECT service_tier, text_status, input_tokens FROM request")
    assert row == {"service_tier": "batch", "text_status": "full", "input_tokens": 100}
    assert store.value("SELECT COUNT(*) FROM charge WHERE service_tier = 'batch'") == 2


def test_progress_is_told(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.ingest.run._EVERY_SECONDS", 0.0)
    told: list[tuple[int, int, int]] = []
    path = write(tmp_path / "a.jsonl", records())
    ingest(store, [path], catalogue=catalogue, workers=1, progress=lambda *each: told.append(each))
    size = path.stat().st_size
    assert told[-1] == (size, size, 62)
    assert told == sorted(told)


def test_a_reader_that_fails_costs_one_record(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (chat,) = (each for each in plugins.find("readers", "READER") if each.name == "openai_chat")

    def failing(record: Any) -> Any:
        if record["user_id"] == "u-1":
            raise IndexError("no such thing")
        return chat.read(record)

    monkeypatch.setattr("audit.ingest.classify.plugins.find", lambda *_: (replace(chat, read=failing),))
    path = write(tmp_path / "a.jsonl", [pair(number) for number in range(6)])
    result = ingest(store, [path], catalogue=catalogue, workers=1)
    assert (result.accepted, dict(result.rejected)) == (4, {"reader_failed": 2})
    assert "no such thing" in store.value("SELECT MAX(detail) FROM reject")
