"""Delimited text: whether a text is one, with which delimiter, and its rows as records of strings."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from audit.containers.items import EXCERPT_BYTES, Item, Unreadable

DELIMITERS = (",", ";", "\t", "|")
_ROWS = 40
_NAME = re.compile(r"@?[^\W\d][\w .\-/()\[\]:%#$@]{0,100}|\w{1,100}")
_CELL_LIMIT = 1 << 28

csv.field_size_limit(_CELL_LIMIT)


def delimiter_of(head: str, whole: bool) -> str | None:
    """The delimiter of a text that is a table with a header line, else None. `whole`: nothing follows the head."""
    head = head.removeprefix("\ufeff")
    if head.startswith("sep=") and head[5:6] in ("\r", "\n"):
        return head[4]
    best: tuple[float, int, str] | None = None
    for delimiter in DELIMITERS:
        share, width = _fit(head, delimiter, whole)
        if share >= (0.6 if width == 2 else 0.5) and width >= 2 and (best is None or (share, width) > best[:2]):
            best = (share, width, delimiter)
    return best[2] if best else None


def _fit(head: str, delimiter: str, whole: bool) -> tuple[float, int]:
    """Share of the first rows that are as wide as the header, and that width; 0 when the header is none."""
    try:
        rows = list(islice(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), _ROWS))
    except csv.Error:
        return 0.0, 0
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows or not _is_header(rows[0]):
        return 0.0, 0
    body = rows[1:] if whole or len(rows) == _ROWS else rows[1:-1]
    if not body:
        return (1.0, len(rows[0])) if len(rows) > 1 or whole or "\n" in head else (0.0, 0)
    return sum(len(row) == len(rows[0]) for row in body) / len(body), len(rows[0])


def _is_header(cells: list[str]) -> bool:
    names = [cell.strip() for cell in cells]
    named = [name for name in names if name]
    return (
        len(set(named)) >= 2
        and len(named) >= len(names) - 1
        and all(_NAME.fullmatch(name) and not name.replace(".", "").isdigit() for name in named)
    )


class CsvText:
    """The rows of a delimited text as records of strings; a row of another width is unreadable (`ragged_row`)."""

    def __init__(self, file: BinaryIO, delimiter: str) -> None:
        self._ended = False
        self._row: list[str] = []
        self._text = io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
        self._delimiter = delimiter
        self._offset = 0
        self.line = 1

    def __iter__(self) -> Iterator[Item]:
        rows = csv.reader(self._lines(), delimiter=self._delimiter)
        header: list[str] | None = None
        while True:
            line, offset = rows.line_num + 1, self._offset
            self._row.clear()
            try:
                row = next(rows)
            except StopIteration:
                break
            except csv.Error as error:
                yield line, offset, Unreadable("not_csv", str(error)), b"", False
                continue
            self.line = rows.line_num + 1
            if not any(row) or (row[0].startswith("sep=") and header is None):
                continue
            if header is None:
                header = _distinct([cell.strip().removeprefix("\ufeff") for cell in row])
                continue
            if self._ended and (swallowed := self._swallowed()):
                yield line, offset, Unreadable("unclosed_quote"), swallowed[0].encode("utf-8", "replace"), False
                yield from self._rest(header, swallowed[1:], line + 1)
                return
            yield self._record(header, row, line, offset)

    def _record(self, header: list[str], row: list[str], line: int, offset: int) -> Item:
        if len(row) > len(header) and not any(row[len(header) :]):
            row = row[: len(header)]
        if len(row) != len(header):
            detail = f"{len(row)} cells, the header has {len(header)}"
            return line, offset, Unreadable("ragged_row", detail), _excerpt(row, self._delimiter), False
        replaced = any("\ufffd" in cell or "\x00" in cell for cell in row)
        if replaced:
            row = [cell.replace("\x00", "") for cell in row]
        return line, offset, dict(zip(header, row, strict=True)), b"", replaced

    def _lines(self) -> Iterator[str]:
        for line in self._text:
            self._offset += len(line) if line.isascii() else len(line.encode("utf-8", "replace"))
            self._row.append(line)
            yield line
        self._ended = True

    def _swallowed(self) -> list[str]:
        """The lines of a row whose quote is never closed, so that it took in all that follows."""
        return self._row if len(self._row) > 1 and sum(line.count('"') for line in self._row) % 2 else []

    def _rest(self, header: list[str], lines: list[str], line: int) -> Iterator[Item]:
        """The rows that a quote had swallowed."""
        for row in csv.reader(lines, delimiter=self._delimiter):
            if any(row):
                yield self._record(header, row, line, self._offset)
            line += 1


def _distinct(names: list[str]) -> list[str]:
    """Names of columns, a second one of the same name numbered as data frames do (`model.1`)."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        again = seen.get(name, 0)
        seen[name] = again + 1
        found.append(f"{name}.{again}" if again else name)
    return found


def _excerpt(row: list[str], delimiter: str) -> bytes:
    return delimiter.join(row)[:EXCERPT_BYTES].encode("utf-8", "replace")
