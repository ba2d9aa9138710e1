"""Langfuse: observations and traces of its public API, version 1 and 2 (camelCase)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from audit.call import Outcome, Skip
from audit.readers import Reader, Record, _langfuse


def _detect(record: Record) -> int:
    if "traceId" in record:
        return 30 if "spanId" not in record and _langfuse.type_of(record) is not None else 0
    held = record.get("observations")
    trace = isinstance(held, list) and (
        "projectId" in record or any(isinstance(each, Mapping) and "traceId" in each for each in held)
    )
    return 30 if trace or ("bookmarked" in record and "public" in record) else 0


def _read(record: Record) -> Iterable[Outcome]:
    if "traceId" in record:
        return _langfuse.read(record)
    trace = record.get("trace")
    # the interface downloads a trace beside its observations
    whole = {**trace, "observations": record.get("observations")} if isinstance(trace, Mapping) else record
    return _langfuse.read_trace(whole) or (Skip("parent_span"),)


def _group(record: Record) -> str | None:
    return _langfuse.group(record) if "traceId" in record else None


READER = Reader(
    name="langfuse_api",
    title="Langfuse API (observations, traces)",
    signatures=(
        frozenset({"traceId", "type", "startTime"}),
        frozenset({"id", "observations", "timestamp"}),
        frozenset({"id", "bookmarked", "public"}),
        frozenset({"trace", "observations"}),
    ),
    detect=_detect,
    read=_read,
    group=_group,
    read_group=_langfuse.read_group,
    unlock=_langfuse.UNLOCK,
)
