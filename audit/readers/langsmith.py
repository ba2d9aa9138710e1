"""LangSmith: runs as JSON(L) of its client or API, and rows of its bulk export (Parquet)."""

from __future__ import annotations

from audit.readers import Reader, Record, _langsmith


def _detect(record: Record) -> int:
    return 30 if _langsmith.is_run(record) else 0


READER = Reader(
    name="langsmith",
    title="LangSmith runs (JSONL, bulk Parquet)",
    signatures=(frozenset({"run_type", "trace_id"}), frozenset({"run_type", "dotted_order"})),
    detect=_detect,
    read=_langsmith.read,
    group=_langsmith.group,
    read_group=_langsmith.read_group,
    unlock=_langsmith.UNLOCK,
)
