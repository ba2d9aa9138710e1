"""The `source` rows of a run: begun with the first rows of an input, complete with its last.

A row without a content hash is of an input that was not read to its end. It is no reason to skip the input the next
time, and what it left is taken out before the input is read again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from audit.ingest.catalog import edges
from audit.ingest.plan import Input
from audit.store import Store

_PARTIAL = "SELECT source_id, path FROM source WHERE content_hash IS NULL"
_OF_REQUESTS = """
DELETE FROM {table} WHERE request_id IN (
    SELECT r.request_id FROM request AS r JOIN partial_source AS p ON p.source_id = r.source_id
)
"""
_OF_SOURCES = "DELETE FROM {table} WHERE source_id IN (SELECT source_id FROM partial_source)"
_WITH_REJECTS = "SELECT source_id, path FROM source WHERE rejected > 0"
_REJECTS = "DELETE FROM reject WHERE source_id IN (SELECT source_id FROM refused_source)"
# what was taken from it stays, and everything else is counted when it is read again; no input has an empty hash, so
# none is known by such a row
_FORGET = """
UPDATE source SET records = accepted, skipped = 0, duplicates = 0, rejected = 0, content_hash = '', modified_ns = NULL,
    edges = NULL
WHERE source_id IN (SELECT source_id FROM refused_source)
"""
_NOTHING_TAKEN = "DELETE FROM source WHERE accepted = 0 AND source_id IN (SELECT source_id FROM refused_source)"
_NO_LONGER_CUT = "DELETE FROM reject WHERE source_id = $source AND reason = 'truncated_tail'"


def take_out_partial(store: Store, paths: Iterable[str]) -> None:
    """Remove what an interrupted run left of inputs that are about to be read again."""
    wanted = set(paths)
    partial = [row["source_id"] for row in store.rows(_PARTIAL) if row["path"] in wanted]
    if not partial:
        return
    with store.transaction():
        store.replace("partial_source", pa.table({"source_id": pa.array(partial, pa.int32())}))
        for table in ("segment", "charge"):
            store.run(_OF_REQUESTS.format(table=table))
        for table in ("request", "reject", "duplicate_record", "source"):
            store.run(_OF_SOURCES.format(table=table))
        store.run("DROP TABLE partial_source")


def forget_rejected(store: Store, paths: Iterable[str]) -> None:
    """Have inputs with rejected records read again, after the user named fields for such records.

    What was taken from them stays and counts once; their rejects are listed anew.
    """
    wanted = set(paths)
    known = [row["source_id"] for row in store.rows(_WITH_REJECTS) if row["path"] in wanted]
    if not known:
        return
    with store.transaction():
        store.replace("refused_source", pa.table({"source_id": pa.array(known, pa.int32())}))
        for statement in (_REJECTS, _FORGET, _NOTHING_TAKEN):
            store.run(statement)
        store.run("DROP TABLE refused_source")


def write_sources(store: Store, begun: Iterable[Input], complete: Iterable[Input]) -> None:
    """Write the rows of inputs: of those that left something in the audit file, and of those read to their end."""
    for each in begun:
        if not each.begun:
            each.begun = True
            store.write_rows("source", [_row(store, each, complete=False)])
    rows = []
    for each in complete:
        if each.begun:
            store.run("DELETE FROM source WHERE source_id = $source", source=each.result.source_id)
        if each.grown is not None:
            store.run(_NO_LONGER_CUT, source=each.grown.source_id)
        # an input that nothing was made of is tried again: another time there may be a reader, or a map
        refused = each.result.rejected.total() > 0 and not each.result.usable
        rows.append(_row(store, each, complete=each.result.error is None and not refused))
    store.write_rows("source", rows)


def _row(store: Store, each: Input, *, complete: bool) -> dict[str, Any]:
    result = each.result
    row = {
        "source_id": result.source_id,
        "path": each.place.label,
        **_places(store, each.place.path),
        "content_hash": each.content_hash if complete else None,
        "bytes": result.bytes,
        "modified_ns": each.place.modified_ns if complete else None,
        "lines": None,
        "edges": None,
        "readers": json.dumps(result.readers, sort_keys=True),
        "records": result.records,
        "accepted": result.accepted,
        "skipped": result.skipped.total(),
        "rejected": result.rejected.total(),
        "duplicates": result.duplicates.total(),
        "ingested_at_us": time.time_ns() // 1000,
    }
    if complete and each.lines is not None:
        row["edges"], after = edges(each.place, result.bytes)
        row["lines"] = each.lines - (after > 0)
    return row


def _places(store: Store, path: Path | None) -> dict[str, str | None]:
    """Where an input is, whole and from the folder of the audit file; nowhere for streams and URLs."""
    if path is None:
        return {"place": None, "beside": None}
    try:
        place = path.resolve(strict=True)
        return {"place": str(place), "beside": os.path.relpath(place, Path(store.path).resolve().parent)}
    except (OSError, ValueError):  # not a file, or on another drive
        return {"place": None, "beside": None}
