"""LangSmith: captured ingest requests, in which a run is posted first and patched when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from audit.call import Outcome, Skip
from audit.readers import Reader, Record, _langsmith
from audit.wire.text import maybe_json

_PARTS = ("post", "patch")


def _detect(record: Record) -> int:
    return 30 if any(next(_runs(record, part), None) is not None for part in _PARTS) else 0


def _runs(record: Record, part: str) -> Iterator[Mapping[str, Any]]:
    runs = maybe_json(record.get(part))
    for run in runs if isinstance(runs, list) else ():
        if isinstance(run, Mapping) and "id" in run and ("trace_id" in run or "dotted_order" in run):
            yield run


def _read(record: Record) -> Iterable[Outcome]:
    return _read_group([record])


def _read_group(records: list[Record]) -> Iterator[Outcome]:
    """Runs merged by id over all requests of a file; what a patch leaves out stays as it was posted."""
    merged: dict[str, dict[str, Any]] = {}
    for record in records:
        for part in _PARTS:
            for run in _runs(record, part):
                held = merged.setdefault(str(run["id"]), {})
                for key, value in run.items():
                    if value is not None or key not in held:
                        held[key] = value
    runs = [run for run in merged.values() if _langsmith.is_run(run)]
    yield from _langsmith.read_group(runs)
    yield from (Skip("patch_without_post") for _ in range(len(merged) - len(runs)))


READER = Reader(
    name="langsmith_wire",
    title="LangSmith ingest requests (post/patch)",
    signatures=(frozenset({"post"}), frozenset({"patch"})),
    detect=_detect,
    read=_read,
    read_group=_read_group,
    unlock=_langsmith.UNLOCK,
    whole_file=True,
)
