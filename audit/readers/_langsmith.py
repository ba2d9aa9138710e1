"""LangSmith runs: one call per run of type llm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Record
from audit.readers._doubles import drop_doubles
from audit.readers._gateway import MISSING, body, first, put_time, settle
from audit.wire import bodies, exchange
from audit.wire.beside import error_name
from audit.wire.dialect import of_response
from audit.wire.feedback import outcome_of
from audit.wire.messages import transcript
from audit.wire.parameters import parameters
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json
from audit.wire.times import between, number, to_us
from audit.wire.usage import service_tier

UNLOCK: Mapping[str, str] = {
    "text": "LANGSMITH_HIDE_INPUTS=false, LANGSMITH_HIDE_OUTPUTS=false; bulk export with inputs and outputs",
    "cache_tokens": "usage_metadata with input_token_details (stream_usage=True for streams)",
    "user": "config metadata: user_id, session_id, team",
    "latency": "streamed runs carry first_token_time",
}
_PARENTS = frozenset({"chain", "prompt", "parser"})
_Map = Mapping[str, Any]


def is_run(record: Record) -> bool:
    """Whether a record is a run."""
    return isinstance(record.get("run_type"), str) and ("trace_id" in record or "dotted_order" in record)


def read(record: Record) -> Iterable[Outcome]:
    """The call of one run, or why it is none."""
    kind = str(record.get("run_type")).lower()
    extra = _map(record.get("extra"))
    metadata = _map(extra.get("metadata"))
    embedding = kind == "embedding" or metadata.get("ls_model_type") == "embedding"
    if kind != "llm" and not embedding:
        return (Skip("parent_span" if kind in _PARENTS else "not_an_llm_call"),)
    if record.get("status") == "pending" and not body(record.get("outputs")) and not record.get("total_tokens"):
        return (Skip("not_finished"),)
    call = Call(system="langsmith", operation_name="embeddings" if embedding else "chat")
    _fill_models(call, record, extra, metadata)
    _fill_times(call, record)
    inputs, outputs = _map(record.get("inputs")), body(record.get("outputs"))
    answer = _fill_text(call, record, inputs, outputs, _map(extra.get("invocation_params")))
    _fill_status(call, record)
    _fill_usage(call, record, answer)
    call.logged_cost_usd = number(first(record, "total_cost"))
    _label(call, record, metadata)
    settle(call, label(first(record, "id")))
    return (call,)


def group(record: Record) -> str | None:
    """Runs of model calls belong together by trace: only there a wrapper around a call shows."""
    return label(record.get("trace_id")) if str(record.get("run_type")).lower() in ("llm", "embedding") else None


def read_group(records: Sequence[Record]) -> list[Outcome]:
    """The calls of the runs of one trace, wrappers of other calls dropped."""
    outcomes = [outcome for record in records for outcome in read(record)]
    ids = [label(record.get("id")) for record in records]
    drop_doubles(ids, [_ancestors(record) for record in records], outcomes)
    return outcomes


def _ancestors(record: Record) -> list[str]:
    """The ids of the runs above, nearest first, from the dotted order (time and id of each run on the way)."""
    order = record.get("dotted_order")
    steps = order.split(".")[:-1] if isinstance(order, str) else []
    found = [step.partition("Z")[2] for step in reversed(steps)]
    parent = label(record.get("parent_run_id"))
    return found or ([parent] if parent else [])


def _map(value: Any) -> _Map:
    found = maybe_json(value)
    return found if isinstance(found, Mapping) else {}


def _fill_models(call: Call, record: Record, extra: _Map, metadata: _Map) -> None:
    invocation = _map(extra.get("invocation_params"))
    inputs = _map(record.get("inputs"))
    named = first(invocation, "model", "model_name", "deployment_name", "model_id")
    if named is None:
        named = first(metadata, "ls_model_name") or first(inputs, "model")
    call.request_model = label(named)
    provider = label(first(metadata, "ls_provider"))
    call.provider_name = provider.lower() if provider else None


def _fill_times(call: Call, record: Record) -> None:
    put_time(call, record.get("start_time"))
    started = call.started_at_us
    call.duration = between(started, to_us(record.get("end_time")))
    call.time_to_first_chunk = between(started, to_us(record.get("first_token_time")))
    if call.time_to_first_chunk is None:
        events = maybe_json(record.get("events"))
        for event in events if isinstance(events, list) else ():
            if isinstance(event, Mapping) and event.get("name") == "new_token":
                call.time_to_first_chunk = between(started, to_us(event.get("time")))
                break


def _fill_text(call: Call, record: Record, inputs: _Map, outputs: Any, invocation: _Map) -> _Map:
    """Read prompt and answer; returns the message or body that holds the answer's own details."""
    request: dict[str, Any] = dict(inputs)
    messages = maybe_json(request.get("messages"))
    if isinstance(messages, list) and messages and isinstance(messages[0], list):
        # one list of messages per prompt of the batch; chat models take one
        request["messages"] = messages[0]
    if "tools" not in request and invocation.get("tools"):
        request["tools"] = invocation["tools"]
    found = _map(outputs)
    message = _message(found)
    text = transcript(request, found if not message else message if not _has_text(found) else found)
    text.partial = text.partial or bool(first(record, "inputs_s3_urls") and not inputs)
    text.apply(call)
    settings = {**parameters({key: value for key, value in inputs.items() if key not in ("messages", "prompts")})}
    settings.update(parameters(invocation))
    call.parameters = {key: value for key, value in settings.items() if key not in ("_type", "model_name")}
    stream = inputs.get("stream", invocation.get("stream"))
    call.request_stream = stream if isinstance(stream, bool) else None
    if (dialect := of_response(found)) is not None:
        _take_body(call, found, dialect)
    return message or found


