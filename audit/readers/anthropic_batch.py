"""Anthropic Message Batches: results, and the requests where they are at hand, joined by custom id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.readers import _batch as batch
from audit.wire.beside import error_name
from audit.wire.exchange import fill, settle
from audit.wire.text import label, maybe_json

_RESULT = frozenset({"custom_id", "result"})
_REQUEST = frozenset({"custom_id", "params"})
_TYPES = ("succeeded", "errored", "canceled", "cancelled", "expired")


def _detect(record: Record) -> int:
    if "custom_id" not in record:
        return 0
    result = maybe_json(record.get("result"))
    if isinstance(result, dict):
        return 30 if result.get("type") in _TYPES else 0
    params = maybe_json(record.get("params"))
    return 30 if isinstance(params, dict) and "messages" in params else 0


def _is_request(record: Record) -> bool:
    return "params" in record and "result" not in record


def _body(record: Record) -> Any:
    return maybe_json(record.get("params"))


def _call(record: Record, asked: batch.Asked) -> Call:
    request, flags = asked
    call = Call(system="anthropic", provider_name="anthropic", flags=list(flags))
    if request is None:
        request = maybe_json(record.get("params"))
    result = maybe_json(record.get("result"))
    kind = str(result.get("type"))
    message = maybe_json(result.get("message"))
    if kind != "succeeded":
        # expired and canceled requests are free of charge
        call.status = "failed"
        call.error_type = error_name(maybe_json(result.get("error"))) or kind
    fill(call, "anthropic", request, message)
    call.service_tier = _tier(call.service_tier)
    call.tags["custom_id"] = label(record.get("custom_id"))
    settle(call)
    return call


def _tier(served: str | None) -> str:
    # an uplift for residency stays on top of the batch rate
    region = served.partition("+")[2] if served else ""
    return f"batch+{region}" if region else "batch"


def _read(record: Record) -> Iterable[Outcome]:
    return (Skip(batch.NO_RESULT) if _is_request(record) else _call(record, (None, [])),)


def _group(record: Record) -> str | None:
    return label(record.get("custom_id"))


def _read_group(records: list[Record]) -> Iterable[Outcome]:
    return batch.read_group(records, _is_request, _body, _call)


READER = Reader(
    name="anthropic_batch",
    title="Anthropic Message Batches (results, and requests where present)",
    signatures=(_RESULT, _REQUEST),
    detect=_detect,
    read=_read,
    group=_group,
    read_group=_read_group,
    unlock={
        "text": "add the requests you sent (custom_id and params, one per line): results hold no prompts",
        "user": "set metadata.user_id in each request's params",
        "latency": "a batch has no latency per request; the batch object holds created_at and ended_at",
    },
)
