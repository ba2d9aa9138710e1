"""Anthropic Messages API: bare messages, home-made pairs, joined streams."""

from __future__ import annotations

from collections.abc import Iterable

from audit.call import Outcome
from audit.readers import Reader, Record
from audit.wire import pair
from audit.wire.calls import from_pair
from audit.wire.columns import spellings


def _detect(record: Record) -> int:
    return pair.confidence(record, "anthropic")


def _read(record: Record) -> Iterable[Outcome]:
    call = from_pair(pair.of(record), "anthropic")
    if "custom_id" in record and record.get("status") == "":
        # a line of a batch prediction on Vertex AI
        call.service_tier = "batch"
    return (call,)


READER = Reader(
    name="anthropic_messages",
    title="Anthropic Messages (request/response pairs, bare messages)",
    signatures=(
        *spellings("response"),
        *spellings("request"),
        *spellings("messages"),
        frozenset({"type", "content"}),
        frozenset({"stop_reason"}),
    ),
    detect=_detect,
    read=_read,
    unlock={
        "text": "log the request body (system, messages, tools) beside the response",
        "cache_tokens": "log response.usage whole; of streams, message_start holds the input counts",
        "user": "set metadata.user_id in the request, or log a user id beside the pair",
        "latency": "log start time and latency_ms beside the pair: the body has no time",
    },
)
