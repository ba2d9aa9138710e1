"""LiteLLM's StandardLoggingPayload (S3, GCS, Azure, generic API), and the line items of its batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.call import Call, Outcome
from audit.readers import Reader, Record
from audit.readers._litellm import SYSTEM, call_of
from audit.wire.beside import error_name, status_problem
from audit.wire.bodies import take_usage
from audit.wire.dialect import of_pair
from audit.wire.exchange import fill, settle
from audit.wire.text import label, maybe_json
from audit.wire.times import number, to_us

_PAYLOAD = frozenset({"call_type", "startTime", "model_map_information"})
_SHORT = frozenset({"call_type", "startTime", "response_cost", "model_group"})
_LINE = frozenset({"batch_id", "custom_id", "response"})
_WRAPPED = frozenset({"standard_logging_object"})


def _detect(record: Record) -> int:
    if record.keys() >= _PAYLOAD or record.keys() >= _SHORT or record.keys() >= _LINE:
        return 30
    return 30 if isinstance(maybe_json(record.get("standard_logging_object")), dict) else 0


def _read(record: Record) -> Iterable[Outcome]:
    inner = maybe_json(record.get("standard_logging_object"))
    if isinstance(inner, dict):
        record = inner
    if "batch_id" in record and "call_type" not in record:
        return (_line_item(record),)
    return (call_of(record, record.get("id") or record.get("litellm_call_id"), record.get("response_cost")),)


def _line_item(record: Record) -> Call:
    """One request of a batch; its tier is the batch's, whatever the body says."""
    call = Call(system=SYSTEM, service_tier="batch")
    request, response = maybe_json(record.get("request")), maybe_json(record.get("response"))
    if isinstance(request, dict) and isinstance(request.get("body"), dict):
        request = request["body"]
    if isinstance(response, dict) and isinstance(response.get("body"), dict):
        problem = status_problem(response.get("status_code"))
        if problem is not None:
            call.status, call.error_type = "failed", problem
        response = response["body"]
    status = status_problem(record.get("status"))
    error = error_name(maybe_json(record.get("error")))
    if status is not None or error is not None:
        call.status, call.error_type = "failed", error or status
    _fill(call, record, request, response)
    call.native_id = f"{record['batch_id']}/{record['custom_id']}"
    call.tags["batch_id"] = label(record["batch_id"])
    return call


def _fill(call: Call, record: Record, request: Any, response: Any) -> None:
    call.request_model = label(record.get("model"))
    call.provider_name = label(record.get("custom_llm_provider"))
    call.logged_cost_usd = number(record.get("response_cost"))
    fill(call, of_pair(request, response) or "chat", request, response)
    counts = maybe_json(record.get("usage"))
    if call.usage is None and isinstance(counts, Mapping):
        take_usage(call, counts)
    for key in ("created_at", "completed_at", "timestamp"):
        call.started_at_us = call.started_at_us or to_us(record.get(key))
    call.service_tier = "batch"
    settle(call)


READER = Reader(
    name="litellm_payload",
    title="LiteLLM StandardLoggingPayload (S3, GCS, Azure, generic callback) and batch line items",
    signatures=(_PAYLOAD, _SHORT, _LINE, _WRAPPED),
    detect=_detect,
    read=_read,
    unlock={
        "text": "litellm_settings.turn_off_message_logging: false",
        "cache_tokens": "keep metadata.usage_object, or log response.usage (turn_off_message_logging: false)",
        "user": "send user= in requests, or give each team its own virtual key with a team_alias",
    },
)
