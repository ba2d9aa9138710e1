"""Langfuse observations, however exported: one call per generation or embedding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Record
from audit.readers._doubles import drop_doubles, walk_up
from audit.readers._gateway import column_usage, first, mark_withheld, put_time, settle, snake_case
from audit.wire.attributes import pairs
from audit.wire.beside import error_name
from audit.wire.feedback import outcome_of
from audit.wire.messages import transcript
from audit.wire.money import dollars
from audit.wire.parameters import parameters
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json
from audit.wire.times import between, number, seconds, to_us
from audit.wire.usage import from_langfuse

_CALLS = frozenset({"GENERATION", "EMBEDDING"})
_PARENTS = frozenset({"SPAN", "AGENT", "CHAIN"})
TYPES = frozenset({*_CALLS, *_PARENTS, "EVENT", "TOOL", "RETRIEVER", "EVALUATOR", "GUARDRAIL", "TRACE"})

UNLOCK: Mapping[str, str] = {
    "text": "capture input and output (no mask function); field group `io` in blob exports, fields=io in the v2 API",
    "cache_tokens": "pass usage_details with input_cached_tokens (an integration that reports cached tokens)",
    "user": "langfuse.update_current_trace(user_id=…, session_id=…, tags=[…], metadata={'team': …})",
    "latency": "pass completion_start_time for streamed generations",
}


def type_of(record: Record) -> str | None:
    """The observation type in capitals; None when it is none of Langfuse's."""
    kind = record.get("type")
    word = kind.strip().strip('"').upper() if isinstance(kind, str) else ""
    return word if word in TYPES else None


def read(record: Record) -> Iterable[Outcome]:
    """The call of one observation, or why it is none."""
    kind = type_of(record)
    if kind not in _CALLS:
        return (Skip("parent_span" if kind in _PARENTS else "not_an_llm_call"),)
    return (_call(snake_case(record), kind),)


def group(record: Record) -> str | None:
    """Generations belong together by trace: only there a wrapper around a generation shows."""
    return label(first(record, "traceId", "trace_id")) if type_of(record) in _CALLS else None


def read_group(records: Sequence[Record]) -> list[Outcome]:
    """The calls of one trace; generations around other generations that repeat them are dropped."""
    outcomes = [outcome for record in records for outcome in read(record)]
    ids = [label(first(record, "id")) for record in records]
    above = [label(first(record, "parentObservationId", "parent_observation_id")) for record in records]
    parents = {name: parent for name, parent in zip(ids, above, strict=True) if name is not None}
    drop_doubles(ids, [walk_up(parent, parents) for parent in above], outcomes)
    return outcomes


def read_trace(trace: Record) -> list[Outcome]:
    """The calls of a trace that holds its observations, with what only the trace says."""
    shared = {"trace_name": trace.get("name"), "trace_tags": trace.get("tags"), "traceId": trace.get("id")}
    for key in ("userId", "sessionId", "environment"):
        shared[key] = trace.get(key)
    observations = [found for found in trace.get("observations") or () if isinstance(found, Mapping)]
    return read_group(
        [
            {
                **shared,
                "scores": _scores(trace, found),
                **{key: value for key, value in found.items() if value is not None},
            }
            for found in observations
        ]
    )


def _scores(trace: Record, observation: Mapping[str, Any]) -> list[Any]:
    """The scores of an observation, then those of its whole trace."""
    scores = [score for score in trace.get("scores") or () if isinstance(score, Mapping)]
    whole = [score for score in scores if not score.get("observationId")]
    return [*whole, *(score for score in scores if score.get("observationId") == observation.get("id"))]


def _call(row: dict[str, Any], kind: str) -> Call:
    call = Call(system="langfuse", operation_name="embeddings" if kind == "EMBEDDING" else "chat")
    call.request_model = label(first(row, "provided_model_name", "model", "model_name"))
    call.rank = to_us(first(row, "updated_at", "created_at")) or 0
    _fill_times(call, row)
    _fill_text(call, row)
    if str(row.get("level") or "").strip('"').upper() == "ERROR":
        call.status, call.error_type = "failed", error_name(first(row, "status_message")) or "error"
    _fill_usage(call, row)
    call.logged_cost_usd = _cost(row, call.flags)
    _label(call, row)
    settle(call, label(first(row, "id")))
    return call


def _fill_times(call: Call, row: dict[str, Any]) -> None:
    put_time(call, row.get("start_time"), row.get("created_at"))
    call.duration = between(to_us(row.get("start_time")), to_us(row.get("end_time")))
    if call.duration is None:
        call.duration = seconds(first(row, "latency"))
    call.time_to_first_chunk = seconds(first(row, "time_to_first_token"))
    if call.time_to_first_chunk is None:
        call.time_to_first_chunk = between(to_us(row.get("start_time")), to_us(row.get("completion_start_time")))


