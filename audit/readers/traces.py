"""Published load traces: lengths and times of requests, no text and mostly no model.

Some name the blocks of each prompt (`hash_ids`): equal numbers are equal text after equal text, so that a prompt cache
can be played over them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audit.call import Call, Outcome, Segment
from audit.readers import Reader, Record
from audit.tokens import MESSAGE_OVERHEAD
from audit.wire.bodies import take_usage
from audit.wire.columns import normal
from audit.wire.exchange import settle
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
_BLOCKS = (512, 16, 32, 64, 128, 256, 1024)
"""Tokens of a block: Mooncake's 512 before those of other servers."""
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
        call.tags["trace_us"] = _since_start(row)
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
    blocks = row.get("hash_ids")
    if isinstance(blocks, list) and blocks and call.usage is not None:
        call.segments, call.text_status = _named(blocks, call.usage.input_tokens or 0), "hashed"
    return (call,)


def _since_start(row: dict[str, Any]) -> int | None:
    """Microseconds since the trace began: chats come in seconds, other lengths in milliseconds, tables in seconds."""
    told = number(row.get("timestamp"))
    milliseconds = "input_length" in row and "chat_id" not in row
    return None if told is None else round(told * (1_000 if milliseconds else 1_000_000))


def _named(blocks: list[Any], length: int) -> list[Segment]:
    """The blocks of a prompt, all whole but the last; what a chat template adds to a message is in their lengths."""
    size = next((each for each in _BLOCKS if -(-length // each) == len(blocks)), -(-length // len(blocks)))
    lengths = [max(0, min(size, length - start * size)) for start in range(len(blocks))]
    return [
        Segment("user", "user", f"block {name}", tokens=max(0, each - MESSAGE_OVERHEAD))
        for name, each in zip(blocks, lengths, strict=True)
    ]


def _first(row: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((row[name] for name in names if name in row), None)


READER = Reader(
    name="traces",
    title="Load traces without text (Azure LLM inference, BurstGPT, Mooncake and Qwen with their blocks)",
    signatures=(_AZURE, _BURST, _LENGTHS),
    detect=_detect,
    read=_read,
    unlock={"text": "traces are published without text; log your own requests to measure anything beyond tokens"},
)
