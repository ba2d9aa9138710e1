"""Braintrust: spans of project logs and experiments, from the API, an export or a BTQL query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.readers._doubles import drop_doubles, walk_up
from audit.readers._gateway import column_usage, fill_bodies, first, settle
from audit.wire.beside import error_name
from audit.wire.counts import part
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json
from audit.wire.times import between, number, to_us

_CALL = "llm"
_PARENTS = frozenset({"task", "eval", "function"})


def _type(record: Record) -> str | None:
    return label(part(maybe_json(record.get("span_attributes"))).get("type"))


def _detect(record: Record) -> int:
    return 30 if isinstance(maybe_json(record.get("span_attributes")), dict) and "root_span_id" in record else 0


def _group(record: Record) -> str | None:
    """Wrappers of client libraries are spans of a call as well; they show only beside the call inside them."""
    return label(record.get("root_span_id")) if _type(record) == _CALL else None


def _read(record: Record) -> Iterable[Outcome]:
    return _read_group([record])


def _read_group(records: list[Record]) -> Iterable[Outcome]:
    outcomes = [_outcome(record) for record in records]
    ids = [label(record.get("span_id")) for record in records]
    parents = {name: _parent(record) for name, record in zip(ids, records, strict=True) if name is not None}
    drop_doubles(ids, [walk_up(_parent(record), parents) for record in records], outcomes)
    return outcomes


def _parent(record: Record) -> str | None:
    found = maybe_json(record.get("span_parents"))
    return label(found[0]) if isinstance(found, list) and found else None


def _outcome(record: Record) -> Outcome:
    kind = _type(record)
    if kind != _CALL:
        return Skip("parent_span" if kind in _PARENTS or kind is None else "not_an_llm_call")
    metadata, metrics = part(maybe_json(record.get("metadata"))), part(maybe_json(record.get("metrics")))
    call = Call(system="braintrust", trace_id=label(record.get("root_span_id")), parent_id=_parent(record))
    asked, answered = maybe_json(record.get("input")), maybe_json(record.get("output"))
    choices = isinstance(answered, list) and answered and isinstance(answered[0], dict) and "message" in answered[0]
    fill_bodies(call, {**metadata, "messages": asked}, {"choices": answered} if choices else answered)
    model = label(metadata.get("model"))
    call.request_model, call.response_model = call.request_model or model, call.response_model or model
    call.provider_name = label(metadata.get("provider"))
    if "embedding" in (model or ""):
        call.operation_name = "embeddings"
    started, ended = to_us(metrics.get("start")), to_us(metrics.get("end"))
    call.started_at_us = started or to_us(record.get("created"))
    call.duration = between(started, ended)
    call.time_to_first_chunk = number(metrics.get("time_to_first_token"))
    if record.get("error") not in (None, "", "null"):
        call.status, call.error_type = "failed", error_name(maybe_json(record["error"])) or "error"
    elif number(metrics.get("cached")):
        call.status = "cache_hit"
    if call.usage is None:
        _fill_usage(call, metrics)
    call.logged_cost_usd = number(metrics.get("estimated_cost"))
    tag(call, metadata.get("metadata"))
    tag(call, maybe_json(record.get("tags")))
    settle(call, label(first(record, "id", "span_id")))
    return call


def _fill_usage(call: Call, metrics: Mapping[str, Any]) -> None:
    counts = {
        "prompt": metrics.get("prompt_tokens"),
        "completion": metrics.get("completion_tokens"),
        "total": first(metrics, "tokens", "total_tokens"),
        "read": metrics.get("prompt_cached_tokens"),
        "write": metrics.get("prompt_cache_creation_tokens"),
        "reasoning": metrics.get("completion_reasoning_tokens"),
        "audio_in": metrics.get("prompt_audio_tokens"),
        "audio_out": metrics.get("completion_audio_tokens"),
    }
    column_usage(call, counts)


READER = Reader(
    name="braintrust",
    title="Braintrust spans (logs and experiments: API, export, BTQL)",
    signatures=(frozenset({"span_attributes", "metrics"}),),
    detect=_detect,
    read=_read,
    group=_group,
    read_group=_read_group,
    unlock={
        "text": "wrapped clients log input and output; mask nothing with set_masking_function",
        "cache_tokens": "an SDK that logs prompt_cached_tokens",
        "user": "metadata user_id, team and feature on the span",
        "latency": "wrapped clients log time_to_first_token",
    },
)
