"""LangChain results as callbacks write them down: `LLMResult` objects, alone or beside what was asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from audit.call import Call, Outcome
from audit.readers import Reader, Record
from audit.readers._gateway import first, put_time, settle
from audit.wire.beside import error_name
from audit.wire.bodies import take_usage
from audit.wire.counts import part
from audit.wire.messages import transcript
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json
from audit.wire.times import seconds

_RESULT = ("response", "output", "outputs", "result")
_ASKED = ("messages", "prompts", "input", "inputs")
_USAGE = ("token_usage", "usage", "usage_metadata")


def _result(record: Record) -> Mapping[str, Any]:
    held = record if "generations" in record else first(record, *_RESULT)
    return part(maybe_json(held))


def _detect(record: Record) -> int:
    if "run_type" in record:
        # a run of LangSmith's
        return 0
    found = _result(record)
    return 30 if "llm_output" in found and isinstance(maybe_json(found.get("generations")), list) else 0


def _read(record: Record) -> Iterable[Outcome]:
    result = _result(record)
    output = part(maybe_json(result.get("llm_output")))
    answers = list(_answers(maybe_json(result["generations"])))
    messages = [part(part(answer.get("message")).get("kwargs") or answer.get("message")) for answer in answers]
    told = [part(message.get("response_metadata")) for message in messages]
    call = Call(system="langchain")
    models = (label(first(each, "model_name", "model", "model_id")) for each in (output, *told))
    call.response_model = next((model for model in models if model), None)
    call.request_model = label(record.get("model"))
    ids = (label(each.get("id")) for each in (*told, output))
    call.response_id = next((found for found in ids if found), None)
    counted = [part(maybe_json(output.get(name))) for name in _USAGE]
    counted.extend(part(message.get("usage_metadata")) for message in messages)
    counts = next((each for each in counted if each), None)
    if counts is not None:
        take_usage(call, counts)
    put_time(call, first(record, "start_time", "timestamp", "created_at", "time"))
    call.duration = seconds(first(record, "duration", "latency"))
    if record.get("error"):
        call.status, call.error_type = "failed", error_name(maybe_json(record["error"])) or "error"
    asked = maybe_json(first(record, *_ASKED))
    said = [{"role": "assistant", "content": first(answer, "text")} for answer in answers]
    transcript({"messages": asked} if asked else {}, said).apply(call)
    tag(call, record.get("metadata"))
    tag(call, maybe_json(record.get("tags")))
    settle(call, label(first(record, "run_id", "id")))
    return (call,)


def _answers(generations: Any) -> Iterator[dict[str, Any]]:
    for each in generations:
        if isinstance(each, list):
            yield from _answers(each)
        elif isinstance(each, dict):
            yield each


READER = Reader(
    name="langchain",
    title="LangChain results written by callbacks (LLMResult)",
    signatures=(
        frozenset({"generations", "llm_output"}),
        *(frozenset({name, "run_id"}) for name in _RESULT),
        *(frozenset({name, "prompts"}) for name in _RESULT),
    ),
    detect=_detect,
    read=_read,
    unlock={
        "text": "write the messages of on_chat_model_start beside the result",
        "cache_tokens": "a chat model whose messages carry usage_metadata",
        "user": "write the run's metadata (user_id, team, feature) beside the result",
        "latency": "write start_time and duration beside the result",
    },
)
