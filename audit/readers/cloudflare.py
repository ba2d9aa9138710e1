"""Cloudflare AI Gateway: objects of its logs API, and Logpush lines (bodies decrypted or still sealed)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.call import Call, Outcome
from audit.readers import Reader, Record
from audit.readers._gateway import body, column_usage, fill_bodies, first, put_time, settle, snake_case
from audit.wire.beside import error_name, status_problem
from audit.wire.money import dollars
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json
from audit.wire.times import seconds

_API = frozenset({"tokens_in", "tokens_out", "status_code", "cached", "request_type", "model_type", "step"})
_PUSH = frozenset({"Gateway", "Provider", "Model", "Endpoint", "StatusCode", "RequestBody", "ResponseBody"})
_SEALED = frozenset({"key", "iv", "data"})


def _detect(record: Record) -> int:
    if len(_PUSH & record.keys()) >= 4 and "Provider" in record:
        return 30
    return 30 if "model" in record and "provider" in record and len(_API & record.keys()) >= 3 else 0


def _read(record: Record) -> Iterable[Outcome]:
    row = snake_case(record)
    call = Call(system="cloudflare")
    request, response = _open(row, "request"), _open(row, "response")
    fill_bodies(call, request, response)
    provider = label(first(row, "provider"))
    call.provider_name = provider.lower() if provider else None
    model = label(first(row, "model"))
    call.request_model = call.request_model or model
    call.response_model = call.response_model or model
    put_time(call, first(row, "created_at", "datetime", "timestamp", "event_timestamp", "start_time"))
    call.duration = seconds(first(row, "duration", "duration_ms"), 1000)
    _fill_status(call, row, response)
    if call.usage is None:
        column_usage(call, {"prompt": first(row, "tokens_in"), "completion": first(row, "tokens_out")})
    call.logged_cost_usd = dollars(first(row, "cost"), call.flags)
    metadata = maybe_json(row.get("metadata"))
    if not _is_sealed(metadata):
        tag(call, metadata)
    tag(call, {name: first(row, name) for name in ("gateway", "event_id", "custom_cost")})
    if any(_is_sealed(maybe_json(row.get(name))) for name in ("request_body", "response_body")):
        call.text_status = "redacted"
        call.flags.append("encrypted_body")
    settle(call, label(first(row, "id", "log_id", "event_id", "ray_id")))
    return (call,)


def _open(row: Mapping[str, Any], side: str) -> Any:
    """The body of one side: decrypted, or the head of it when the head is complete."""
    found = body(first(row, f"{side}_body"))
    if found is None and row.get(f"{side}_head_complete") is not False:
        found = body(first(row, f"{side}_head"))
    return None if _is_sealed(found) else found


def _is_sealed(value: Any) -> bool:
    return isinstance(value, Mapping) and (value.get("type") == "encrypted" or value.keys() >= _SEALED)


def _fill_status(call: Call, row: Mapping[str, Any], response: Any) -> None:
    problem = status_problem(first(row, "status_code"))
    if problem is not None or str(row.get("success")).lower() in ("false", "0"):
        error = response.get("error") if isinstance(response, Mapping) else None
        call.status, call.error_type = "failed", error_name(maybe_json(error)) or problem or "error"
    elif str(row.get("cached")).lower() in ("true", "1", "hit"):
        call.status = "cache_hit"


READER = Reader(
    name="cloudflare",
    title="Cloudflare AI Gateway (logs API, Logpush)",
    signatures=(
        frozenset({"provider", "model", "tokens_in"}),
        frozenset({"provider", "model", "cached", "status_code"}),
        frozenset({"Gateway", "Provider", "Model"}),
        frozenset({"Provider", "Model", "Endpoint", "StatusCode"}),
    ),
    detect=_detect,
    read=_read,
    unlock={
        "text": "Logpush with payload logging (cf-aig-collect-log-payload: true), decrypted with your private key",
        "cache_tokens": "Logpush: the cached tokens are in the response body",
        "user": "header cf-aig-metadata with user, team and feature",
        "latency": "the logs API (field duration)",
    },
)