def _fill_text(call: Call, row: dict[str, Any]) -> None:
    request, response = maybe_json(row.get("input")), maybe_json(row.get("output"))
    tools = maybe_json(first(row, "tool_definitions"))
    if isinstance(tools, Mapping):
        tools = [maybe_json(tool) for tool in tools.values()]
    if tools and not (isinstance(request, Mapping) and (request.get("tools") or request.get("functions"))):
        given = request if isinstance(request, Mapping) and "messages" in request else {"messages": request}
        request = {**given, "tools": tools}
    transcript(request, response).apply(call)
    mark_withheld(call, request)
    settings = maybe_json(first(row, "model_parameters"))
    if isinstance(settings, Mapping):
        call.parameters = parameters({key: _plain(value) for key, value in settings.items()})
        stream = str(settings.get("stream", "")).lower()
        call.request_stream = stream == "true" if stream in ("true", "false") else None
    if isinstance(response, Mapping) and str(response.get("id")).startswith(("chatcmpl-", "resp_", "msg_", "gen-")):
        call.response_id = label(response["id"])


def _plain(value: Any) -> Any:
    # some SDKs write every parameter as text
    found = number(value) if isinstance(value, str) else None
    if found is None:
        return value
    return int(found) if found == int(found) else found


def _fill_usage(call: Call, row: dict[str, Any]) -> None:
    for name in ("usage_details", "provided_usage_details"):
        details = maybe_json(first(row, name))
        if isinstance(details, list):
            details = dict(pairs(details))
        if isinstance(details, Mapping) and details:
            usage = from_langfuse(details)
            if any(flag.startswith("implausible") for flag in usage.flags):
                call.flags.extend(("implausible_usage", *usage.flags))
            elif usage.input_tokens or usage.output_tokens:
                call.usage = usage
            if usage.input_tokens is not None or usage.output_tokens is not None:
                return
    _fill_old_usage(call, row)


def _fill_old_usage(call: Call, row: dict[str, Any]) -> None:
    """Counts of older versions: a `usage` object with a unit, or three columns."""
    usage = maybe_json(first(row, "usage"))
    usage = usage if isinstance(usage, Mapping) else {}
    unit = str(first({**usage, "column": row.get("unit")}, "unit", "column") or "TOKENS").upper()
    if unit != "TOKENS":
        call.flags.append("usage_not_in_tokens")
        return
    counts = {
        "prompt": first(usage, "input", "promptTokens", "prompt_tokens"),
        "completion": first(usage, "output", "completionTokens", "completion_tokens"),
        "total": first(usage, "total", "totalTokens", "total_tokens"),
    }
    for name, columns in (
        ("prompt", ("prompt_tokens", "input_usage")),
        ("completion", ("completion_tokens", "output_usage")),
        ("total", ("total_tokens", "total_usage")),
    ):
        if counts[name] is None:
            counts[name] = first(row, *columns)
    if call.usage is None and "implausible_usage" not in call.flags:
        column_usage(call, counts)


def _cost(row: dict[str, Any], flags: list[str]) -> float | None:
    found = dollars(first(row, "total_cost", "calculated_total_cost"), flags)
    if found is None:
        for name in ("cost_details", "provided_cost_details"):
            details = maybe_json(first(row, name))
            if isinstance(details, Mapping) and (found := _total(details)) is not None:
                break
    return found


def _total(details: Mapping[str, Any]) -> float | None:
    total = number(details.get("total"))
    parts = [cost for value in details.values() if (cost := number(value)) is not None]
    return total if total is not None or not parts else sum(parts)


def _label(call: Call, row: dict[str, Any]) -> None:
    call.trace_id = label(first(row, "trace_id"))
    call.parent_id = label(first(row, "parent_observation_id"))
    call.user = label(first(row, "user_id"))
    call.conversation_id = label(first(row, "session_id"))
    call.environment = label(first(row, "environment"))
    call.prompt_template = label(first(row, "prompt_name"))
    tag(call, first(row, "metadata"))
    words = maybe_json(first(row, "trace_tags", "tags"))
    if isinstance(words, list):
        tag(call, [word for word in words if isinstance(word, str)])
    names = {"trace_name": first(row, "trace_name"), "name": first(row, "name")}
    names["prompt_version"] = first(row, "prompt_version")
    tag(call, {key: value for key, value in names.items() if value is not None})
    call.feature = call.feature or label(names["trace_name"])
    # exports from the interface have a column per score, the API a list of them
    call.outcome = outcome_of(first(row, "scores")) or outcome_of(row) or call.outcome
    provider = label(call.tags.get("ls_provider"))
    call.provider_name = provider.lower() if provider else None
