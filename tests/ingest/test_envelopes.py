"""Records inside those of a log shipper, beside other lists, and behind the time of a line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.ingest import IngestResult, sniff
from tests.ingest.logs import litellm, pair

Read = Callable[..., IngestResult]
RECORDS = [pair(1), pair(2)]


def lines(*records: Any) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def cell(record: Any) -> str:
    return '"' + json.dumps(record).replace('"', '""') + '"'


def copied(record: Any) -> str:
    return json.dumps(record, indent=1).replace("\\", "\\\\").replace("\n", "\\n")


SHIPPED = {
    "elasticsearch": lines(*({"_index": "i", "_id": "1", "_source": each} for each in RECORDS)),
    "search_result": json.dumps({"took": 3, "hits": {"total": 2, "hits": [{"_source": each} for each in RECORDS]}}),
    "cloud_logging": json.dumps([{"insertId": "x", "jsonPayload": each, "logName": "l"} for each in RECORDS], indent=1),
    "cloudwatch_events": json.dumps({"events": [{"timestamp": 1, "message": json.dumps(r)} for r in RECORDS]}),
    "cloudwatch_s3": "".join(f"2026-10-05T08:00:00.000Z {json.dumps(each)}\n" for each in RECORDS),
    "cloudwatch_csv": "@timestamp,@message\n" + "".join(f"x,{cell(each)}\n" for each in RECORDS),
    "container": "".join(f"2026-10-05T08:00:00.000000001Z stdout F {json.dumps(each)}\n" for each in RECORDS),
    "docker": lines(*({"log": json.dumps(each) + "\n", "stream": "stdout"} for each in RECORDS)),
    "compose": "".join(f"web-1  | {json.dumps(each)}\n" for each in RECORDS),
    "datadog": json.dumps({"data": [{"id": "A", "attributes": {"service": "s", "attributes": r}} for r in RECORDS]}),
    "nested_keys": lines(*({"event": {"data": {"llm": r}}, "@timestamp": r["timestamp"]} for r in RECORDS)),
    "a_page_of_content": json.dumps({"page": 1, "size": 2, "total": 2, "content": RECORDS}),
    "postgres_dump": "--\n-- dump\n--\nSET x = 0;\n"
    'COPY public."Log" (id, request, response, "timestamp", note) FROM stdin;\n'
    + "".join(
        "\t".join([str(number), copied(r["request"]), copied(r["response"]), r["timestamp"], "\\N"]) + "\n"
        for number, r in enumerate(RECORDS)
    )
    + "\\.\n\n-- done\n",
    "beside_a_cursor": json.dumps({"runs": RECORDS, "cursors": {"next": None}, "took": 2}),
}  # fmt: skip


@pytest.mark.parametrize("name", SHIPPED)
def test_the_calls_inside_are_read(name: str, read: Read, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(SHIPPED[name])
    result = read(tmp_path / "log")
    assert (result.accepted, dict(result.rejected)) == (2, {})
    again = tmp_path / "plain.jsonl"
    again.write_text(lines(*RECORDS))
    assert read(again).accepted == 0
    assert {row.reader for row in sniff(tmp_path / "log")} == {"openai_chat"}


def test_payloads_among_the_arguments_of_a_callback_are_read(read: Read, tmp_path: Path) -> None:
    told = {"kwargs": {"model": "gpt-4o-mini", "standard_logging_object": litellm(1)}, "ts": 1}
    (tmp_path / "log").write_text(lines(told))
    assert read(tmp_path / "log").accepted == 1
    assert {row.reader for row in sniff(tmp_path / "log")} == {"litellm_payload"}


def test_parts_of_a_call_and_of_other_records_are_no_calls(read: Read, tmp_path: Path) -> None:
    message = {"type": "message", "role": "user", "content": "hi"}
    (tmp_path / "log").write_text(
        lines(
            {"level": "info", "messages": [{"role": "user", "content": "hi"}]},
            {"event": "x", "items": [message]},
            message,
            {"level": "info", "data": {"model": "x"}},
            {"foo": [{"request": "GET /", "response": 200}]},
            pair(1),
        )
    )
    result = read(tmp_path / "log")
    assert (result.accepted, dict(result.rejected)) == (1, {"not_an_llm_record": 5})


def test_a_text_for_people_is_one_reject(read: Read, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text('# Logs\n\nTwo of them:\nsee below\n```json\n{"a": 1}\n```\n')
    (tmp_path / "log.jsonl").write_text("started\nready\n" + lines(pair(1)))
    result = read(tmp_path)
    assert result.accepted == 1
    assert [dict(file.rejected) for file in result.files] == [{"not_json": 1}, {"not_json": 2}]
