"""logfmt: lines of `key=value` pairs, as many services write their logs (`time=… level=info model=gpt-4o …`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from audit.containers.items import EXCERPT_BYTES, Item, Unreadable
from audit.wire.text import read_json

_PAIR = re.compile(r"""([^\s="]+)(?:=("(?:[^"\\]|\\.)*"|[^\s"]*))?(?=\s|$)\s*""")
_LINES = 40
_FEWEST = 3


def is_logfmt(head: str, whole: bool) -> bool:
    """Whether half of the first lines or more are pairs, three or more in each. `whole`: nothing follows the head."""
    lines = [line for line in head.split("\n")[:_LINES] if line.strip()]
    if not whole and len(lines) > 1:
        lines.pop()
    good = sum(record is not None and len(record) >= _FEWEST for record in map(_record, lines))
    return bool(lines) and 2 * good >= len(lines)


class LogfmtText:
    """The lines of a text as records of strings; one that is not made of pairs is unreadable (`not_logfmt`)."""

    def __init__(self, file: BinaryIO) -> None:
        self._lines = file
        self.line = 0

    def __iter__(self) -> Iterator[Item]:
        offset = 0
        for raw in self._lines:
            self.line += 1
            start, offset = offset, offset + len(raw)
            text = raw.decode("utf-8", "replace")
            if not text.strip():
                continue
            record = _record(text)
            if record is None:
                yield self.line, start, Unreadable("not_logfmt"), raw[:EXCERPT_BYTES], False
            else:
                yield self.line, start, record, b"", "\ufffd" in text


def _record(line: str) -> dict[str, str] | None:
    """The pairs of a line; a bare word is a flag and says nothing. None for a line that is none, or without pairs."""
    line = line.strip().removeprefix("\ufeff")
    record: dict[str, str] = {}
    place = 0
    while place < len(line):
        pair = _PAIR.match(line, place)
        if pair is None:
            return None
        place = pair.end()
        if pair.group(2) is not None:
            record[pair.group(1)] = _plain(pair.group(2))
    return record or None


def _plain(value: str) -> str:
    """A value without its quotes; what is escaped in them follows the rules of JSON strings."""
    if not value.startswith('"'):
        return value
    try:
        return str(read_json(value, strict=False))
    except ValueError:
        return value[1:-1].replace('\\"', '"')
