"""Open an audit file, or make a new one, and tell what can't be one."""

from __future__ import annotations

import os
import tempfile
from importlib.resources import files
from pathlib import Path

import duckdb

from audit.errors import StoreError
from audit.store.database import MEMORY_LIMIT, Store, first_line, unwritable

SCHEMA_VERSION = 11
_NOTES = (
    "CREATE TEMP TABLE pair AS SELECT * FROM pair",
    "CREATE TEMP TABLE meta AS SELECT * FROM meta",
    "CREATE UNIQUE INDEX meta_key ON meta (key)",
)
"""What stages that only read note for the next time; over a file that can't be written it is noted in temporary tables,
which the engine resolves first."""


def open_store(path: str | Path, *, create: bool = False, writes: bool = False) -> Store:
    """Open an audit file, or make a new one with `create`; ":memory:" is a throw-away one.

    A file that can't be written is opened for reading, unless work is to be kept in it (`writes`). Raises StoreError
    when the file is missing, locked, not an audit file or written by a newer version.
    """
    name = str(path)
    exists = name != ":memory:" and Path(name).exists()
    if name != ":memory:":
        _check_place(Path(name), exists, create)
    read_only = exists and not _is_writable(Path(name))
    if read_only and (create or writes):
        raise unwritable(name)
    connection = _connect(name, read_only)
    store = Store(connection, name)
    try:
        _settle(store, exists, read_only)
    except BaseException:
        store.close()
        raise
    return store


def _check_place(path: Path, exists: bool, create: bool) -> None:
    if path.is_dir():
        raise StoreError(f"{path} is a folder, not an audit file", "name a file with --db")
    if not exists and not create:
        raise StoreError(f"no audit file at {path}", "run `audit ingest LOGS` first, or name the file with --db")
    if create and not path.parent.is_dir():
        raise StoreError(f"no folder {path.parent} to write the audit file to", "create it, or choose another --db")
    if exists:
        _check_magic(path)


def _check_magic(path: Path) -> None:
    """Refuse what is no DuckDB file before the engine takes it for a log it can query, or for a new file."""
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise StoreError(f"{path} can't be read: {error.strerror}", "choose another place with --db") from error
    if start[8:12] == b"DUCK":
        return
    if not start:
        raise StoreError(f"{path} is not an audit file: it is empty", "remove it, or choose another --db")
    if b"\0" in start:
        raise StoreError(f"{path} is not an audit file", "choose another --db")
    raise StoreError(
        f"{path} is not an audit file: it looks like a log or another text",
        "--db names the audit file, logs stand without a flag: audit ingest LOGS --db audit.duckdb",
    )


def _is_writable(path: Path) -> bool:
    """Whether the engine can write the file, and its write-ahead log beside it."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _connect(name: str, read_only: bool) -> duckdb.DuckDBPyConnection:
    spill = tempfile.gettempdir() if read_only or name == ":memory:" else f"{name}.tmp"
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": os.environ.get("AUDIT_MEMORY_LIMIT", MEMORY_LIMIT),
        "temp_directory": spill,
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        connection = duckdb.connect(name, read_only=read_only, config=settings)
        # the terminal belongs to the console; a bar of the engine's would stand in piped output too
        connection.execute("SET enable_progress_bar = false")
        return connection
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise StoreError(f"{name} is in use by another process", "wait for it to end, or copy the file") from error
        if "permission" in str(error).lower():
            raise StoreError(f"no permission to open {name}", "choose another place with --db") from error
        raise StoreError(f"{name} is not an audit file ({first_line(error)})", "choose another --db") from error
    except duckdb.Error as error:
        raise StoreError(f"{name} can't be opened: {first_line(error)}", "choose another --db") from error


def _settle(store: Store, exists: bool, read_only: bool) -> None:
    """Create the schema in a new file; check the version of an existing one."""
    tables = store.tables()
    if not tables and not read_only:
        with store.transaction():
            store.run(_schema())
            store.run("INSERT INTO meta VALUES ('schema_version', $v)", v=str(SCHEMA_VERSION))
        return
    if "meta" not in tables:
        raise StoreError(f"{store.path} is a database, but not an audit file", "choose another --db")
    found = _version_of(store)
    if found > SCHEMA_VERSION:
        raise StoreError(
            f"{store.path} was written by a newer version (schema {found}, this program knows {SCHEMA_VERSION})",
            "upgrade with `pip install -U llm-workload-audit`",
        )
    if found < SCHEMA_VERSION and read_only:
        raise unwritable(store.path)
    if found < SCHEMA_VERSION:
        store.migrate(_schema(), SCHEMA_VERSION)
    if read_only:
        for statement in _NOTES:
            store.run(statement)


def _version_of(store: Store) -> int:
    said = store.value("SELECT value FROM meta WHERE key = 'schema_version'")
    try:
        return int(said or 0)
    except ValueError as error:
        raise StoreError(
            f"{store.path} is damaged: its schema_version is {said[:40]!r}", "ingest the logs again into a new file"
        ) from error


def _schema() -> str:
    return files("audit.store").joinpath("schema.sql").read_text(encoding="utf-8")
