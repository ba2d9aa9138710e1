"""Datadog LLM Observability: spans as the SDK and the intake send them, and as the export API returns them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.readers._gateway import column_usage, first, settle
from audit.wire.counts import part
from audit.wire.messages import transcript
from audit.wire.parameters import parameters
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json
from audit.wire.times import number, seconds, to_us

_CALLS = {"llm": "chat", "embedding": "embeddings"}
_PARENTS = frozenset({"agent", "workflow"})
_NANO = 1e9


def _spans(record: Record) -> Iterator[tuple[dict[str, Any], Mapping[str, Any]]]:
    """Each span with what is said of it: `meta` of the SDK's form laid beside its other fields; and its message."""
    holder = part(record.get("attributes")) if "attributes" in record else record
    listed = holder.get("spans")
    for span in listed if isinstance(listed, list) else (holder,):
        if isinstance(span, dict):
            meta = part(maybe_json(span.get("meta")))
            yield {**meta, **{key: value for key, value in span.items() if key != "meta"}}, holder


def _kind(span: Mapping[str, Any]) -> str | None:
    nested = part(span.get("span")).get("kind")
    return label(first(span, "span_kind", "kind", "span.kind")) or label(nested)


def _detect(record: Record) -> int:
    span = next((span for span, _ in _spans(record)), {})
    told = "metrics" in span or "ml_app" in span or "start_ns" in span
    return 30 if told and _kind(span) is not None and "span_id" in span else 0


def _read(record: Record) -> Iterable[Outcome]:
    return [_outcome(span, holder) for span, holder in _spans(record)] or [Skip("no_spans")]


def _outcome(span: Mapping[str, Any], holder: Mapping[str, Any]) -> Outcome:
    kind = _kind(span) or ""
    if kind not in _CALLS:
        return Skip("parent_span" if kind in _PARENTS else "not_an_llm_call")
    call = Call(system="datadog", operation_name=_CALLS[kind])
    provider = label(span.get("model_provider"))
    call.provider_name = provider.lower() if provider else None
    call.request_model = call.response_model = label(span.get("model_name"))
    call.trace_id, call.parent_id = label(span.get("trace_id")), label(span.get("parent_id"))
    call.conversation_id = label(first(span, "session_id")) or label(holder.get("session_id"))
    call.started_at_us = to_us(first(span, "start_ns", "start_ms"))
    call.duration = seconds(span.get("duration"), _NANO)
    if span.get("status") == "error":
        error = part(span.get("error"))
        call.status = "failed"
        call.error_type = label(first(span, "error.type", "error_type")) or label(error.get("type")) or "error"
    _fill_usage(call, part(maybe_json(span.get("metrics"))))
    asked, answered = part(span.get("input")), part(span.get("output"))
    request = {"messages": _text(asked), "tools": span.get("tool_definitions")}
    transcript({key: value for key, value in request.items() if value}, _text(answered)).apply(call)
    metadata = maybe_json(span.get("metadata"))
    call.parameters = parameters(metadata) if isinstance(metadata, dict) else {}
    for tags in (span.get("tags"), holder.get("tags"), metadata):
        tag(call, tags)
    call.feature = call.feature or label(first(span, "ml_app")) or label(holder.get("ml_app"))
    settle(call, f"{call.trace_id}:{span.get('span_id')}")
    return call


def _text(side: Mapping[str, Any]) -> Any:
    found = first(side, "messages", "value", "parameters")
    documents = side.get("documents")
    if found is None and isinstance(documents, list):
        return [{"role": "user", "content": part(each).get("text")} for each in documents]
    return maybe_json(found)


def _fill_usage(call: Call, metrics: Mapping[str, Any]) -> None:
    counts = {
        "prompt": first(metrics, "input_tokens", "prompt_tokens"),
        "completion": first(metrics, "output_tokens", "completion_tokens"),
        "total": metrics.get("total_tokens"),
        "read": metrics.get("cache_read_input_tokens"),
        "write": metrics.get("cache_write_input_tokens"),
        "reasoning": metrics.get("reasoning_output_tokens"),
    }
    column_usage(call, counts)
    cost = number(metrics.get("estimated_total_cost"))
    call.logged_cost_usd = None if cost is None else cost / _NANO
    call.time_to_first_chunk = number(metrics.get("time_to_first_token"))


READER = Reader(
    name="datadog",
    title="Datadog LLM Observability (export API, SDK and intake spans)",
    signatures=(
        frozenset({"span_id", "meta"}),
        frozenset({"span_id", "span_kind"}),
        frozenset({"id", "attributes"}),
        frozenset({"type", "attributes"}),
        frozenset({"spans", "event_type"}),
        frozenset({"spans", "ml_app"}),
    ),
    detect=_detect,
    read=_read,
    unlock={
        "text": "DD_LLMOBS content capture on (no sensitive data scanner rule that drops input and output)",
        "cache_tokens": "an SDK that sends cache_read_input_tokens",
        "user": "span tags user_id, team and feature",
        "latency": "an integration that sends time_to_first_token",
    },
)
