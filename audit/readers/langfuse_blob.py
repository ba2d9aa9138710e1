"""Langfuse: blob-storage export of observations (JSONL, CSV, JSON, Parquet; snake_case)."""

from __future__ import annotations

from audit.readers import Reader, Record, _langfuse


def _detect(record: Record) -> int:
    return 30 if _langfuse.type_of(record) is not None else 0


READER = Reader(
    name="langfuse_blob",
    title="Langfuse blob-storage export",
    signatures=(frozenset({"trace_id", "type", "start_time"}),),
    detect=_detect,
    read=_langfuse.read,
    group=_langfuse.group,
    read_group=_langfuse.read_group,
    unlock=_langfuse.UNLOCK,
)
