"""Spans of every dialect as calls: one outcome per span, and each model call once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.call import Outcome, Skip
from audit.readers import Record, _span_agents, _span_genai, _span_mlflow, _span_openinference
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
        elif found is None and key.startswith(("gen_ai.", "ai.operationId", "mlflow.spanType")):
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
        *(("traceId", "tags"), ("OperationId", "Properties"), ("operation_Id", "customDimensions")),
        *(("context.span_id",), ("context.trace_id",), ("attributes.openinference.span.kind",)),
    )
)
"""Key sets of records that hold spans: messages of many, or one span in the shape of some exporter."""

_DETAILS = "operation.details"
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


def parts(record: Record) -> Mapping[str | None, Record]:
    """A message that tells of model calls, cut by trace: wrappers and texts of a call may stand in other messages."""
    if not otlp.is_envelope(record):
        return {}
    told = any(_is_event(span.name) or dialect(span.attributes) is not None for span in _all(record))
    return otlp.by_trace(record) if told else {}


def read(record: Record) -> list[Outcome]:
    """Outcomes of every span and log event of one record, doubles among them dropped."""
    return read_group([record])


def read_group(records: Iterable[Record]) -> list[Outcome]:
    """Outcomes of every span and log event of several records, doubles among them dropped."""
    kinds = [(span, record.get("span_kind")) for record in records for span in _all(record)]
    spans = [span for span, _ in kinds]
    joined = _with_events(spans)
    outcomes: list[Outcome] = [
        Skip("message_event") if place in joined else read_span(span, kind) for place, (span, kind) in enumerate(kinds)
    ]
    names = [_name(span, span.span_id) for span in spans]
    parents = {name: _name(span, span.parent_id) for name, span in zip(names, spans, strict=True) if name is not None}
    above = [walk_up(_name(span, span.parent_id), parents) for span in spans]
    drop_doubles(names, above, outcomes)
    return outcomes or [Skip("no_spans")]


def _with_events(spans: list[Span]) -> set[int]:
    """Give spans the log events about them: texts, and the counts of details. Returns the places of those events."""
    calls: dict[tuple[str | None, str | None], Span]
    calls = {(span.trace_id, span.span_id): span for span in spans if span.span_id and span.duration is not None}
    joined: set[int] = set()
    events = [(place, span) for place, span in enumerate(spans) if span.duration is None and _is_event(span.name)]
    for place, event in sorted(events, key=lambda each: each[1].started_at_us or 0):
        call = calls.get((event.trace_id, event.span_id))
        if call is None:
            continue
        joined.add(place)
        if event.name.endswith(_DETAILS):
            for name, value in event.attributes.items():
                call.attributes.setdefault(name, value)
        else:
            call.events.append((event.name, event.attributes))
    return joined


def _is_event(name: str) -> bool:
    return name.startswith("gen_ai.")


def _name(span: Span, span_id: str | None) -> str | None:
    return None if span_id is None else f"{span.trace_id}:{span_id}"


def read_span(span: Span, span_kind: Any = None) -> Outcome:
    """One span or log event as a call, or why it is none."""
    if (event := _span_agents.read(span)) is not None:
        return event
    if _span_mlflow.is_own(span.attributes):
        return _span_mlflow.read(span)
    reason = _span_genai.translate_ai_sdk(span.attributes)
    if reason is not None:
        return Skip(reason)
    if _is_event(span.name) and not span.name.endswith(_DETAILS):
        # content of a call whose span or details event holds the counts
        return Skip("message_event")
    words = dialect(span.attributes, span_kind)
    if words is None:
        return Skip("not_an_llm_call")
    if words == "openinference":
        kind = _span_openinference.kind_of(span.attributes, span_kind) or "LLM"
        reason = _span_openinference.skip_reason(kind)
        return Skip(reason) if reason else _span_openinference.read_call(span, kind)
    reason = _span_genai.wrapper_reason(span) if words == "openllmetry" else None
    reason = reason or _span_genai.skip_reason(span)
    return Skip(reason) if reason else _span_genai.read_call(span)
