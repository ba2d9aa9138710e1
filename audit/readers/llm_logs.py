"""The `llm` command: calls of its logs.db, and the JSON that `llm logs --json` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.call import Call, Outcome
from audit.readers import Reader, Record
from audit.readers._gateway import first, put_time, settle
from audit.wire import bodies
from audit.wire.messages import transcript
from audit.wire.parameters import parameters
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json
from audit.wire.times import seconds
from audit.wire.usage import Usage, from_anthropic, from_gemini, from_mapping, from_openai


def _detect(record: Record) -> int:
    if "_llm_log" in record or "tip_message_hash" in record:
        return 32 if "model" in record else 0
    return 30 if "datetime_utc" in record and "duration_ms" in record else 0


def _read(record: Record) -> Iterable[Outcome]:
    call = Call(system="llm")
    call.request_model = label(first(record, "model"))
    call.response_model = label(first(record, "resolved_model"))
    put_time(call, first(record, "datetime_utc"))
    call.duration = seconds(first(record, "duration_ms"), 1000)
    call.conversation_id = label(first(record, "thread_id", "conversation_id"))
    answer = _answer(record)
    call.response_id = _response_id(answer)
    _fill_text(call, record)
    _fill_usage(call, record, answer)
    call.parameters = parameters(_options(record))
    schema = label(first(record, "schema_id"))
    if schema is not None:
        call.parameters["response_schema"] = schema
    tag(call, {"conversation_name": first(record, "conversation_name"), "table": first(record, "_llm_log")})
    settle(call, label(first(record, "id")))
    return (call,)


def _options(record: Record) -> Mapping[str, Any]:
    found = maybe_json(first(record, "options_json", "options"))
    return found if isinstance(found, Mapping) else {}


def _answer(record: Record) -> Mapping[str, Any]:
    found = maybe_json(first(record, "response_json"))
    return found if isinstance(found, Mapping) else {}


def _response_id(answer: Mapping[str, Any]) -> str | None:
    found = answer.get("id")
    return found if isinstance(found, str) and found.startswith(("chatcmpl-", "resp_", "msg_", "gen-")) else None


def _fill_text(call: Call, record: Record) -> None:
    if "messages" in record:
        request = {"messages": record["messages"], "tools": record.get("tools")}
        response: Any = record.get("answer")
    else:
        messages = [{"role": "user", "content": first(record, "prompt")}]
        if first(record, "system") is not None:
            messages.insert(0, {"role": "system", "content": record["system"]})
        request, response = {"messages": messages}, first(record, "response")
    text = transcript(request, response)
    if "messages" not in record:
        # earlier turns of the conversation and fragments are in other rows
        text.partial = bool(first(record, "conversation_id", "tip_message_hash"))
    text.apply(call)


def _fill_usage(call: Call, record: Record, answer: Mapping[str, Any]) -> None:
    """The counts follow the provider whose plugin wrote them, which the names of the details tell."""
    given, made = first(record, "input_tokens"), first(record, "output_tokens")
    details = maybe_json(first(record, "token_details"))
    details = details if isinstance(details, Mapping) else {}
    if given is None and made is None:
        usage = answer.get("usage") or answer.get("usageMetadata")
        if isinstance(usage, Mapping):
            bodies.take_usage(call, usage)
        return
    counts = {**details, "input_tokens": given, "output_tokens": made}
    bodies.take_usage(call, counts, lambda found: _from_plugin(found, details))


def _from_plugin(counts: Mapping[str, Any], details: Mapping[str, Any]) -> Usage:
    if "cache_read_input_tokens" in details or "cache_creation_input_tokens" in details or "cache_creation" in details:
        return from_anthropic(counts)
    if "candidatesTokenCount" in details:
        return from_gemini({**details, "promptTokenCount": counts["input_tokens"]})
    if any(name.endswith("_details") for name in details):
        return from_openai(counts)
    return from_mapping(counts)


READER = Reader(
    name="llm_logs",
    title="llm command line (logs.db, llm logs --json)",
    signatures=(
        frozenset({"_llm_log"}),
        frozenset({"tip_message_hash", "model"}),
        frozenset({"datetime_utc", "duration_ms", "model"}),
    ),
    detect=_detect,
    read=_read,
    unlock={
        "text": "ingest logs.db itself: its JSON listing has no earlier turns",
        "cache_tokens": "the plugin's cache option (llm -o cache 1 for Anthropic)",
    },
)
