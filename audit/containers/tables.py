"""Parquet files and SQLite databases, row by row as plain records."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from audit.containers.items import Item, Unreadable

SqliteReader = Callable[[Path], Iterator[dict[str, Any]] | None]
"""Reads the records of a database it knows, None for any other."""

_BATCH_ROWS = 4096


def parquet_rows(path: str | Path) -> Iterator[Item]:
    """The rows of a Parquet file; times become ISO text, decimals and bytes text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        yield 1, 0, Unreadable("corrupt_parquet", _short(error)), b"", False
        return
    with file:
        number = 0
        batches = file.iter_batches(batch_size=_BATCH_ROWS)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                yield number + 1, 0, Unreadable("corrupt_parquet", _short(error)), b"", False
                return
            if batch is None:
                return
            for row in _microseconds(batch).to_pylist(maps_as_pydicts="lossy"):
                number += 1
                yield number, 0, _plain(row), b"", False


def _microseconds(batch: Any) -> Any:
    """The batch with nanosecond times cut to microseconds, the finest Python holds."""
    import pyarrow as pa

    columns = [
        column.cast(pa.timestamp("us", column.type.tz), safe=False)
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns"
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _plain(value: Any) -> Any:
    """A cell as JSON would hold it."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value) if isinstance(value, Decimal) else repr(value)


def sqlite_rows(path: Path, known: SqliteReader) -> Iterator[Item]:
    """The records `known` reads from a database, or the rows of all its tables."""
    try:
        found = known(path)
        for number, record in enumerate(_all_rows(path) if found is None else found, 1):
            yield number, 0, record, b"", False
    except sqlite3.Error as error:
        yield 1, 0, Unreadable("corrupt_sqlite", _short(error)), b"", False


def _all_rows(path: Path) -> Iterator[dict[str, Any]]:
    connection = open_sqlite(path)
    try:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        for (table,) in tables:
            if not table.startswith("sqlite_"):
                cursor = connection.execute('SELECT * FROM "{}"'.format(table.replace('"', '""')))
                names = [column[0] for column in cursor.description]
                for row in cursor:
                    yield {name: _plain(cell) for name, cell in zip(names, row, strict=True)}
    finally:
        connection.close()


def open_sqlite(path: Path) -> sqlite3.Connection:
    """A read-only connection; the database is never written to, not even its write-ahead log."""
    uri = path.resolve().as_uri()
    connection = sqlite3.connect(f"{uri}?mode=ro", uri=True)
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
    except sqlite3.OperationalError:
        # in a folder that can't be written to, a database with a write-ahead log opens only as immutable
        connection.close()
        connection = sqlite3.connect(f"{uri}?immutable=1", uri=True)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _short(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:200]
