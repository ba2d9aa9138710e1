"""Tables in a dump of Postgres: the rows between `COPY table (columns) FROM stdin;` and `\\.`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from audit.containers.items import EXCERPT_BYTES, Item, Unreadable

BEGINS = re.compile(rb"^COPY [^\n;]+ \(([^)\n]+)\) FROM stdin;\r?$", re.MULTILINE | re.IGNORECASE)
_ENDS = b"\\."
_NULL = "\\N"
_ESCAPED = re.compile(r"\\([0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)", re.DOTALL)
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class CopyText:
    """The rows of every table of a dump as records of strings and None; its other statements are no records."""

    def __init__(self, file: BinaryIO) -> None:
        self._lines = file
        self.line = 0

    def __iter__(self) -> Iterator[Item]:
        columns: list[str] | None = None
        offset = 0
        for raw in self._lines:
            self.line += 1
            start, offset = offset, offset + len(raw)
            plain = raw.rstrip(b"\r\n")
            if columns is None:
                begins = BEGINS.match(plain)
                columns = _names(begins.group(1)) if begins else None
            elif plain == _ENDS:
                columns = None
            else:
                yield self._row(columns, plain, start)

    def _row(self, columns: list[str], raw: bytes, offset: int) -> Item:
        cells = raw.decode("utf-8", "replace").split("\t")
        if len(cells) != len(columns):
            detail = f"{len(cells)} cells, the table has {len(columns)}"
            return self.line, offset, Unreadable("ragged_row", detail), raw[:EXCERPT_BYTES], False
        record = {name: _value(cell) for name, cell in zip(columns, cells, strict=True)}
        return self.line, offset, record, b"", any("\ufffd" in cell for cell in cells)


def _names(listed: bytes) -> list[str]:
    return [name.strip().strip('"') for name in listed.decode("utf-8", "replace").split(",")]


def _value(cell: str) -> str | None:
    if cell == _NULL:
        return None
    return _ESCAPED.sub(_unescaped, cell) if "\\" in cell else cell


def _unescaped(found: re.Match[str]) -> str:
    code = found.group(1)
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    return chr(int(code, 8)) if code.isdigit() else _PLAIN.get(code, code)
