"""OpenAI chat completions, and everything that speaks like it: bare responses, home-made pairs, flat records."""

from __future__ import annotations

from collections.abc import Iterable

from audit.call import Outcome, Skip
from audit.readers import Reader, Record
from audit.wire import pair
from audit.wire.calls import from_pair
from audit.wire.columns import spellings
from audit.wire.stream import join
from audit.wire.text import label


def _detect(record: Record) -> int:
    return pair.confidence(record, "chat")


def _read(record: Record) -> Iterable[Outcome]:
    return (from_pair(pair.of(record), "openai"),)


def _group(record: Record) -> str | None:
    # a file of raw stream chunks: one call is many lines
    return label(record.get("id")) if record.get("object") == _CHUNK else None


def _read_group(records: list[Record]) -> Iterable[Outcome]:
    joined = join(records)
    whole = {**records[0], **joined} if isinstance(joined, dict) else records[0]
    yield from _read(whole)
    for _ in records[1:]:
        yield Skip("stream_chunk")


_CHUNK = "chat.completion.chunk"
READER = Reader(
    name="openai_chat",
    title="OpenAI chat completions (request/response pairs, bare responses, OpenAI-compatible servers)",
    signatures=(*spellings("response"), *spellings("request"), *spellings("messages"), frozenset({"choices"})),
    detect=_detect,
    read=_read,
    group=_group,
    read_group=_read_group,
    unlock={
        "text": "log the request body (messages, tools) beside the response",
        "cache_tokens": "log response.usage whole; streams need stream_options.include_usage=true",
        "user": "log an end-user id beside the pair, or set safety_identifier in the request",
        "latency": "log start time and latency_ms beside the pair",
    },
)
