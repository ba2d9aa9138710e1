"""Bring an older audit file up to today's schema: what it lacks is added, nothing is changed or taken away."""

from __future__ import annotations

import duckdb

_COLUMNS = """
SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns AS c
JOIN information_schema.tables AS t ON t.table_name = c.table_name AND t.table_type = 'BASE TABLE'
ORDER BY c.table_name, c.ordinal_position
"""


def additions(connection: duckdb.DuckDBPyConnection, schema: str) -> list[str]:
    """Statements that add the tables and columns of `schema` (SQL text) that an open file lacks, in order."""
    with duckdb.connect(":memory:") as fresh:
        fresh.execute(schema)
        wanted = fresh.execute(_COLUMNS).fetchall()
    known = {(table, column) for table, column, _ in connection.execute(_COLUMNS).fetchall()}
    tables = {table for table, _ in known}
    made: dict[str, list[str]] = {}
    changed: list[str] = []
    for table, column, kind in wanted:
        if table not in tables:
            made.setdefault(table, []).append(f"{column} {kind}")
        elif (table, column) not in known:
            changed.append(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    return [*(f"CREATE TABLE {table} ({', '.join(columns)})" for table, columns in made.items()), *changed]
