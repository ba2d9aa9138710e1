"""OpenAI Batch: input, output and error files, joined by custom id; every line is priced at the batch tier."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.readers import _batch as batch
from audit.wire.beside import error_name, status_problem
from audit.wire.dialect import of_pair
from audit.wire.exchange import fill, settle
from audit.wire.text import label, maybe_json

_OUTPUT = frozenset({"custom_id", "response"})
_ERROR = frozenset({"custom_id", "error"})
_INPUT = frozenset({"custom_id", "body"})


_BATCH = frozenset({"object", "endpoint", "input_file_id"})


def _detect(record: Record) -> int:
    keys = record.keys()
    if record.get("object") == "batch":
        return 30
    if "custom_id" not in keys or "batch_id" in keys or "result" in keys:
        return 0
    if "body" in keys:
        return 30 if isinstance(maybe_json(record["body"]), dict) else 0
    response = maybe_json(record.get("response"))
    if isinstance(response, dict):
        return 30 if "body" in response or "status_code" in response else 0
    return 30 if response is None and isinstance(maybe_json(record.get("error")), dict) else 0


def _is_request(record: Record) -> bool:
    return "body" in record


def _body(record: Record) -> Any:
    return maybe_json(record.get("body"))


def _call(record: Record, asked: batch.Asked) -> Call:
    request, flags = asked
    call = Call(system="openai", native_id=label(record.get("id")), flags=list(flags))
    response = maybe_json(record.get("response"))
    body: Any = None
    if isinstance(response, dict):
        body = maybe_json(response.get("body"))
        problem = status_problem(response.get("status_code"))
        if problem is not None:
            call.status, call.error_type = "failed", problem
    problem = error_name(maybe_json(record.get("error")))
    if problem is not None:
        call.status, call.error_type = "failed", problem
    fill(call, of_pair(request, body) or "chat", request, body)
    if call.status == "ok" and body is None:
        call.status, call.error_type = "failed", "no_response"
    # the lines of a batch call themselves `default`
    call.service_tier = "batch"
    call.tags["custom_id"] = label(record.get("custom_id"))
    settle(call)
    return call


def _read(record: Record) -> Iterable[Outcome]:
    if record.get("object") == "batch":
        return (Skip("aggregate_row"),)
    return (Skip(batch.NO_RESULT) if _is_request(record) else _call(record, (None, [])),)


def _group(record: Record) -> str | None:
    return label(record.get("custom_id"))


def _read_group(records: list[Record]) -> Iterable[Outcome]:
    return batch.read_group(records, _is_request, _body, _call)


READER = Reader(
    name="openai_batch",
    title="OpenAI Batch API (input, output and error files)",
    signatures=(_OUTPUT, _ERROR, _INPUT, _BATCH),
    detect=_detect,
    read=_read,
    group=_group,
    read_group=_read_group,
    unlock={
        "text": "add the batch's input file: results hold no prompts",
        "user": "set metadata or safety_identifier in each request body of the input file",
        "latency": "a batch has no latency per request; the Batch object holds created_at and completed_at",
    },
)
