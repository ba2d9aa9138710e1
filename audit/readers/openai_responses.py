"""OpenAI Responses API: bare response objects, home-made pairs, joined streams."""

from __future__ import annotations

from collections.abc import Iterable

from audit.call import Outcome
from audit.readers import Reader, Record
from audit.wire import pair
from audit.wire.calls import from_pair
from audit.wire.columns import spellings


def _detect(record: Record) -> int:
    return pair.confidence(record, "responses")


def _read(record: Record) -> Iterable[Outcome]:
    return (from_pair(pair.of(record), "openai"),)


READER = Reader(
    name="openai_responses",
    title="OpenAI Responses (response objects, request/response pairs)",
    signatures=(*spellings("response"), *spellings("request"), frozenset({"output"})),
    detect=_detect,
    read=_read,
    unlock={
        "text": "log the request body: the response object holds no user input, and previous_response_id hides history",
        "cache_tokens": "log response.usage whole (input_tokens_details.cached_tokens)",
        "user": "log an end-user id beside the pair, or set safety_identifier in the request",
        "latency": "log start time and latency_ms beside the pair",
    },
)
