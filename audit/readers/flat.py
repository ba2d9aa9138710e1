"""Flat records and tables of one's own: model, token counts or texts under any usual column names."""

from __future__ import annotations

from collections.abc import Iterable

from audit.call import Outcome, Skip
from audit.readers import Reader, Record
from audit.wire import pair
from audit.wire.calls import from_pair
from audit.wire.columns import layout, names_model, normal

_SUMS = frozenset(
    {"num_model_requests", "request_count", "requests", "num_requests", "api_requests", "total_requests", "n_requests",
     "usage_input_tokens_no_cache", "uncached_input_tokens", "calls", "call_count"}
)  # fmt: skip
"""Columns that count requests: their rows are sums over many calls."""
_COUNTED = frozenset({"input_tokens", "output_tokens", "usage"})


def _detect(record: Record) -> int:
    known = layout(tuple(record))
    failed = "error" in known and "model" in known and "started" in known
    answered = "response" in known and ("model" in known or "request" in known)
    if not (_COUNTED & known.keys() or answered or failed):
        return 0
    taken = pair.of(record)
    if taken.dialect is not None:
        return 0
    if isinstance(taken.response, dict) and "usage" in layout(tuple(taken.response)):
        return 5
    if failed and taken.value("error") and names_model(taken.value("model")):
        return 5
    if "model" in known:
        asked = taken.request is not None and taken.response is not None
        return 5 if asked or _COUNTED & known.keys() else 0
    return 5 if "input_tokens" in known and "output_tokens" in known else 0


def _read(record: Record) -> Iterable[Outcome]:
    if any(normal(key) in _SUMS for key in record):
        return (Skip("aggregate_row"),)
    return (from_pair(pair.of(record), "log"),)


READER = Reader(
    name="flat",
    title="Flat records and tables (model, tokens, prompt and answer under any usual column names)",
    # column names are matched without regard to spelling, so every record is a candidate
    signatures=(frozenset(),),
    detect=_detect,
    read=_read,
    unlock={
        "text": "log the request's messages and the answer beside the counts",
        "cache_tokens": "log the provider's usage object whole",
        "user": "add a user_id column",
        "latency": "add start time and latency_ms columns",
    },
)
