"""Records of one's own making: captured HTTP, flattened tables, calls under their ids, several formats in one file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.ingest import IngestResult
from audit.store import Store
from tests.ingest.logs import pair, write

Read = Callable[..., IngestResult]
ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
ANSWERED = pair(1)["response"]


def browser() -> dict[str, Any]:
    """An HTTP archive as browsers and proxies save it."""
    body = {"mimeType": "application/json"}
    entry = {
        "startedDateTime": "2026-09-01T10:00:00.000Z",
        "time": 900,
        "request": {"method": "POST", "url": "https://x/v1/chat/completions",
                    "postData": {**body, "text": json.dumps(ASKED)}},
        "response": {"status": 200, "content": {**body, "text": json.dumps(ANSWERED)}},
    }  # fmt: skip
    return {"log": {"version": "1.2", "entries": [entry]}}


CASES = {
    "browser": browser(),
    "under ids": {"a1": {"request": ASKED, "response": ANSWERED}},
    "deep": {"export": {"version": 1, "calls": [{"request": ASKED, "response": ANSWERED}]}},
    "pages": {"data": [ANSWERED], "has_more": True},
}


@pytest.mark.parametrize("name", CASES)
def test_wrappers(name: str, store: Store, read: Read, tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text(json.dumps(CASES[name], indent=1))
    result = read(tmp_path / "log.json")
    assert (result.accepted, result.rejected.total(), result.implausible_times) == (1, 0, 0)
    usage = ANSWERED["usage"]
    (row,) = store.rows("SELECT input_tokens, output_tokens, response_id FROM request")
    assert row == {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"],
                   "response_id": ANSWERED["id"]}  # fmt: skip


def test_a_browsers_archive_tells_the_time(store: Store, read: Read, tmp_path: Path) -> None:
    (tmp_path / "log.har").write_text(json.dumps(browser()))
    read(tmp_path / "log.har")
    (row,) = store.rows("SELECT started_at_us, text_status FROM request")
    assert row == {"started_at_us": 1_788_256_800_000_000, "text_status": "full"}


def test_a_flattened_table_is_read(store: Store, read: Read, tmp_path: Path) -> None:
    cells = {
        "timestamp": "2026-09-01T10:00:00Z", "request.model": "gpt-4o", "response.id": "chatcmpl-n1",
        "response.model": "gpt-4o-2024-08-06", "response.usage.prompt_tokens": "100",
        "response.usage.completion_tokens": "10", "response.usage.prompt_tokens_details.cached_tokens": "20",
    }  # fmt: skip
    with (tmp_path / "log.csv").open("w", newline="") as file:
        csv.writer(file).writerows([cells, cells.values()])
    assert read(tmp_path / "log.csv").accepted == 1
    (row,) = store.rows("SELECT response_model, input_tokens, cache_read_input_tokens, output_tokens FROM request")
    assert row == {"response_model": "gpt-4o-2024-08-06", "input_tokens": 100, "cache_read_input_tokens": 20,
                   "output_tokens": 10}  # fmt: skip


def test_equal_counts_in_one_file_are_not_one_call(read: Read, tmp_path: Path) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    flat = {"ts": 1_788_256_800, "model": "gpt-4o", "input_tokens": 100, "output_tokens": 10}
    asked = {"ts": 1_788_256_800, "model": "gpt-4o", "messages": ASKED["messages"], "completion": "hi", **usage}
    result = read(write(tmp_path / "log.jsonl", [asked, flat]))
    assert (result.accepted, result.duplicates.total()) == (2, 0)


def test_a_number_that_could_be_two_is_none(store: Store, read: Read, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(
        "request_id,model,input_tokens,output_tokens\n"
        'r1,gpt-4o,1.000,7\nr2,gpt-4o,"1,000",7\nr3,gpt-4o,"1,234,567",7\nr4,gpt-4o,1000.0,7\nr5,gpt-4o,1.234.567,7\n'
    )
    read(tmp_path / "log.csv")
    rows = {
        row["external_id"]: row["input_tokens"] for row in store.rows("SELECT external_id, input_tokens FROM request")
    }
    assert rows == {"r1": None, "r2": None, "r3": 1_234_567, "r4": 1_000, "r5": 1_234_567}


def test_a_row_number_finds_its_call_and_is_no_identity(store: Store, read: Read, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("request_id,model,input_tokens,output_tokens\n1,gpt-4o,10,7\n")
    (tmp_path / "b.csv").write_text("request_id,model,input_tokens,output_tokens\n1,gpt-4o,20,7\n")
    assert read(tmp_path / "a.csv").accepted + read(tmp_path / "b.csv").accepted == 2
    assert [row["external_id"] for row in store.rows("SELECT external_id FROM request")] == ["1", "1"]


def test_keys_are_never_kept(store: Store, read: Read, tmp_path: Path) -> None:
    key, token = "sk-proj-" + "aB3" * 12, "Bearer eyJhbGciOi" + "J9x" * 12
    record = {**pair(1), "user_id": key, "metadata": {"team": token, "api_key": "plain-word-7", "feature": "sk-learn"}}
    read(write(tmp_path / "log.jsonl", [record]))
    (row,) = store.rows("SELECT user_id, team, feature, tags FROM request")
    assert row["user_id"].startswith("secret-")
    assert row["team"].startswith("secret-")
    assert row["feature"] == "sk-learn"
    assert not [each for each in (key, token, "plain-word-7") if each in json.dumps(row)]


def test_a_failure_that_names_a_model_and_a_time_is_a_failed_call(store: Store, read: Read, tmp_path: Path) -> None:
    failed = {"error": {"message": "Rate limit reached", "code": 429}, "model": "gpt-4o-mini", "created": 1_788_256_800}
    other = {"error": "no such table", "model": "Invoice", "time": "2026-09-01T10:00:00Z"}
    result = read(write(tmp_path / "log.jsonl", [failed, other]))
    assert (result.accepted, result.rejected.total()) == (1, 1)
    assert store.value("SELECT status FROM request") == "failed"


def test_lines_of_pairs_are_read_like_a_table(store: Store, read: Read, tmp_path: Path) -> None:
    path = tmp_path / "service.log"
    path.write_text(
        'time=2026-09-01T10:00:00Z level=info msg="server started" port=8080\n'
        'time=2026-09-01T10:00:01Z model=gpt-4o input_tokens=100 output_tokens=10 duration=1.5s prompt="Say hi"\n'
    )
    result = read(path)
    assert (result.accepted, result.rejected.total()) == (1, 1)
    (call,) = store.rows("SELECT request_model, input_tokens, output_tokens, duration FROM request")
    assert call == {"request_model": "gpt-4o", "input_tokens": 100, "output_tokens": 10, "duration": 1.5}
