from __future__ import annotations

import copy
import json
import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.plugins import find
from audit.wire.times import to_us
from audit.wire.usage import INPUT_METERS, OUTPUT_METERS, charges

LOGS = Path(__file__).parent.parent / "fixtures" / "logs"
EXPECTED = json.loads((LOGS / "expected.json").read_text())
READERS = {
    "06a_helicone_jsonl": {"helicone"},
    "07b_langfuse_ui_jsonl": {"langfuse_ui"},
    "07d_langfuse_api_v2": {"langfuse_api"},
    "08a_langsmith_jsonl": {"langsmith"},
    "09a_otlp_genai": {"otel_genai"},
    "10b_openinference_parquet": {"openinference"},
    "15a_openrouter_csv": {"openrouter"},
    "16a_cloudflare_api": {"cloudflare"},
    "18a_claude_code": {"claude_code"},
}
Reading = Callable[..., Any]


@pytest.mark.parametrize("name", READERS)
def test_totals_are_exact(name: str, read: Reading) -> None:
    wanted = EXPECTED[name]
    found = read(f"logs/{wanted['files'][0]}")
    assert set(found.readers) == READERS[name]
    assert found.unknown == 0
    assert not found.rejects
    totals = found.totals()
    assert totals.pop("first_us") == to_us(wanted["first_ts_utc"])
    assert totals.pop("last_us") == to_us(wanted["last_ts_utc"])
    # null: the format cannot tell
    assert totals == {key: wanted[key] or type(totals[key])() for key in totals}
    if "logged_cost_usd" in wanted:
        logged = sum(call.logged_cost_usd or 0 for call in found.calls if call.status == "ok")
        assert logged == pytest.approx(wanted["logged_cost_usd"], abs=1e-12)


