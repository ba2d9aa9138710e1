"""Langfuse: batch export of observations from the user interface (CSV, JSON, JSONL; camelCase)."""

from __future__ import annotations

from audit.readers import Reader, Record, _langfuse

_TELLING = ("providedUsageDetails", "traceTimestamp", "traceTags", "toolCallNames", "inputUsage", "comments")


def _detect(record: Record) -> int:
    told = any(key in record for key in _TELLING) and "providedModelName" not in record
    return 31 if told and _langfuse.type_of(record) is not None else 0


READER = Reader(
    name="langfuse_ui",
    title="Langfuse export from the user interface",
    signatures=(frozenset({"traceId", "type", "startTime"}),),
    detect=_detect,
    read=_langfuse.read,
    group=_langfuse.group,
    read_group=_langfuse.read_group,
    unlock=_langfuse.UNLOCK,
)
