"""Portkey: log exports as JSONL (fields as chosen by the user) and objects of its log API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.call import Call, Outcome
from audit.readers import Reader, Record
from audit.readers._gateway import body, column_usage, fill_bodies, first, put_time, settle
from audit.wire.beside import error_name, hashed_key, status_problem
from audit.wire.counts import count
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json
from audit.wire.times import number, seconds

_OWN_KEYS = frozenset(
    {"ai_org", "ai_model", "ai_provider", "req_units", "res_units", "total_units", "request_url", "is_success"}
    | {"response_status_code", "cost_currency", "prompt_slug", "cache_status", "cache_type", "virtual_key", "mode"}
    | {"ai_org_auth_hash", "request_tokens", "response_tokens", "retry_success_count", "stream_mode", "config"}
)
_HITS = frozenset({"HIT", "SEMANTIC HIT", "SEMANTIC_HIT"})


def _detect(record: Record) -> int:
    return 30 if len(_OWN_KEYS & record.keys()) >= 2 else 0


def _read(record: Record) -> Iterable[Outcome]:
    call = Call(system="portkey")
    request, response = _body(record.get("request")), _body(record.get("response"))
    fill_bodies(call, request, response)
    provider = label(first(record, "ai_org", "ai_provider", "provider"))
    call.provider_name = provider.lower() if provider else call.provider_name
    model = label(first(record, "ai_model", "model"))
    call.request_model = call.request_model or model
    call.response_model = call.response_model or model
    put_time(call, first(record, "created_at"), first(record, "timestamp"))
    call.duration = seconds(first(record, "response_time", "response_time_ms"), 1000)
    _fill_status(call, record, response)
    if call.usage is None:
        _fill_columns(call, record)
    _label(call, record)
    settle(call, label(first(record, "id")))
    return (call,)


def _body(value: Any) -> Any:
    """The body itself, also where the log keeps the HTTP message around it."""
    found = body(value)
    if isinstance(found, Mapping) and "body" in found and ("headers" in found or "url" in found or "status" in found):
        found = body(found["body"])
    return found


def _fill_status(call: Call, record: Record, response: Any) -> None:
    problem = status_problem(first(record, "response_status_code", "status_code"))
    succeeded = str(record.get("is_success")).lower()
    if problem is not None or succeeded in ("false", "0"):
        error = response.get("error") if isinstance(response, Mapping) else None
        call.status, call.error_type = "failed", error_name(maybe_json(error)) or problem or "error"
    if str(record.get("cache_status")).upper() in _HITS:
        call.status = "cache_hit"


def _fill_columns(call: Call, record: Record) -> None:
    counts = {
        "prompt": first(record, "req_units", "request_tokens", "prompt_tokens"),
        "completion": first(record, "res_units", "response_tokens", "completion_tokens"),
        "total": first(record, "total_units", "total_tokens"),
        "read": first(record, "cached_tokens", "cache_read_input_tokens"),
        "write": first(record, "cache_creation_input_tokens"),
    }
    prompt, completion, total = (count(counts[name], "", []) for name in ("prompt", "completion", "total"))
    if total and total > (prompt or 0) + (completion or 0) and counts["read"] is None and _is_claude(call):
        # the gateway passes Anthropic's prompt count on, without cached tokens, and only its total includes them
        counts["prompt"] = total - (completion or 0)
        call.flags.append("cache_split_unknown")
    column_usage(call, counts)


def _is_claude(call: Call) -> bool:
    return call.provider_name in ("anthropic", "bedrock") or "claude" in (call.response_model or "").lower()


def _label(call: Call, record: Record) -> None:
    tag(call, record.get("metadata"))
    call.trace_id = label(first(record, "trace_id"))
    call.parent_id = label(first(record, "parent_span_id"))
    call.prompt_template = label(first(record, "prompt_slug")) or call.prompt_template
    call.api_key_hash = hashed_key(first(record, "virtual_key", "api_key_id"))
    tag(call, {name: first(record, name) for name in ("mode", "cache_status", "workspace_slug", "retry_success_count")})
    cost = number(first(record, "cost"))
    if cost is not None:
        # documented as cents in one place and as the given currency in another: kept, but not taken for dollars
        call.tags.update({"cost": cost, "cost_currency": label(first(record, "cost_currency")) or "unknown"})
        call.flags.append("cost_unit_unknown")


READER = Reader(
    name="portkey",
    title="Portkey log export",
    signatures=tuple(
        frozenset(keys)
        for keys in (
            *(("ai_model",), ("ai_org",), ("ai_provider", "request_tokens"), ("req_units",), ("res_units",)),
            *(("total_units",), ("prompt_slug",), ("is_success", "response_status_code"), ("cost_currency",)),
            *(("cache_status", "mode"), ("request_url", "response_status_code"), ("request_url", "is_success")),
        )
    ),
    detect=_detect,
    read=_read,
    unlock={
        "text": "choose the fields request and response in the export (an admin may have switched them off)",
        "cache_tokens": "choose the field response: its usage object holds the cached tokens",
        "user": "metadata _user, team and _environment (header x-portkey-metadata)",
    },
)
