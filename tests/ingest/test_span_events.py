"""OTLP messages: spans of one trace, and log events about them, may stand in different messages and files."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.ingest import IngestResult
from audit.store import Store
from tests.ingest.logs import write

Read = Callable[..., IngestResult]
Document = dict[str, Any]
TRACE = "5b8efff798038103d269b633813fc60c"
STARTED = 1_791_187_200
TEXTS = """
SELECT r.input_tokens, r.text_status, STRING_AGG(s.kind || ': ' || c.text, ' | ' ORDER BY s.position) AS texts
FROM request AS r LEFT JOIN segment AS s ON s.request_id = r.request_id
LEFT JOIN content AS c ON c.content_hash = s.content_hash GROUP BY r.request_id, r.input_tokens, r.text_status
"""


def value(plain: Any) -> Document:
    if isinstance(plain, dict):
        return {"kvlistValue": {"values": [{"key": key, "value": value(each)} for key, each in plain.items()]}}
    return {"intValue": str(plain)} if isinstance(plain, int) else {"stringValue": plain}


def attributes(plain: Document) -> list[Document]:
    return [{"key": key, "value": value(each)} for key, each in plain.items()]


def span(number: int, parent: int | None = None, **plain: Any) -> Document:
    """A chat span of 120 and 30 tokens, as a message of its own."""
    named = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini", "gen_ai.usage.input_tokens": 120,
             "gen_ai.usage.output_tokens": 30, **plain}  # fmt: skip
    found = {
        "traceId": TRACE, "spanId": f"{number:016x}", "parentSpanId": "" if parent is None else f"{parent:016x}",
        "name": "chat", "startTimeUnixNano": f"{STARTED}000000000", "endTimeUnixNano": f"{STARTED + 2}000000000",
        "attributes": attributes(named),
    }  # fmt: skip
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": "app"}, "spans": [found]}]}]}


def events(*records: Document) -> Document:
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {"name": "app"}, "logRecords": list(records)}]}]}


def event(name: str, number: int, at: int, body: Document | None = None, **plain: Any) -> Document:
    found = {
        "timeUnixNano": f"{STARTED + at}000000000", "traceId": TRACE, "spanId": f"{number:016x}", "eventName": name,
        "attributes": attributes(plain),
    }  # fmt: skip
    return found if body is None else {**found, "body": value(body)}


MESSAGES = events(
    event("gen_ai.choice", 1, 2, {"index": 0, "message": {"role": "assistant", "content": "Yes."}}),
    event("gen_ai.system.message", 1, 0, {"content": "Be brief."}),
    event("gen_ai.user.message", 1, 1, {"content": "Open?"}),
)
DETAILS = events(
    event("gen_ai.client.inference.operation.details", 1, 2, **{
        "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 30,
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be brief."}]),
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Open?"}]}]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Yes."}]}]),
    })
)  # fmt: skip


@pytest.mark.parametrize("told", [MESSAGES, DETAILS], ids=["messages", "details"])
@pytest.mark.parametrize("extra", [{}, {"llm.request.type": "chat"}], ids=["gen_ai", "openllmetry"])
@pytest.mark.parametrize(("files", "order"), list(itertools.product((1, 2), ((0, 1), (1, 0)))))
def test_texts_in_log_events_join_the_span_of_their_call(
    told: Document, extra: Document, files: int, order: tuple[int, int], store: Store, read: Read, tmp_path: Path
) -> None:
    first, second = ([span(1, **extra), told][place] for place in order)
    logs = [[first, second]] if files == 1 else [[first], [second]]
    read(*(write(tmp_path / f"{number}.jsonl", log) for number, log in enumerate(logs)))
    assert store.rows(TEXTS) == [
        {"input_tokens": 120, "text_status": "full", "texts": "system: Be brief. | user: Open? | answer: Yes."}
    ]


def test_events_without_their_span_are_no_calls(store: Store, read: Read, tmp_path: Path) -> None:
    result = read(write(tmp_path / "a.jsonl", [span(2), MESSAGES]))
    assert store.rows(TEXTS) == [{"input_tokens": 120, "text_status": "absent", "texts": None}]
    assert sum(each.skipped["message_event"] for each in result.files) == 3


def test_a_wrapper_exported_after_its_call_counts_once(store: Store, read: Read, tmp_path: Path) -> None:
    read(write(tmp_path / "a.jsonl", [span(2, parent=1, **{"gen_ai.response.id": "chatcmpl-1"}), span(1)]))
    assert store.value("SELECT COUNT(*) FROM request") == 1
