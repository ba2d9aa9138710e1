"""Log shippers put a record inside one of their own: Elasticsearch, Cloud Logging, CloudWatch, Docker, Fluentd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.wire.result_sets import undotted
from audit.wire.text import maybe_json

_INNER = (
    "_source", "jsonPayload", "json_payload", "textPayload", "payload", "message", "@message", "log", "msg", "event",
    "body", "record", "data", "value", "content", "attributes", "detail", "Body", "fields", "line", "raw", "_raw",
    "kwargs", "standard_logging_object", "llm",
)  # fmt: skip
_TIMES = ("@timestamp", "timestamp", "time", "ts", "receiveTimestamp", "_time", "date")


def opened(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record inside a shipper's envelope, with the envelope's time where it has none; None when there is none.

    Only for records that no reader knows as they are.
    """
    for key in _INNER:
        held = record.get(key)
        if held is None:
            continue
        inner = maybe_json(held)
        while isinstance(inner, dict) and len(inner) == 1 and isinstance(next(iter(inner.values())), dict):
            inner = next(iter(inner.values()))
        if isinstance(inner, dict) and len(inner) > 1:
            if not any(name in inner for name in _TIMES):
                outer = next((record[name] for name in _TIMES if record.get(name) is not None), None)
                if outer is not None:
                    return {**inner, "@timestamp": outer}
            return inner
    # a table of flattened columns (`input.inputTokenCount`): as the objects they were
    return undotted(record)