def otlp(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": list(spans)}]}]}


def span(name: str, start: float, end: float, parent: str = "", **attributes: Any) -> dict[str, Any]:
    pairs = [{"key": key.replace("__", "."), "value": {"stringValue": str(value)}} for key, value in attributes.items()]
    return {
        "traceId": "a" * 32,
        "spanId": name,
        "parentSpanId": parent,
        "name": "chat",
        "startTimeUnixNano": str(int((1_792_137_600 + start) * 10**9)),
        "endTimeUnixNano": str(int((1_792_137_600 + end) * 10**9)),
        "attributes": pairs,
    }


def llm(given: int, made: int, **attributes: Any) -> dict[str, Any]:
    return {
        "gen_ai__operation__name": "chat",
        "gen_ai__request__model": "gpt-4o",
        "gen_ai__usage__input_tokens": given,
        "gen_ai__usage__output_tokens": made,
        **attributes,
    }


def test_a_wrapper_that_repeats_its_call_is_dropped(read: Reading) -> None:
    found = read(otlp(span("1", 0, 5, **llm(100, 10)), span("2", 1, 4, "1", **llm(100, 10))))
    assert found.skips == ["same_call"]
    assert found.totals()["input_tokens_total"] == 100


def test_a_wrapper_of_several_calls_with_their_sum_is_dropped(read: Reading) -> None:
    inner = [span("2", 1, 2, "1", **llm(100, 10)), span("3", 3, 4, "1", **llm(50, 5))]
    found = read(otlp(span("1", 0, 5, **llm(150, 15)), *inner))
    assert found.totals()["input_tokens_total"] == 150
    assert found.totals()["billable_requests"] == 2


def test_a_call_with_counts_of_its_own_around_another_counts(read: Reading) -> None:
    found = read(otlp(span("1", 0, 5, **llm(9000, 700)), span("2", 1, 2, "1", **llm(100, 10))))
    assert found.totals()["input_tokens_total"] == 9100


def test_a_later_call_that_inherited_the_context_of_an_ended_one_counts(read: Reading) -> None:
    found = read(otlp(span("1", 0, 1, **llm(100, 10)), span("2", 3, 4, "1", **llm(100, 10))))
    assert found.totals()["billable_requests"] == 2


def test_of_two_records_of_one_response_the_richer_counts(read: Reading) -> None:
    same = {"gen_ai__response__id": "chatcmpl-abcdefgh"}
    plain = span("1", 0, 5, **llm(100, 10, **same))
    rich = span("2", 1, 4, **llm(100, 10, gen_ai__usage__cache_read__input_tokens=64, **same))
    for order in ((plain, rich), (rich, plain)):
        found = read(otlp(*order))
        assert found.totals()["billable_requests"] == 1
        assert found.totals()["cache_read_tokens"] == 64


def test_records_of_one_response_in_different_records_share_an_identity(read: Reading) -> None:
    same = {"gen_ai__response__id": "chatcmpl-abcdefgh"}
    plain = otlp(span("1", 0, 5, **llm(100, 10, **same)))
    rich = otlp(span("2", 1, 4, **llm(100, 10, gen_ai__usage__cache_read__input_tokens=64, **same)))
    first, second = read(plain, rich).calls
    assert (first.system, first.native_id) == (second.system, second.native_id)
    assert second.rank > first.rank


def test_response_ids_that_a_local_server_repeats_do_not_identify(read: Reading) -> None:
    same = {"gen_ai__response__id": "chatcmpl-123"}
    found = read(otlp(span("1", 0, 1, **llm(1, 1, **same)), span("2", 2, 3, **llm(1, 1, **same))))
    assert len({call.native_id for call in found.calls}) == 2


def test_a_span_written_twice_is_left_to_the_ingest(read: Reading) -> None:
    twice = [span("1", 0, 1, **llm(1, 1, gen_ai__response__id="chatcmpl-abcdefgh")) for _ in range(2)]
    first, second = read(otlp(*twice)).calls
    assert first.native_id == second.native_id


def test_messages_cut_by_an_attribute_limit_are_truncated(read: Reading) -> None:
    cut = '[{"role": "user", "parts": [{"type": "text", "content": "a long'
    (call,) = read(otlp(span("1", 0, 1, **llm(100, 10, gen_ai__input__messages=cut)))).calls
    assert call.text_status == "truncated"


def test_an_error_after_the_answer_began_is_billed(read: Reading) -> None:
    ended = span("1", 0, 1, **llm(100, 10, error__type="ConnectionReset"))
    refused = span("2", 2, 3, gen_ai__operation__name="chat", gen_ai__request__model="gpt-4o", error__type="429")
    found = read(otlp(ended, refused))
    assert [call.status for call in found.calls] == ["ok", "failed"]
    assert [call.error_type for call in found.calls] == ["ConnectionReset", "429"]


def test_impossible_counts_leave_the_usage_unknown(read: Reading) -> None:
    (call,) = read(otlp(span("1", 0, 1, **llm(-5, 10)))).calls
    assert call.usage is None
    assert "implausible_usage" in call.flags


@pytest.mark.parametrize(
    ("written", "share"),
    [({"sampling__probability": 0.1}, 0.1), ({"SampleRate": 20}, 0.05), ({"SampleRate": 1}, None), ({}, None)],
)
def test_a_sampler_that_says_its_rate_is_heard(written: dict[str, Any], share: float | None, read: Reading) -> None:
    (call,) = read(otlp(span("1", 0, 1, **llm(1, 1, **written)))).calls
    assert call.sample_rate == share


def test_metrics_and_foreign_spans_are_skipped(read: Reading) -> None:
    found = read({"resourceMetrics": []}, otlp(span("1", 0, 1, http__url="/")), otlp())
    assert not found.calls
    assert found.unknown == 0


@pytest.mark.parametrize(
    "record",
    [
        {"traceId": "t", "spanId": "s", "attributes": None},
        {"resourceSpans": [None, {"scopeSpans": [{"spans": [{"attributes": [{"key": 1}, None]}]}]}]},
        {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"kvlistValue": {}}}]}]}]},
        {"context.span_id": "s", "attributes.llm.input_messages": "[{", "attributes.openinference.span.kind": "LLM"},
        {"traceId": "t", "type": "GENERATION", "startTime": None, "usageDetails": "{", "input": "[[["},
        {"trace_id": "t", "type": "generation", "start_time": "x", "usage_details": [1, 2], "metadata": "null"},
        {"run_type": "llm", "trace_id": "t", "inputs": [], "outputs": "x", "extra": 3, "error": {"a": 1}},
        {"post": [{"id": 1, "trace_id": 2}], "patch": None},
        {"request_id": "r", "request_created_at": "x", "response_status": "", "response_body": "data: {"},
        {"ai_model": 3, "ai_org": None, "request": "{", "response": [], "metadata": [None]},
        {"generation_id": "gen-", "tokens_prompt": "x", "cost_total": "free"},
        {"provider": None, "model": None, "tokens_in": True, "status_code": "?", "cached": "no", "step": 1},
        {
            "Gateway": 1,
            "Provider": 2,
            "Model": 3,
            "Endpoint": 4,
            "StatusCode": {},
            "RequestBody": {"type": "encrypted"},
        },
        {"datetime_utc": None, "duration_ms": "x", "model": "m", "token_details": "[", "response_json": "[]"},
        {"type": "assistant", "message": {"usage": None, "content": 5}, "sessionId": "s", "uuid": 3},
        {"type": "event_msg", "timestamp": None, "payload": {"type": "token_count", "info": {"last_token_usage": 5}}},
        {"type": "turn.completed", "usage": []},
    ],
    ids=lambda record: "-".join(record)[:40],
)
def test_malformed_records_never_raise(record: dict[str, Any], read: Reading) -> None:
    found = read(record)
    assert found.outcomes or found.unknown == 1
    for call in found.calls:
        assert call.usage is None or (call.usage.input_tokens or 0) >= 0


