"""Spans and log events, whatever exporter wrote them: OTLP JSON, console exporters, trace stores, data frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.wire.attributes import Attributes, any_value, flat
from audit.wire.text import maybe_json
from audit.wire.times import between, number, to_us


@dataclass(slots=True)
class Span:
    """One span, or one log event seen as a span of no length; times are UTC epoch microseconds, durations seconds."""

    name: str
    trace_id: str | None = None
    span_id: str | None = None
    parent_id: str | None = None
    started_at_us: int | None = None
    duration: float | None = None
    attributes: Attributes = field(default_factory=dict)
    events: list[tuple[str, Attributes]] = field(default_factory=list)
    failed: bool = False
    status_message: str | None = None
    resource: Attributes = field(default_factory=dict)
    scope: str = ""


def is_envelope(record: Mapping[str, Any]) -> bool:
    """Whether `record` is an OTLP message holding spans or log events of its own."""
    return any(isinstance(maybe_json(record.get(key)), (list, dict)) for key in (*_SPAN_LISTS, *_LOG_LISTS))


_SPAN_LISTS = ("resourceSpans", "resource_spans", "batches", "scopeSpans", "scope_spans")
_LOG_LISTS = ("resourceLogs", "resource_logs", "scopeLogs", "scope_logs")
_SCOPED_SPANS = ("scopeSpans", "scope_spans", "instrumentationLibrarySpans", "instrumentation_library_spans")
_SCOPED_LOGS = ("scopeLogs", "scope_logs", "instrumentationLibraryLogs", "instrumentation_library_logs")


def spans(record: Mapping[str, Any]) -> Iterator[Span]:
    """Every span of `record`: the spans of an OTLP message or a Jaeger trace, or the one span that it is."""
    if isinstance(record.get("trace"), Mapping) and is_envelope(record["trace"]):
        record = record["trace"]
    if is_envelope(record):
        yield from _envelope(record, _SPAN_LISTS, _SCOPED_SPANS, ("spans",), _span)
    elif isinstance(record.get("spans"), list) and "processes" in record:
        yield from _jaeger(record)
    else:
        yield _span(record, flat(_first(record, _RESOURCE)), "")


def log_events(record: Mapping[str, Any]) -> Iterator[Span]:
    """Every log event of an OTLP message; `name` is the event name, a body that is a map joins the attributes."""
    yield from _envelope(record, _LOG_LISTS, _SCOPED_LOGS, ("logRecords", "log_records"), _log_event)


Names = tuple[str, ...]
Make = Callable[[Mapping[str, Any], Attributes, str], Span]


def _envelope(record: Mapping[str, Any], outer: Names, scoped: Names, inner: Names, make: Make) -> Iterator[Span]:
    for key in outer:
        groups = _items(record.get(key))
        if key.startswith("scope"):
            groups = [dict(record)] if groups else []
        for group in groups:
            resource = flat(_attributes_of(group.get("resource")))
            for scope_key in scoped:
                for part in _items(group.get(scope_key)):
                    scope = part.get("scope") or part.get("instrumentationLibrary") or {}
                    name = scope.get("name") if isinstance(scope, dict) else None
                    for item in _items(_first(part, inner)):
                        yield make(item, resource, str(name or ""))


def by_trace(record: Mapping[str, Any]) -> dict[str | None, dict[str, Any]]:
    """An OTLP message cut into one for each trace it tells of, spans and log events alike; None holds those of none."""
    found: dict[str | None, dict[str, Any]] = {}
    for outer, scoped, inner, names in (
        (_SPAN_LISTS, _SCOPED_SPANS, ("spans",), ("resourceSpans", "scopeSpans", "spans")),
        (_LOG_LISTS, _SCOPED_LOGS, ("logRecords", "log_records"), ("resourceLogs", "scopeLogs", "logRecords")),
    ):
        for key in outer:
            groups = _items(record.get(key))
            for group in [dict(record)] if groups and key.startswith("scope") else groups:
                for part in (part for scope_key in scoped for part in _items(group.get(scope_key))):
                    scope = part.get("scope") or part.get("instrumentationLibrary")
                    traces: dict[str | None, list[dict[str, Any]]] = {}
                    for item in _items(_first(part, inner)):
                        traces.setdefault(_hex(_first(item, _TRACE)), []).append(item)
                    for trace, items in traces.items():
                        piece = {"resource": group.get("resource"), names[1]: [{"scope": scope, names[2]: items}]}
                        found.setdefault(trace, {}).setdefault(names[0], []).append(piece)
    return found


def _items(value: Any) -> list[dict[str, Any]]:
    value = maybe_json(value)
    if isinstance(value, dict):
        value = [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _attributes_of(holder: Any) -> Any:
    holder = maybe_json(holder)
    return holder.get("attributes", holder) if isinstance(holder, dict) else holder


def _first(record: Mapping[str, Any], names: Iterable[str]) -> Any:
    for name in names:
        value = record.get(name)
        if value is not None and value != "":
            return value
    return None


_TRACE = (
    "traceId",
    "trace_id",
    "context.trace_id",
    "TraceId",
    "traceID",
    "otel_trace_id",
    "OperationId",
    "operation_Id",
)
_ID = ("spanId", "span_id", "context.span_id", "SpanId", "spanID", "otel_span_id", "Id", "id")
_PARENT = ("parentSpanId", "parent_span_id", "parent_id", "ParentSpanId", "parentId", "parentSpanID", "ParentId")
_NAME = ("name", "span_name", "SpanName", "operationName", "spanName", "Name")
_START = (
    "startTimeUnixNano",
    "start_time_unix_nano",
    "start_time",
    "startTime",
    "start_timestamp",
    "Timestamp",
    "timestamp",
    "TimeGenerated",
)
_END = ("endTimeUnixNano", "end_time_unix_nano", "end_time", "endTime", "end_timestamp")
_ATTRIBUTES = (
    "attributes",
    "span_attributes",
    "SpanAttributes",
    "spanAttributes",
    "tags",
    "Properties",
    "customDimensions",
)
_RESOURCE = ("resource", "ResourceAttributes", "resource_attributes", "otel_resource_attributes", "resourceAttributes")
_MESSAGE = ("status_message", "StatusMessage", "statusMessage", "otel_status_message")
_CODE = ("status_code", "StatusCode", "statusCode", "otel_status_code")


def _span(record: Mapping[str, Any], resource: Attributes, scope: str) -> Span:
    context = maybe_json(_first(record, ("context", "spanContext")))
    context = context if isinstance(context, dict) else {}
    started = moment(_first(record, _START))
    ended = moment(_first(record, _END))
    failed, message = _status(record)
    if "attributes" in resource:
        resource = flat(resource["attributes"])
    return Span(
        name=str(_first(record, _NAME) or ""),
        trace_id=_hex(_first(record, _TRACE) or _first(context, _TRACE)),
        span_id=_hex(_first(record, _ID) or _first(context, _ID)),
        parent_id=_hex(_first(record, _PARENT) or _parent_of(record)),
        started_at_us=started or ended,
        duration=_duration(record, started, ended),
        attributes=_span_attributes(record),
        events=list(_events(record.get("events") or record.get("logs"))),
        failed=failed,
        status_message=message,
        resource=_without_prefix(resource, "attributes."),
        scope=scope or _scope_of(record),
    )


def _scope_of(record: Mapping[str, Any]) -> str:
    scope = maybe_json(_first(record, ("scope", "instrumentationScope", "instrumentation_scope", "ScopeName")))
    if isinstance(scope, dict):
        scope = scope.get("name")
    return scope if isinstance(scope, str) else ""


def _without_prefix(attributes: Attributes, prefix: str) -> Attributes:
    if not any(key.startswith(prefix) for key in attributes):
        return attributes
    return {key.removeprefix(prefix): value for key, value in attributes.items()}


def moment(value: Any) -> int | None:
    """A span's time as UTC epoch microseconds: nanoseconds (also as text), `[seconds, nanos]` pairs, and all others."""
    if isinstance(value, list) and len(value) == 2:
        value = {"seconds": value[0], "nanos": value[1]}
    elif type(value) is str and value.isdecimal() and len(value) > 15:
        # a float would lose the last digits
        value = int(value)
    return to_us(value)


