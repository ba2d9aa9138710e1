"""An audit file of an earlier version is brought up to date when it is opened, and loses nothing."""

from __future__ import annotations

from pathlib import Path

from audit import store as stores


def test_an_older_file_gets_the_tables_and_columns_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "audit.duckdb"
    with stores.open(path, create=True) as old:
        whole = {table: old.schema(table).names for table in old.tables() if table != "request_cost"}
        old.write_rows("rating", [{"replay_id": 7, "rater": "ann", "verdict": "equal"}])
        old.run("DROP TABLE review_item")
        old.run("ALTER TABLE rating DROP COLUMN item")
        old.run("ALTER TABLE verdict DROP COLUMN tried")
        old.set_meta("schema_version", "1")
    with stores.open(path) as new:
        assert new.meta("schema_version") == str(stores.SCHEMA_VERSION)
        for table, columns in whole.items():
            assert set(new.schema(table).names) == set(columns), table
        assert new.rows("SELECT replay_id, rater, verdict, item FROM rating") == [
            {"replay_id": 7, "rater": "ann", "verdict": "equal", "item": None}
        ]