LLM_SCHEMA = """
CREATE TABLE _llm_migrations (name TEXT);
CREATE TABLE messages (hash TEXT PRIMARY KEY, parent_hash TEXT, role TEXT, provider_metadata TEXT);
CREATE TABLE parts (id INTEGER PRIMARY KEY, message_hash TEXT, position INTEGER, type TEXT, tool_name TEXT, text TEXT,
    payload TEXT);
CREATE TABLE fragments (id INTEGER PRIMARY KEY, hash TEXT, content TEXT);
CREATE TABLE tools (id INTEGER PRIMARY KEY, hash TEXT, name TEXT, description TEXT, input_schema TEXT, plugin TEXT);
CREATE TABLE turn_tools (turn_id TEXT, tool_id INTEGER);
CREATE TABLE turns (id TEXT PRIMARY KEY, thread_id TEXT, parent_message_hash TEXT, tip_message_hash TEXT, model TEXT,
    resolved_model TEXT, options_json TEXT, schema_id TEXT, input_tokens INTEGER, output_tokens INTEGER,
    token_details TEXT, duration_ms INTEGER, datetime_utc TEXT, response_json TEXT);
CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT, options_json TEXT,
    response TEXT, response_json TEXT, conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT,
    input_tokens INTEGER, output_tokens INTEGER, token_details TEXT, schema_id TEXT, resolved_model TEXT,
    reasoning TEXT);
CREATE TABLE prompt_fragments (response_id TEXT, fragment_id INTEGER, "order" INTEGER);
INSERT INTO fragments VALUES (1, 'f', 'a novel');
INSERT INTO tools VALUES (1, 't', 'search', 'find', '{"type": "object"}', NULL);
INSERT INTO turn_tools VALUES ('02', 1);
INSERT INTO messages VALUES ('m1', NULL, 'user', NULL), ('m2', 'm1', 'assistant', NULL), ('m3', 'm2', 'user', NULL),
    ('m4', 'm3', 'assistant', NULL);
INSERT INTO parts VALUES
    (1, 'm1', 0, 'text', NULL, NULL, '{"text_ref": [{"fragment": 1}, {"literal": " question"}]}'),
    (2, 'm2', 0, 'tool_call', 'search', NULL, '{"tool_call_id": "c", "arguments": {"q": 1}}'),
    (3, 'm3', 0, 'tool_result', 'search', NULL, '{"tool_call_id": "c", "output": "found"}'),
    (4, 'm4', 1, 'text', NULL, 'done', NULL), (5, 'm4', 0, 'reasoning', NULL, 'hmm', NULL);
INSERT INTO turns VALUES
    ('01', 'th', 'm1', 'm2', 'gpt-5-mini', 'gpt-5-mini-2025-08-07', '{"temperature": 0.5}', NULL, 1000, 20,
     '{"prompt_tokens_details": {"cached_tokens": 512}}', 1500, '2026-11-01T10:00:00+00:00', NULL),
    ('02', 'th', 'm3', 'm4', 'claude-haiku-4-5', NULL, '{}', NULL, 40, 9,
     '{"cache_read_input_tokens": 900, "cache_creation_input_tokens": 60}', 900, '2026-11-01T10:00:05+00:00', NULL);
INSERT INTO responses VALUES
    ('00a', 'gpt-4o', 'hi', 'be brief', NULL, '{}', 'hello', NULL, 'c', 300, '2025-01-01T10:00:00', 12, 3, NULL, NULL,
     NULL, NULL),
    ('00b', 'gpt-4o', 'more', NULL, NULL, '{}', 'sure', '{"id": "chatcmpl-old1"}', 'c', 300, '2025-01-01T10:01:00',
     NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO prompt_fragments VALUES ('00b', 1, 0);
"""


