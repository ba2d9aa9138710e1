"""Tables people download: a header somewhere near the top, perhaps under a few lines about the invoice."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO, cast

from audit.containers import Text
from audit.containers.streams import ChunkFile, buffered
from audit.wire.columns import folded

DELIMITERS = (",", ";", "\t", "|")
HEADER_ROWS = 40
_HEAD_BYTES = 1 << 16
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "CNY", "₹": "INR"}
_CODE = re.compile(r"\(([A-Z]{3})\)")

Row = dict[str, Any]
Known = Callable[[Mapping[str, Any]], Any]
"""What a record is, None or nothing for one that no format knows."""


class NoTable(Exception):  # noqa: N818 - an answer, not a failure
    """No row of the head is a header of a known format; `columns` is the widest one that could be a header."""

    def __init__(self, columns: list[str]) -> None:
        super().__init__("no known header")
        self.columns = columns


def rows(text: Text, known: Known) -> tuple[list[str], Iterator[tuple[int, Row | list[str]]]]:
    """The header, and (line, record) of every row below it; a row of another width comes as its cells.

    Raises NoTable when no row near the top is the header of a known format, and, while rows are read, ValueError when
    the file turns out to be damaged.
    """
    file, raw = buffered(text.chunks)
    head = file.peek(_HEAD_BYTES)[:_HEAD_BYTES].decode("utf-8", "replace")
    delimiter, skipped = _header(head, known)
    reader = csv.reader(_lines(cast(BinaryIO, file)), delimiter=delimiter)
    header: list[str] = []
    for _ in range(skipped + 1):
        header = next(reader)
    return header, _records(reader, header, raw)


def _records(reader: Any, header: list[str], raw: ChunkFile) -> Iterator[tuple[int, Row | list[str]]]:
    names = [folded(cell) for cell in header]
    sign = _currency(header)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(names) and not (len(cells) > len(names) and not any(cells[len(names) :])):
            yield line, cells
            continue
        record: Row = dict(zip(names, cells, strict=False))
        if sign:
            record["$"] = sign
        yield line, record
    if raw.damage:
        raise ValueError(f"the file is damaged ({raw.damage.replace('_', ' ')})")


def _header(head: str, known: Known) -> tuple[str, int]:
    """The delimiter, and how many rows stand above the header."""
    widest: list[str] = []
    for delimiter in DELIMITERS:
        try:
            found = list(islice(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), HEADER_ROWS))
        except csv.Error:
            continue
        for place, cells in enumerate(found):
            if known(dict.fromkeys(folded(cell) for cell in cells)):
                return delimiter, place
        top = next((cells for cells in found if any(cells)), [])
        widest = max(widest, top, key=len)
    raise NoTable([cell.strip() for cell in widest])


def _currency(header: list[str]) -> str:
    """The currency a header states (`Cost ($)`), "" when it states none."""
    for name in header:
        for sign, code in _SIGNS.items():
            if f"({sign})" in name or name.rstrip().endswith(f" {sign}"):
                return code
        if found := _CODE.search(name):
            return found[1]
    return ""


def _lines(file: BinaryIO) -> Iterator[str]:
    yield from io.TextIOWrapper(file, encoding="utf-8", errors="replace", newline="")
