"""Helicone: request records as JSON(L), the exporter's CSV, and rows of its query language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.call import Call, Outcome
from audit.readers import Reader, Record
from audit.readers._gateway import MISSING, body, column_usage, fill_bodies, first, mark_withheld, put_time, settle
from audit.wire.attributes import pairs
from audit.wire.beside import error_name, status_problem
from audit.wire.feedback import outcome_of
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json
from audit.wire.times import number, seconds

_NOT_A_HIT = "00000000-0000-0000-0000-000000000000"


def _detect(record: Record) -> int:
    if "request_created_at" not in record and "response_created_at" not in record:
        return 0
    named = "request_id" in record or "response_id" in record
    told = any(key in record for key in ("response_status", "status", "request_body", "prompt_tokens"))
    return 30 if named and told else 0


def _read(record: Record) -> Iterable[Outcome]:
    call = Call(system="helicone")
    request, response = body(first(record, "request_body")), body(first(record, "response_body"))
    fill_bodies(call, request, response)
    mark_withheld(call, request)
    provider = label(first(record, "provider"))
    call.provider_name = provider.lower() if provider else call.provider_name
    call.request_model = label(first(record, "model_override", "request_model")) or call.request_model
    served = label(first(record, "response_model")) or call.response_model
    call.response_model = served or label(first(record, "model"))
    put_time(call, first(record, "request_created_at"), first(record, "response_created_at"))
    call.duration = seconds(first(record, "delay_ms", "latency"), 1000)
    call.time_to_first_chunk = seconds(first(record, "time_to_first_token"), 1000) or None
    _fill_status(call, record, response)
    if call.usage is None:
        column_usage(call, _counts(record), exclusive=_copies_anthropic(call))
    call.logged_cost_usd = _cost(record)
    _label(call, record)
    settle(call, label(first(record, "request_id", "response_id")))
    return (call,)


def _copies_anthropic(call: Call) -> bool:
    """The prompt column is the provider's own count, which leaves cached tokens out at Anthropic, also on Bedrock."""
    model = call.response_model or call.request_model or ""
    return "claude" in model.lower() or call.provider_name in ("anthropic", "bedrock", "aws")


def _counts(record: Record) -> dict[str, Any]:
    return {
        "prompt": first(record, "prompt_tokens"),
        "completion": first(record, "completion_tokens"),
        "total": first(record, "total_tokens"),
        "read": first(record, "prompt_cache_read_tokens"),
        "write": first(record, "prompt_cache_write_tokens"),
        "reasoning": first(record, "reasoning_tokens"),
        "audio_in": first(record, "prompt_audio_tokens"),
        "audio_out": first(record, "completion_audio_tokens"),
    }


def _fill_status(call: Call, record: Record, response: Any) -> None:
    status = first(record, "response_status", "status")
    code = number(status)
    problem = status_problem(status)
    if problem is None and code is not None and code < 0:
        # negative codes are the gateway's own: pending, cancelled, blocked, timed out
        problem = str(int(code))
    if problem is not None:
        error = response.get("error") if isinstance(response, Mapping) else None
        call.status, call.error_type = "failed", error_name(maybe_json(error)) or problem
    if first(record, "cache_reference_id") not in (None, _NOT_A_HIT):
        call.status = "cache_hit"


def _cost(record: Record) -> float | None:
    """US dollars; rows of the query language count billionths of them, as whole numbers."""
    found = number(first(record, "costUSD", "cost_usd"))
    if found is not None:
        return found
    found = number(first(record, "cost"))
    if found is None:
        return None
    smallest = 1 if "response_status" not in record else 1000
    return found / 1e9 if found >= smallest and found == int(found) else found


def _label(call: Call, record: Record) -> None:
    call.user = label(first(record, "request_user_id", "user_id", "helicone_user")) or call.user
    for name in ("request_properties", "properties"):
        found = body(record.get(name))
        if isinstance(found, list):
            found = dict(pairs(found))
        if isinstance(found, Mapping) and found:
            tag(call, {key: value for key, value in found.items() if value not in MISSING})
            call.conversation_id = call.conversation_id or label(found.get("Helicone-Session-Id"))
    rating = {"feedback_rating": first(record, "feedback_rating")}
    call.outcome = outcome_of(first(record, "scores")) or outcome_of(rating) or call.outcome
    call.prompt_template = label(first(record, "prompt_id")) or call.prompt_template
    call.organization = label(first(record, "organization_id"))
    country = label(first(record, "country_code"))
    if country:
        call.tags.setdefault("country_code", country)


READER = Reader(
    name="helicone",
    title="Helicone (JSON, JSONL, CSV, HQL rows)",
    signatures=tuple(
        frozenset(keys)
        for keys in (
            ("request_id", "request_created_at"),
            ("response_id", "request_created_at"),
            ("response_id", "response_created_at"),
            ("request_id", "response_created_at"),
        )
    ),
    detect=_detect,
    read=_read,
    unlock={
        "text": "helicone export --include-body",
        "cache_tokens": "export as JSONL with --include-body (the CSV has no cache columns)",
        "user": "header Helicone-User-Id, and Helicone-Property-Team for teams",
        "latency": "export as JSONL (the latency column of the CSV is empty)",
    },
)
