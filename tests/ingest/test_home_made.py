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
