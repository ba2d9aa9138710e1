"""Published load traces: lengths and times of requests, no text and mostly no model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audit.call import Call, Outcome
from audit.readers import Reader, Record
from audit.wire.columns import normal
from audit.wire.exchange import settle, take_usage
from audit.wire.text import label
from audit.wire.times import number, seconds, to_us
from audit.wire.usage import from_mapping

_AZURE = frozenset({"TIMESTAMP", "ContextTokens", "GeneratedTokens"})
_BURST = frozenset({"Timestamp", "Request tokens", "Response tokens"})
_LENGTHS = frozenset({"timestamp", "input_length", "output_length"})
_SHAPES = (
    frozenset({"timestamp", "context_tokens", "generated_tokens"}),
    frozenset({"timestamp", "request_tokens", "response_tokens"}),
    frozenset({"timestamp", "input_length", "output_length"}),
)
_INPUT = ("context_tokens", "request_tokens", "input_length")
_OUTPUT = ("generated_tokens", "response_tokens", "output_length")


def _detect(record: Record) -> int:
    names = {normal(key) for key in record}
    return 25 if any(shape <= names for shape in _SHAPES) else 0


def _read(record: Record) -> Iterable[Outcome]:
    row = {normal(key): value for key, value in record.items()}
    call = Call(system="trace", request_model=label(row.get("model")))
    call.started_at_us = to_us(row.get("timestamp"))
    if call.started_at_us is None:
        # seconds or milliseconds since the trace began
        call.flags.append("relative_time")
        call.tags["trace_time"] = number(row.get("timestamp"))
    call.duration = seconds(row.get("elapsed_time"))
    call.conversation_id = label(row.get("session_id")) or label(row.get("chat_id"))
    call.parent_id = label(row.get("parent_chat_id"))
    counts = {"input_tokens": _first(row, _INPUT), "output_tokens": _first(row, _OUTPUT)}
    counts["total_tokens"] = row.get("total_tokens")
    if "response_tokens" in row and number(row["response_tokens"]) == 0:
        call.status, call.error_type = "failed", "no_response"
    take_usage(call, counts, from_mapping)
    for name in ("log_type", "type", "turn"):
        found = label(row.get(name))
        if found is not None:
            call.tags[name] = found
    settle(call)
    return (call,)


def _first(row: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if name in row), None)


READER = Reader(
    name="traces",
    title="Load traces without text (Azure LLM inference, BurstGPT, Mooncake)",
    signatures=(_AZURE, _BURST, _LENGTHS),
    detect=_detect,
    read=_read,
    unlock={"text": "traces are published without text; log your own requests to measure anything beyond tokens"},
)
