"""Rerank calls in Cohere's shape: billed by the search."""

from __future__ import annotations

from collections.abc import Iterable

from audit.call import Outcome
from audit.readers import Reader, Record
from audit.wire import pair
from audit.wire.calls import from_pair
from audit.wire.columns import spellings


def _detect(record: Record) -> int:
    return pair.confidence(record, "rerank")


def _read(record: Record) -> Iterable[Outcome]:
    return (from_pair(pair.of(record), "cohere"),)


READER = Reader(
    name="cohere_rerank",
    title="Cohere rerank calls (request/response pairs, bare responses)",
    signatures=(*spellings("response"), *spellings("request"), frozenset({"results", "meta"})),
    detect=_detect,
    read=_read,
    unlock={
        "user": "log a user id beside the pair: the API takes none",
        "latency": "log start time and latency_ms beside the pair",
    },
)
