"""Read and write the tables of an open audit file, with the errors of DuckDB as ours."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import duckdb
import pyarrow as pa

from audit.errors import StoreError
from audit.store.migrations import additions
from audit.store.stopping import stoppable

MEMORY_LIMIT = "900MB"
"""What the engine may hold before it spills to disk, so that a run with all else it holds stays under 2 GB."""
_ROWS_AT_ONCE = 100_000
_FULL = ("No space left on device", "not enough space on the disk")
"""How the engine passes on that a disk is full, on POSIX and on Windows."""
"""Fewer than the engine's row group: larger inserts leave a quarter of the file as free blocks."""


def program_version() -> str:
    """Version of the installed distribution, `0` when run from a bare folder."""
    try:
        return version("llm-workload-audit")
    except PackageNotFoundError:
        return "0"


class Store:
    """An open audit file.

    Queries take values only as `$name` parameters and return Arrow tables. Temporary tables live as long as the
    store is open; their names must differ from every stored table, because the engine would resolve them first.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: str) -> None:
        self._connection = connection
        self.path = path

    def apart(self) -> Store:
        """The same file through a connection of its own, for another thread; temporary tables are not visible in it."""
        with self._errors():
            return Store(self._connection.cursor(), self.path)

    def interrupt(self) -> None:
        """End what another thread asks of this store now; there it raises KeyboardInterrupt."""
        self._connection.interrupt()

    def query(self, sql: str, /, **values: Any) -> pa.Table:
        """Run one SELECT and return its rows as an Arrow table."""
        with self._errors():
            table: pa.Table = self._connection.sql(sql, params=values or None).to_arrow_table()
            return table

    def rows(self, sql: str, /, **values: Any) -> list[dict[str, Any]]:
        """Run one SELECT and return its rows as dictionaries; for small results only."""
        rows: list[dict[str, Any]] = self.query(sql, **values).to_pylist()
        return rows

    def value(self, sql: str, /, **values: Any) -> Any:
        """Run a SELECT of one cell and return it, None without rows."""
        with self._errors():
            found = self._connection.execute(sql, values or None).fetchall()
        return found[0][0] if found else None

    def batches(self, sql: str, rows: int = 65_536, /, **values: Any) -> Iterator[pa.RecordBatch]:
        """Run one SELECT over stored tables and yield its rows in Arrow batches, without holding them all.

        It reads through a connection of its own, so temporary tables are not visible to it.
        """
        with self._errors():
            cursor = self._connection.cursor()
        with self._errors(cursor):
            try:
                yield from cursor.sql(sql, params=values or None).to_arrow_reader(rows)
            finally:
                cursor.close()

    def stream(self, sql: str, rows: int = 65_536, /, **values: Any) -> Iterator[pa.RecordBatch]:
        """Like `batches`, with temporary tables in sight; nothing else may be asked before the last batch is taken."""
        with self._errors():
            yield from self._connection.sql(sql, params=values or None).to_arrow_reader(rows)

    def run(self, sql: str, /, **values: Any) -> None:
        """Run one statement for its effect."""
        with self._errors():
            self._connection.execute(sql, values or None)

    def write(self, table: str, data: pa.Table | pa.RecordBatch) -> None:
        """Append Arrow rows to a table, columns matched by name; missing columns become NULL."""
        if data.num_rows == 0:
            return
        if isinstance(data, pa.RecordBatch):
            data = pa.Table.from_batches([data])
        for start in range(0, data.num_rows, _ROWS_AT_ONCE):
            self._append(table, data.slice(start, _ROWS_AT_ONCE))

    def _append(self, table: str, data: pa.Table) -> None:
        with self._errors():
            self._connection.register("incoming_rows", data)
            try:
                self._connection.execute(f"INSERT INTO {_identifier(table)} BY NAME SELECT * FROM incoming_rows")
            finally:
                self._connection.unregister("incoming_rows")

    def replace(self, table: str, data: pa.Table) -> None:
        """Make, or make anew, a temporary table of Arrow rows; its name must not be a stored table's."""
        with self._errors():
            self._connection.register("incoming_rows", data)
            try:
                self._connection.execute(
                    f"CREATE OR REPLACE TEMP TABLE {_identifier(table)} AS SELECT * FROM incoming_rows"
                )
            finally:
                self._connection.unregister("incoming_rows")

    def write_rows(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Append a few dictionaries to a table; keys are its columns."""
        if rows:
            self.write(table, pa.Table.from_pylist(rows, schema=self.schema(table, rows[0])))

    def schema(self, table: str, columns: Mapping[str, Any] | None = None) -> pa.Schema:
        """Arrow schema of a table, or of the named columns of it, in the table's order."""
        schema = self.query(f"SELECT * FROM {_identifier(table)} WHERE 1 = 0").schema
        return schema if columns is None else pa.schema([field for field in schema if field.name in columns])

    def meta(self, key: str) -> str | None:
        """A fact about this audit file, None when not recorded."""
        found: str | None = self.value("SELECT value FROM meta WHERE key = $key", key=key)
        return found

    def set_meta(self, key: str, value: str) -> None:
        """Record a fact about this audit file."""
        self.run("INSERT OR REPLACE INTO meta VALUES ($key, $value)", key=key, value=value)

    def tables(self) -> set[str]:
        """Names of all tables, stored and temporary."""
        return {row["table_name"] for row in self.rows("SELECT table_name FROM information_schema.tables")}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens, or nothing does."""
        self.run("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    @contextmanager
    def within(self, memory: str) -> Iterator[None]:
        """Let the engine use at most so much memory inside (`900MB`), unless the user set a limit of their own."""
        if "AUDIT_MEMORY_LIMIT" in os.environ:
            yield
            return
        self.run(f"SET memory_limit = '{memory}'")
        try:
            yield
        finally:
            with suppress(StoreError):
                self.run(f"SET memory_limit = '{MEMORY_LIMIT}'")

    def migrate(self, schema: str, version: int) -> None:
        """Add the tables and columns this file lacks of `schema`, and note its version."""
        with self._errors():
            missing = additions(self._connection, schema)
        with self.transaction():
            for statement in missing:
                self.run(statement)
            self.set_meta("schema_version", str(version))

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file."""
        self.run("CHECKPOINT")

    def log_event(self, command: str, settings: Mapping[str, Any], outcome: Mapping[str, Any]) -> None:
        """Append what was run to the hash-chained `event` table."""
        last = self.rows("SELECT event_id, hash FROM event ORDER BY event_id DESC LIMIT 1")
        previous = last[0]["hash"] if last else ""
        row: dict[str, Any] = {
            "event_id": last[0]["event_id"] + 1 if last else 1,
            "at_us": time.time_ns() // 1000,
            "command": command,
            "version": program_version(),
            "settings": json.dumps(settings, sort_keys=True, default=str),
            "outcome": json.dumps(outcome, sort_keys=True, default=str),
            "previous_hash": previous,
        }
        self.write_rows("event", [{**row, "hash": self.seal(row)}])

    @staticmethod
    def seal(event: Mapping[str, Any]) -> str:
        """Hash of an event's columns, the hash of the event before among them."""
        return blake2b(json.dumps(dict(event), sort_keys=True).encode(), digest_size=16).hexdigest()

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _errors(self, connection: duckdb.DuckDBPyConnection | None = None) -> Iterator[None]:
        try:
            with stoppable(connection or self._connection):
                yield
        except duckdb.InterruptException as error:
            raise KeyboardInterrupt from error
        except duckdb.Error as error:
            if "read-only mode" in str(error):
                raise unwritable(self.path) from error
            if any(words in str(error) for words in _FULL):
                raise StoreError(
                    f"no space is left on the disk of {self.path}", "make room, and run it again"
                ) from error
            raise StoreError(f"{self.path}: {first_line(error)}", "`audit doctor` checks the audit file") from error
        except RuntimeError as error:
            if "interrupted" in str(error):  # how the engine passes on Ctrl-C
                raise KeyboardInterrupt from error
            raise


def unwritable(name: str) -> StoreError:
    """The error of work that has to be kept in a file that can't be written."""
    return StoreError(f"{name} can't be written, and this has to", "copy it to a place you can write to, and name that")


def _identifier(name: str) -> str:
    """A table or column name fit to stand in SQL text; names never come from a log."""
    if not name.replace("_", "").isalnum():
        raise StoreError(f"{name!r} is not a table name")
    return name


def first_line(error: Exception) -> str:
    """What an error of the engine says first, shortened."""
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
