"""OpenAI-shaped embedding calls: vectors are dropped, tokens and texts kept."""

from __future__ import annotations

from collections.abc import Iterable

from audit.call import Outcome
from audit.readers import Reader, Record
from audit.wire import pair
from audit.wire.calls import from_pair
from audit.wire.columns import spellings


def _detect(record: Record) -> int:
    return pair.confidence(record, "embeddings")


def _read(record: Record) -> Iterable[Outcome]:
    return (from_pair(pair.of(record), "openai"),)


READER = Reader(
    name="openai_embeddings",
    title="OpenAI embeddings (request/response pairs, bare responses)",
    signatures=(*spellings("response"), *spellings("request"), frozenset({"data", "usage"}), frozenset({"embeddings"})),
    detect=_detect,
    read=_read,
    unlock={
        "text": "log the request body (input) beside the response",
        "user": "log an end-user id beside the pair, or set user in the request",
        "latency": "log start time and latency_ms beside the pair",
    },
)