_LENGTHS = (("Duration", 1e9), ("DurationMs", 1e3), ("duration", 1e6))
"""Lengths beside a start: ClickHouse's nanoseconds, Application Insights' milliseconds, Zipkin's microseconds."""


def _duration(record: Mapping[str, Any], started: int | None, ended: int | None) -> float | None:
    if (found := between(started, ended)) is not None:
        return found
    value, unit = next(((record[name], unit) for name, unit in _LENGTHS if record.get(name) is not None), (None, 1.0))
    length = number(value)
    return length / unit if length is not None and length >= 0 else None


def _span_attributes(record: Mapping[str, Any]) -> Attributes:
    found = flat(_first(record, _ATTRIBUTES))
    dotted = [key for key in record if type(key) is str and "." in key]
    for prefix in ("attributes.", "span_attributes.", "SpanAttributes."):
        start = len(prefix)
        columns = {key[start:]: record[key] for key in dotted if key.startswith(prefix)}
        if columns:
            found = {**flat(columns), **found}
    return found


def _hex(value: Any) -> str | None:
    if type(value) is not str:
        return str(value) if type(value) is int and value else None
    text = value.strip()
    if text.startswith("0x"):
        text = text[2:]
    # an id of zeros is how exporters write "no parent"
    return text if text.strip("0") else None


