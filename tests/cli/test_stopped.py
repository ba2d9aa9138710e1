"""A command that was stopped, and the same one run again."""

from __future__ import annotations

from pathlib import Path

from audit import store as stores
from audit.ingest import ingest
from tests.cli.conftest import Run
from tests.ingest.logs import pair, write


def test_what_was_read_but_not_sorted_is_sorted_the_next_time(audit: Run, tmp_path: Path) -> None:
    log, db = write(tmp_path / "a.jsonl", [pair(number) for number in range(5)]), tmp_path / "audit.duckdb"
    with stores.open(db, create=True) as store:
        ingest(store, [log])
    assert audit("ingest", log, "--db", db).code == 0
    (row,) = audit("workflows", "--json", "--db", db).document["workflows"]
    assert (row["name"], row["requests"], row["origin"]) == ("faq", 5, "tag")
