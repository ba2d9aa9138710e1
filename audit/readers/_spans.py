"""Spans of every dialect as calls: one outcome per span, and each model call once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audit.call import Outcome, Skip
from audit.readers import Record, _span_agents, _span_genai, _span_openinference
from audit.readers._doubles import drop_doubles, walk_up
from audit.wire import otlp
from audit.wire.attributes import Attributes
from audit.wire.otlp import Span


def dialect(attributes: Attributes, span_kind: Any = None) -> str | None:
    """Which words a span uses: openinference, openllmetry, gen_ai, or None when it has none of them."""
    found = None
    if "llm.request.type" in attributes or "traceloop.span.kind" in attributes:
        found = "openllmetry"
    for key in attributes:
        if key.startswith("openinference."):
            return "openinference"
        if key.startswith(("gen_ai.prompt.", "gen_ai.completion.", "llm.usage.", "traceloop.")):
            found = "openllmetry"
        elif found is None and key.startswith(("gen_ai.", "ai.operationId")):
            found = "gen_ai"
        elif found is None and key.startswith(("llm.token_count.", "llm.model_name", "llm.input_messages")):
            found = "openinference"
    return found or ("openinference" if _span_openinference.kind_of({}, span_kind) in ("LLM", "EMBEDDING") else None)


SIGNATURES = tuple(
    frozenset(keys)
    for keys in (
        *(("resourceSpans",), ("resource_spans",), ("resourceLogs",), ("resource_logs",), ("resourceMetrics",)),
        *(("batches",), ("scopeSpans",), ("scopeLogs",), ("trace",), ("traceID", "spans")),
        *(("traceId", "spanId"), ("trace_id", "span_id"), ("TraceId", "SpanId"), ("context", "attributes")),
        *(("context.span_id",), ("context.trace_id",), ("attributes.openinference.span.kind",)),
    )
)
"""Key sets of records that hold spans: messages of many, or one span in the shape of some exporter."""

_ENVELOPES = ("resourceSpans", "resource_spans", "resourceLogs", "resource_logs", "resourceMetrics", "spans")
_parsed: tuple[Record, list[Span]] = ({}, [])


def _all(record: Record) -> list[Span]:
    """The spans and log events of a record; the last result is kept, as three readers look at the same record."""
    global _parsed
    if _parsed[0] is not record:
        found = list(otlp.log_events(record)) if otlp.is_envelope(record) else []
        found.extend(otlp.spans(record))
        _parsed = (record, found)
    return _parsed[1]


def score(record: Record, words: str, points: int) -> int:
    """`points` when a span of `record` uses these words; 12 for any span when `words` is gen_ai; else 0."""
    kind = record.get("span_kind")
    found = {dialect(span.attributes, kind) for span in _all(record)}
    if words in found:
        return points
    if words != "gen_ai":
        return 0
    if any(_span_agents.event_name(span) for span in _all(record)):
        return points
    spans = any(key in record for key in _ENVELOPES) or any(span.span_id and span.attributes for span in _all(record))
    return 12 if spans else 0


def group(record: Record) -> str | None:
    """Lone records of model calls belong together by trace: only there a wrapper around a call shows."""
    if otlp.is_envelope(record) or len(_all(record)) != 1:
        return None
    span = _all(record)[0]
    if span.trace_id is None or dialect(span.attributes, record.get("span_kind")) is None:
        return None
    kind = _span_openinference.kind_of(span.attributes, record.get("span_kind"))
    return span.trace_id if kind is None or _span_openinference.skip_reason(kind) is None else None


def read(record: Record) -> list[Outcome]:
    """Outcomes of every span and log event of one record, doubles among them dropped."""
    return read_group([record])


def read_group(records: Iterable[Record]) -> list[Outcome]:
    """Outcomes of every span and log event of several records, doubles among them dropped."""
    spans: list[Span] = []
    outcomes: list[Outcome] = []
    for record in records:
        for span in _all(record):
            spans.append(span)
            outcomes.append(read_span(span, record.get("span_kind")))
    names = [_name(span, span.span_id) for span in spans]
    parents = {name: _name(span, span.parent_id) for name, span in zip(names, spans, strict=True) if name is not None}
    above = [walk_up(_name(span, span.parent_id), parents) for span in spans]
    drop_doubles(names, above, outcomes)
    return outcomes or [Skip("no_spans")]


def _name(span: Span, span_id: str | None) -> str | None:
    return None if span_id is None else f"{span.trace_id}:{span_id}"


def read_span(span: Span, span_kind: Any = None) -> Outcome:
    """One span or log event as a call, or why it is none."""
    if (event := _span_agents.read(span)) is not None:
        return event
    reason = _span_genai.translate_ai_sdk(span.attributes)
    if reason is not None:
        return Skip(reason)
    words = dialect(span.attributes, span_kind)
    if words is None:
        return Skip("not_an_llm_call")
    if words == "openinference":
        kind = _span_openinference.kind_of(span.attributes, span_kind) or "LLM"
        reason = _span_openinference.skip_reason(kind)
        return Skip(reason) if reason else _span_openinference.read_call(span, kind)
    if span.name.startswith("gen_ai.") and not span.name.endswith("operation.details"):
        # content of a call whose span or details event holds the counts
        return Skip("message_event")
    reason = _span_genai.wrapper_reason(span) if words == "openllmetry" else None
    reason = reason or _span_genai.skip_reason(span)
    return Skip(reason) if reason else _span_genai.read_call(span)