def _parent_of(record: Mapping[str, Any]) -> Any:
    references = record.get("references")
    if isinstance(references, list):
        for reference in references:
            if isinstance(reference, dict) and reference.get("refType", "CHILD_OF") == "CHILD_OF":
                return reference.get("spanID")
    parent = maybe_json(record.get("parentSpanContext") or record.get("parent"))
    return _first(parent, _ID) if isinstance(parent, dict) else None


def _status(record: Mapping[str, Any]) -> tuple[bool, str | None]:
    status = maybe_json(record.get("status"))
    code, message = _first(record, _CODE), _first(record, _MESSAGE)
    if isinstance(status, dict):
        code = _first(status, ("code", "status_code", "statusCode")) or code
        message = _first(status, ("message", "description")) or message
    elif status is not None and code is None:
        code = status
    failed = code == 2 or (type(code) is str and (code.upper().endswith("ERROR") or code == "2"))
    return failed or record.get("is_exception") is True, str(message)[:500] if message else None


def _events(value: Any) -> Iterator[tuple[str, Attributes]]:
    for item in _items(value):
        if "fields" in item:
            attributes = flat(item["fields"])
            yield str(attributes.pop("event", attributes.pop("name", ""))), attributes
            continue
        name = _first(item, ("name", "eventName", "event_name"))
        yield str(name or ""), flat(item.get("attributes") or {})


def _jaeger(trace: Mapping[str, Any]) -> Iterator[Span]:
    processes = trace.get("processes")
    for item in _items(trace.get("spans")):
        process = processes.get(item.get("processID")) if isinstance(processes, dict) else None
        resource = flat(process.get("tags")) if isinstance(process, dict) else {}
        if isinstance(process, dict) and process.get("serviceName"):
            resource["service.name"] = process["serviceName"]
        span = _span(item, resource, "")
        length = item.get("duration")
        if type(length) is int and length >= 0:
            span.duration = length / 1e6
        error = span.attributes.get("error")
        span.failed = span.failed or error is True or error == "true"
        yield span


_EVENT_TIME = ("timeUnixNano", "time_unix_nano", "observedTimeUnixNano", "observed_time_unix_nano")


def _log_event(record: Mapping[str, Any], resource: Attributes, scope: str) -> Span:
    attributes = flat(record.get("attributes") or {})
    body = maybe_json(any_value(record.get("body")))
    name = _first(record, ("eventName", "event_name")) or attributes.get("event.name")
    if isinstance(body, dict):
        for key, value in flat(body).items():
            attributes.setdefault(key, value)
    elif isinstance(body, str) and (not name or body.endswith(f".{name}")):
        # some emitters write the full name as the body and a short one as an attribute
        name = body[:100]
    return Span(
        name=str(name or ""),
        trace_id=_hex(_first(record, _TRACE)),
        span_id=_hex(_first(record, _ID)),
        started_at_us=moment(_first(record, _EVENT_TIME)),
        attributes=attributes,
        resource=resource,
        scope=scope,
    )
