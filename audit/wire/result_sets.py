"""Answers of query services as records: columns beside rows, lists of fields, rows of a log search, dotted columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit.wire.text import maybe_json

Row = dict[str, Any]
_COLUMNS = ("columns", "meta", "rowType", "fields", "schema", "column_names", "columnNames", "header", "headers")
_ROWS = ("rows", "data", "values", "data_array", "results", "records")
_NAMES = ("name", "ColumnName", "columnName", "column_name", "displayName", "Name", "id", "label")
_HOLDERS = ("result", "results", "data", "manifest", "resultSetMetaData", "schema", "response", "body", "ResultSet",
            "output", "dataframe", "ResultSetMetadata")  # fmt: skip
_DEPTH = 3


def rows_of(record: Mapping[str, Any]) -> list[Row] | None:
    """The rows of a query's answer as records, None where `record` is no such answer.

    Knows CloudWatch Logs Insights (`results: [[{field, value}]]`), Azure Monitor (`tables: [{columns, rows}]`), Athena
    (`ResultSet.Rows[].Data`), BigQuery (`schema.fields` and `rows[].f[].v`), Loki (`stream` and `values`), and any list
    of column names beside a list of rows (ClickHouse, Databricks, Snowflake, data frames).
    """
    results = record.get("results")
    if isinstance(results, list) and results and all(_is_fields(row) for row in results):
        return [_of_fields(row) for row in results]
    tables = record.get("tables", record.get("Tables"))
    if isinstance(tables, list) and tables:
        found = [rows for table in tables if isinstance(table, Mapping) and (rows := _table(table, table)) is not None]
        return [row for rows in found for row in rows] if found else None
    return _athena(record) or _loki(record) or _table(record, record)


def _is_fields(row: Any) -> bool:
    return isinstance(row, list) and bool(row) and all(isinstance(cell, dict) and "field" in cell for cell in row)


def _of_fields(row: Sequence[Mapping[str, Any]]) -> Row:
    # @ptr only points back into the log
    return {str(cell["field"]): cell.get("value") for cell in row if cell["field"] != "@ptr"}


def _table(holder: Mapping[str, Any], outer: Mapping[str, Any], depth: int = 0) -> list[Row] | None:
    names = _column_names(holder)
    if names is None:
        names = _column_names(outer)
    rows = next((value for key in _ROWS if _are_rows(value := holder.get(key))), None)
    if names is not None and rows is not None and all(len(_cells(row)) == len(names) for row in rows[:3]):
        return [dict(zip(names, _cells(row), strict=False)) for row in rows]
    if depth < _DEPTH:
        for key in _HOLDERS:
            inner = holder.get(key)
            if isinstance(inner, Mapping):
                found = _table(inner, outer, depth + 1)
                if found is not None:
                    return found
    return None


def _column_names(holder: Mapping[str, Any], depth: int = 0) -> list[str] | None:
    for key in _COLUMNS:
        value = holder.get(key)
        if isinstance(value, list) and value:
            names = [_name(item) for item in value]
            found = [name for name in names if name is not None]
            if len(found) == len(names) == len(set(names)):
                return found
    if depth < _DEPTH:
        for key in _HOLDERS:
            inner = holder.get(key)
            if isinstance(inner, Mapping) and (deeper := _column_names(inner, depth + 1)) is not None:
                return deeper
    return None


def _name(column: Any) -> str | None:
    if isinstance(column, str):
        return column
    if isinstance(column, Mapping):
        return next((column[key] for key in _NAMES if isinstance(column.get(key), str)), None)
    return None


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_row(row) for row in value[:3])


def _is_row(row: Any) -> bool:
    return isinstance(row, list) or (isinstance(row, dict) and row.keys() == {"f"})


def _cells(row: Any) -> list[Any]:
    if isinstance(row, Mapping):
        cells = row.get("f")
        return [_bigquery(cell) for cell in cells] if isinstance(cells, list) else []
    return list(row) if isinstance(row, list) else []


def _bigquery(cell: Any) -> Any:
    return cell.get("v") if isinstance(cell, Mapping) else cell


def _athena(record: Mapping[str, Any]) -> list[Row] | None:
    held = record.get("ResultSet")
    rows = held.get("Rows") if isinstance(held, Mapping) else None
    if not isinstance(rows, list) or not rows:
        return None
    cells = [
        [cell.get("VarCharValue") if isinstance(cell, Mapping) else None for cell in row.get("Data") or ()]
        for row in rows
        if isinstance(row, Mapping)
    ]
    names = [str(name) for name in cells[0]] if cells else []
    return [dict(zip(names, row, strict=False)) for row in cells[1:]] or None


def _loki(record: Mapping[str, Any]) -> list[Row] | None:
    """The lines of one Loki stream; the streams around it are a list like any other."""
    values = record.get("values")
    if not isinstance(values, list) or not isinstance(record.get("stream"), Mapping):
        return None
    return [
        {"timestamp": value[0], "message": value[1]}
        for value in values
        if isinstance(value, list) and len(value) >= 2 and isinstance(maybe_json(value[1]), dict)
    ] or None


def undotted(record: Mapping[str, Any]) -> Row | None:
    """`{"input.body.model": …}` as nested objects; None when no column has a dot inside."""
    if not any(type(key) is str and "." in key.strip(".") for key in record):
        return None
    tree: Row = {}
    for key, value in record.items():
        steps = key.split(".") if not key.startswith("@") else [key]
        holder: Any = tree
        for step in steps[:-1]:
            holder = holder.setdefault(step, {})
            if not isinstance(holder, dict):
                return None
        if isinstance(holder.get(steps[-1]), dict):
            return None
        if value is not None and value != "":
            holder[steps[-1]] = value
    return tree