@pytest.fixture
def llm_database(tmp_path: Path) -> Path:
    path = tmp_path / "logs.db"
    connection = sqlite3.connect(path)
    connection.executescript(LLM_SCHEMA)
    connection.close()
    return path


def test_both_generations_of_an_llm_database_are_read(llm_database: Path, read: Reading) -> None:
    before = llm_database.read_bytes()
    found = read(llm_database)
    assert llm_database.read_bytes() == before
    totals = found.totals()
    assert totals["billable_requests"] == 4
    assert totals["usage_unknown_requests"] == 1
    assert totals["input_tokens_total"] == 1000 + (40 + 900 + 60) + 12
    assert totals["cache_read_tokens"] == 512 + 900
    assert totals["cache_write_tokens"] == 60
    assert totals["output_tokens"] == 20 + 9 + 3
    assert totals["models"] == ["claude-haiku-4-5", "gpt-4o", "gpt-5-mini-2025-08-07"]


def test_prompts_of_an_llm_database_are_the_whole_chain(llm_database: Path, read: Reading) -> None:
    found = read(llm_database)
    by_id = {call.native_id: call for call in found.calls}
    assert [(part.kind, part.text) for part in by_id["02"].segments] == [
        ("tools", '{"description":"find","name":"search","parameters":{"type":"object"}}'),
        ("user", "a novel question"),
        ("tool_call", '{"arguments":{"q":1},"name":"search"}'),
        ("tool_result", "found"),
        ("reasoning", "hmm"),
        ("answer", "done"),
    ]
    assert [(part.kind, part.text) for part in by_id["00b"].segments] == [
        ("history", "hi"),
        ("history", "hello"),
        ("user", "a novel\nmore"),
        ("answer", "sure"),
    ]
    assert by_id["00b"].response_id == "chatcmpl-old1"
    assert by_id["01"].parameters == {"temperature": 0.5}


def test_every_reader_says_what_would_unlock_its_text() -> None:
    silent = {"llm_logs", "langsmith_wire"}
    mine = {name for names in READERS.values() for name in names} | {"portkey", "codex", "openllmetry", "langfuse_blob"}
    for reader in find("readers", "READER"):
        if reader.name in mine - silent:
            assert reader.unlock is not None
            assert reader.unlock["text"]


FIXTURES = Path(__file__).parent / "fixtures"
DAMAGED = sorted({name for names in READERS.values() for name in names} | {"codex", "portkey", "langfuse_blob"})
ODD = st.sampled_from(
    [
        None,
        "",
        0,
        -1,
        1e300,
        float("nan"),
        True,
        [],
        {},
        "\ud800",
        "{",
        [None],
        {"a": None},
        "null",
        10**30,
        [["k", "v"]],
    ]
)


@cache
def good_records() -> list[dict[str, Any]]:
    paths = [path for name in DAMAGED if (FIXTURES / name).is_dir() for path in (FIXTURES / name).glob("*.jsonl")]
    return [json.loads(line) for path in sorted(paths) for line in path.read_text().splitlines()]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) inside a JSON value."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *places(value[key]))]


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_damaged_record_never_raises_and_its_charges_add_up(data: st.DataObject, read: Reading) -> None:
    record = copy.deepcopy(data.draw(st.sampled_from(good_records())))
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places(record)))
        container[key] = copy.deepcopy(data.draw(ODD))
    for call in read(record).calls:
        if call.usage is not None:
            meters = dict(charges(call.usage))
            assert sum(meters.get(meter, 0) for meter in INPUT_METERS) == (call.usage.input_tokens or 0)
            assert sum(meters.get(meter, 0) for meter in OUTPUT_METERS) == (call.usage.output_tokens or 0)
        assert all(type(segment.text) is str for segment in call.segments)
