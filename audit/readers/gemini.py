"""Gemini: request/response pairs, bare responses, batch lines, and the request-response table Vertex AI writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audit.call import Call, Outcome
from audit.readers import Reader, Record
from audit.wire import pair
from audit.wire.beside import error_name
from audit.wire.calls import from_pair
from audit.wire.columns import spellings
from audit.wire.dialect import of_pair
from audit.wire.exchange import fill, settle
from audit.wire.stream import join
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json
from audit.wire.times import first_time, to_us

_TABLE = frozenset({"full_request", "full_response"})
_PAYLOADS = frozenset({"request_payload", "response_payload"})
_VERTEX_BATCH = frozenset({"processed_time", "request"})
_KEYED_BATCH = frozenset({"key", "response"})


def _detect(record: Record) -> int:
    keys = record.keys()
    if _TABLE.issubset(keys) or (_PAYLOADS.issubset(keys) and ("logging_time" in keys or "endpoint" in keys)):
        return 30
    found = pair.confidence(record, "gemini")
    if found and _is_batch(record):
        return 30
    if found == 0 and _VERTEX_BATCH.issubset(keys) and "status" in keys:
        return 30
    return found


def _is_batch(record: Record) -> bool:
    keys = record.keys()
    return _VERTEX_BATCH.issubset(keys) or (_KEYED_BATCH.issubset(keys) and "timestamp" not in keys)


def _read(record: Record) -> Iterable[Outcome]:
    if _TABLE.issubset(record.keys()) or _PAYLOADS.issubset(record.keys()):
        return (_vertex(record),)
    call = from_pair(pair.of(record), "gemini")
    if _is_batch(record):
        call.service_tier = "batch"
        if call.started_at_us is None:
            call.started_at_us = to_us(record.get("processed_time"))
    return (call,)


def _vertex(record: Record) -> Call:
    """A row of the table: Gemini bodies, or the bodies of partner models (rawPredict)."""
    call = Call(system="vertex", native_id=label(record.get("request_id")), provider_name="vertex_ai")
    call.request_model = label(record.get("model")) or label(record.get("deployed_model_id"))
    endpoint = label(record.get("endpoint"))
    if endpoint and "/publishers/anthropic/" in endpoint:
        # the price of a partner's model depends on the place, and only the endpoint names it
        call.request_model = endpoint
    call.started_at_us = first_time(call.flags, record.get("logging_time"))
    request = _payload(record.get("full_request"), record.get("request_payload"))
    response = join(_payload(record.get("full_response"), record.get("response_payload")))
    if isinstance(response, list) and response and isinstance(response[0], dict):
        response = response[-1]
    method = str(record.get("api_method") or "").lower()
    if method:
        call.request_stream = "stream" in method
    model = call.request_model
    fill(call, of_pair(request, response) or "gemini", request, response)
    call.request_model = call.request_model or model
    if call.status == "ok" and response is None:
        call.status, call.error_type = "failed", "no_response"
    metadata = maybe_json(record.get("metadata"))
    if isinstance(metadata, dict):
        problem = error_name(maybe_json(metadata.get("error")))
        if problem is not None and call.usage is None:
            call.status, call.error_type = "failed", problem
        tag(call, metadata)
    native_id = call.native_id
    settle(call)
    call.native_id = native_id or call.native_id
    return call


def _payload(whole: Any, pieces: Any) -> Any:
    """The body as one JSON value; the older columns hold it as a list of JSON texts."""
    if whole not in (None, "", {}, []):
        return maybe_json(whole)
    decoded = maybe_json(pieces)
    if isinstance(decoded, list):
        decoded = [maybe_json(piece) for piece in decoded]
        return decoded[0] if len(decoded) == 1 else decoded or None
    return decoded


READER = Reader(
    name="gemini",
    title="Gemini and Vertex AI (pairs, bare responses, batch output, request-response logging in BigQuery)",
    signatures=(
        *spellings("response"),
        *spellings("request"),
        frozenset({"candidates"}),
        frozenset({"usageMetadata"}),
        frozenset({"usage_metadata"}),
        frozenset({"contents"}),
        _TABLE,
        _PAYLOADS,
        _VERTEX_BATCH,
    ),
    detect=_detect,
    read=_read,
    unlock={
        "text": "Vertex AI: setPublisherModelConfig with loggingConfig.enabled=true (samplingRate=1.0)",
        "cache_tokens": "log usageMetadata whole (cachedContentTokenCount)",
        "user": "set labels in the request (team, feature, user)",
        "latency": "log start time and latency_ms beside the pair",
    },
)
