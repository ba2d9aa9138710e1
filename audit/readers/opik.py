"""Opik (Comet): spans from its API or SDK, and traces, which only repeat them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.readers._gateway import fill_bodies, settle
from audit.wire.beside import error_name
from audit.wire.bodies import take_usage
from audit.wire.counts import part
from audit.wire.result_sets import undotted
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json
from audit.wire.times import between, number, seconds, to_us

_TYPES = frozenset({"llm", "general", "tool", "guardrail"})
_OWN = frozenset({"project_id", "project_name", "total_estimated_cost", "parent_span_id", "error_info", "span_count"})
_ORIGINAL = "original_usage."


def _detect(record: Record) -> int:
    # Langfuse has most of the same columns, and its types in capitals
    kind = record.get("type")
    spelled = isinstance(kind, str) and kind in _TYPES if "type" in record else "span_count" in record
    return 35 if spelled and len(_OWN & record.keys()) >= 1 else 0


def _read(record: Record) -> Iterable[Outcome]:
    if record.get("type") != "llm":
        return (Skip("parent_span" if record.get("type") in (None, "general") else "not_an_llm_call"),)
    call = Call(system="opik", trace_id=label(record.get("trace_id")), parent_id=label(record.get("parent_span_id")))
    fill_bodies(call, maybe_json(record.get("input")), maybe_json(record.get("output")))
    # the provider's own usage object is kept flattened beside the counts; the answer's may have lost its details
    usage = _usage(part(maybe_json(record.get("usage"))))
    if usage:
        take_usage(call, usage)
    model = label(record.get("model"))
    call.request_model, call.response_model = call.request_model or model, call.response_model or model
    provider = label(record.get("provider"))
    call.provider_name = provider.lower() if provider else call.provider_name
    call.started_at_us = to_us(record.get("start_time"))
    call.duration = between(call.started_at_us, to_us(record.get("end_time"))) or seconds(record.get("duration"), 1000)
    call.time_to_first_chunk = seconds(record.get("ttft"), 1000)
    problem = maybe_json(record.get("error_info"))
    if isinstance(problem, dict) and problem:
        call.status = "failed"
        call.error_type = label(problem.get("exception_type")) or error_name(problem) or "error"
    call.logged_cost_usd = number(record.get("total_estimated_cost"))
    tag(call, record.get("metadata"))
    tag(call, maybe_json(record.get("tags")))
    settle(call, label(record.get("id")))
    return (call,)


def _usage(counts: Mapping[str, Any]) -> Mapping[str, Any]:
    flat = {key.removeprefix(_ORIGINAL): value for key, value in counts.items() if key.startswith(_ORIGINAL)}
    nested = undotted(flat) or flat
    return nested if nested.keys() & {"input_tokens", "prompt_tokens", "prompt_token_count"} else counts


READER = Reader(
    name="opik",
    title="Opik spans (API, SDK export)",
    signatures=(
        frozenset({"type", "start_time", "trace_id"}),
        frozenset({"span_count", "start_time"}),
    ),
    detect=_detect,
    read=_read,
    unlock={
        "text": "track_openai and the other integrations log input and output",
        "cache_tokens": "an integration that logs the provider's usage (original_usage.*)",
        "user": "metadata user_id, team and feature on the span",
        "latency": "spans with start_time and end_time",
    },
)