def _has_text(outputs: _Map) -> bool:
    return any(key in outputs for key in ("choices", "content", "output", "candidates"))


def _message(outputs: _Map) -> _Map:
    """The answer as a LangChain message (its `kwargs`), or an empty map."""
    generations = maybe_json(outputs.get("generations"))
    while isinstance(generations, list) and generations:
        generations = generations[0]
    found = _map(generations)
    message = _map(found.get("message") or outputs.get("message") or outputs.get("output"))
    kwargs = message.get("kwargs")
    if isinstance(kwargs, Mapping):
        return {"role": "assistant", **kwargs}
    if message:
        return message
    return {"role": "assistant", "content": found["text"]} if isinstance(found.get("text"), str) else {}


def _take_body(call: Call, found: _Map, dialect: Any) -> None:
    """Model, id, finish and usage of a provider's body; the text is read already."""
    inner = Call(system=call.system)
    exchange.fill(inner, dialect, None, found)
    call.response_id, call.response_model = inner.response_id, inner.response_model
    call.finish_reason, call.usage, call.service_tier = inner.finish_reason, inner.usage, inner.service_tier


def _fill_status(call: Call, record: Record) -> None:
    error = first(record, "error")
    status = str(record.get("status") or "").lower()
    if status == "error" or (error is not None and status != "success"):
        word = str(error or "error")
        # errors are the repr of an exception: its class is before the bracket
        call.error_type = label(word.partition("(")[0][:80]) if "(" in word[:80] else error_name(word) or "error"
        call.status = "failed"


_DETAILS = {
    "input": ("prompt_token_details", "input_token_details"),
    "output": ("completion_token_details", "output_token_details"),
}


def _fill_usage(call: Call, record: Record, answer: _Map) -> None:
    """Counts of the answer itself (they hold the details), else those of the run; input includes cached tokens."""
    response = _map(answer.get("response_metadata"))
    usage = _map(answer.get("usage_metadata"))
    call.response_model = call.response_model or label(first(response, "model_name", "model", "model_version"))
    found_id = first(response, "id") or answer.get("id")
    if call.response_id is None and str(found_id).startswith(("chatcmpl-", "resp_", "msg_", "gen-")):
        call.response_id = label(found_id)
    call.finish_reason = call.finish_reason or label(first(response, "finish_reason", "stop_reason"))
    if call.service_tier is None and isinstance(response.get("service_tier"), str):
        call.service_tier = service_tier(response["service_tier"])
    old = _map(_map(record.get("outputs")).get("llm_output"))
    call.response_model = call.response_model or label(first(old, "model_name", "model"))
    counts = _counts(record, usage)
    given = any(number(counts[name]) for name in ("prompt", "completion"))
    if call.usage is None and given:
        bodies.take_usage(call, counts)
    elif call.usage is None:
        found = _map(first(old, "token_usage", "usage")) or _map(response.get("token_usage") or response.get("usage"))
        if found:
            bodies.take_usage(call, found)


def _counts(record: Record, usage: _Map) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "prompt": first(usage, "input_tokens"),
        "completion": first(usage, "output_tokens"),
        "total": first(usage, "total_tokens"),
    }
    if counts["prompt"] is None:
        for name in ("prompt", "completion", "total"):
            counts[name] = first(record, f"{name}_tokens")
    for side, names in _DETAILS.items():
        details = _map(usage.get(f"{side}_token_details")) or _map(first(record, *names))
        known = {key: value for key, value in details.items() if value not in MISSING}
        counts["prompt_token_details" if side == "input" else "completion_token_details"] = known
    return counts


def _label(call: Call, record: Record, metadata: _Map) -> None:
    call.trace_id = label(first(record, "trace_id"))
    call.parent_id = label(first(record, "parent_run_id"))
    call.conversation_id = label(first(metadata, "session_id", "thread_id", "conversation_id"))
    call.prompt_template = label(first(metadata, "lc_hub_repo", "prompt_name"))
    tag(call, {key: value for key, value in metadata.items() if not key.startswith("ls_")})
    words = maybe_json(record.get("tags"))
    if isinstance(words, list):
        tag(call, [word for word in words if isinstance(word, str) and not word.startswith("seq:step")])
    stats = _map(record.get("feedback_stats"))
    given = {name: value for name, value in stats.items() if not isinstance(value, Mapping) or value.get("n") != 0}
    call.outcome = outcome_of(given) or call.outcome
    tag(call, {"run_name": record.get("name"), "project_id": first(record, "session_id")})
    if first(record, "reference_example_id") is not None:
        # runs over a data set cost as much as others, but are not production traffic
        call.tags["evaluation"] = True
        call.environment = call.environment or "evaluation"
