"""JSON in any layout: one value per line, back to back, pretty-printed, in arrays, or as server-sent events."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from itertools import chain
from typing import Any

import orjson

from audit.containers.items import EXCERPT_BYTES, Item, Unreadable
from audit.containers.json_values import WRAPPER, JsonValues
from audit.containers.streams import Damaged
from audit.containers.values import State, decode, decode_one, gap_end, repaired

STREAMED_FROM = 32 << 20
"""A line longer than this is not held whole when it is a list of records."""

LONGEST = 256 << 20
"""A longer line is passed over, so that no file decides how much memory a run takes."""

_PROBES = (1 << 16, 1 << 20, 1 << 24, 1 << 27)
"""How many bytes are looked at, step by step, to see whether a value goes on over several lines."""

_EVENT = re.compile(rb"(?:data|event|id|retry):|:")
_NEW_STREAM = re.compile(rb'(?:event|data):\s*(?:\{"type":\s*")?(?:message_start|response\.created)')
_END_OF_STREAM = re.compile(
    rb'data:\s*(?:\[DONE\]|\{"type":\s*"(?:message_stop|response\.(?:completed|incomplete|failed))")'
)
_TOO_LONG = -2
_BLANK = b" \t\r\n\x0b\x0c\x00"
_BOM = b"\xef\xbb\xbf"
_PREFIX_BYTES = 200
_TIME = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.,]*(?:Z|[+-]\d\d:?\d\d)?")
_OWN_TIME = frozenset({"@timestamp", "timestamp", "time", "ts", "date"})
_CONTINUES = (b" ", b"\t", b'"', b"}", b"]", b",")


class JsonText:
    """The records of JSON text given in chunks of bytes.

    Each line is decoded on its own first, whatever came before it; only a value that does not end with its line
    makes the reader look further. `cut` names the reason when the text ends inside a value. After the last record
    `line` is one more than the number of lines, if it was 1 at first.
    """

    def __init__(self, chunks: Iterator[bytes], *, line: int = 1, offset: int = 0, cut: str = "truncated_tail") -> None:
        self._chunks = chunks
        self._data = b""
        self._position = 0
        self._base = offset
        self.line = line
        self._ended = False
        self._cut = cut
        self._damage: str | None = None

    def __iter__(self) -> Iterator[Item]:
        loads = orjson.loads
        while (end := self._line_end()) is not None:
            if end == _TOO_LONG:
                yield self._reject("too_long", self._window(EXCERPT_BYTES))
                self._skip_line()
                continue
            if end < 0:
                yield from self._values(self._is_wrapper())
                return
            raw = self._data[self._position : end]
            try:
                value = loads(raw)
            except ValueError:
                if (yield from self._odd_line(raw, end)):
                    return
                continue
            if b"\\u0000" in raw:
                fixed = repaired(value)
                yield self.line, self._base + self._position, fixed, raw, fixed != value
            else:
                yield self.line, self._base + self._position, value, raw, False
            self._advance(end)
        if self._damage:
            yield self.line, self._base + self._position, Unreadable(self._damage), b"", False

    def _advance(self, end: int) -> None:
        self._position = min(end + 1, len(self._data))
        self.line += 1

    def _grow(self, wanted: int) -> bool:
        """Have at least `wanted` more bytes at hand, or all there are; False if nothing was left to fetch."""
        if self._ended:
            return False
        parts = [self._data[self._position :]]
        got = 0
        try:
            while got < wanted:
                chunk = next(self._chunks, None)
                if chunk is None:
                    self._ended = True
                    break
                parts.append(chunk)
                got += len(chunk)
        except Damaged as damage:
            self._ended, self._damage = True, damage.reason
        self._base += self._position
        self._position = 0
        self._data = b"".join(parts)
        return got > 0

    def _line_end(self) -> int | None:
        """Index of the next line break; the end of the data for a last line without one; None when all is read;
        -1 when the line is a list of records too long to hold, `_TOO_LONG` when it is one record too long to hold."""
        searched = 0
        while (end := self._data.find(b"\n", self._position + searched)) < 0:
            searched = len(self._data) - self._position
            if searched > STREAMED_FROM and (self._is_wrapper() or self._window(16).lstrip(_BLANK + _BOM)[:1] == b"["):
                return -1
            if searched > LONGEST:
                return _TOO_LONG
            if not self._grow(max(searched, 1)):
                return len(self._data) if self._position < len(self._data) else None
        return end

    def _skip_line(self) -> None:
        """Pass the rest of a line without holding it."""
        while (end := self._data.find(b"\n", self._position)) < 0:
            self._base += len(self._data)
            self._data, self._position = b"", 0
            if not self._grow(1):
                self.line += 1
                return
        self._advance(end)

    def _window(self, size: int) -> bytes:
        return self._data[self._position : self._position + size]

    def _is_wrapper(self) -> bool:
        return WRAPPER.match(self._window(4096).decode("utf-8", "replace")) is not None

    def _odd_line(self, raw: bytes, end: int) -> Generator[Item, None, bool]:
        """A line that is not one plain JSON value. Returns whether the rest of the text was read with it."""
        text = raw.strip(_BLANK + _BOM + b"[],")
        if not text:
            self._advance(end)
        elif _EVENT.match(text):
            yield from self._events()
        elif text[:1] != b"{":
            value = _after_prefix(raw)
            if value is None:
                yield self._reject("not_json", raw)
            else:
                yield self.line, self._base + self._position, repaired(value), raw, False
            self._advance(end)
        else:
            return (yield from self._odd_json(raw, end))
        return False

    def _odd_json(self, raw: bytes, end: int) -> Generator[Item, None, bool]:
        """A line that begins like JSON: several values, damaged characters, too deep, cut, or spread over lines."""
        found = decode(raw)
        for value in found.values:
            yield self.line, self._base + self._position, value, raw, found.repaired
        if found.state == "incomplete" and not found.repaired:
            self._position += found.rest
            if self._spreads():
                yield from self._values(len(self._data) - self._position >= _PROBES[1] and self._is_wrapper())
                return True
            end = self._line_end() or 0
        if found.state == "complete":
            self._advance(end)
            return False
        yield self._reject(self._why(found.state, end), raw[found.rest :])
        end = self._data.find(b"\n", self._position)
        self._advance(end if end >= 0 else len(self._data))
        self._skip_continuation()
        return False

    def _why(self, state: State, end: int) -> str:
        if state == "too_deep" or state == "broken" or not self._is_last(end):
            return "too_deep" if state == "too_deep" else "not_json"
        reason, self._damage = self._damage or self._cut, None
        return reason

    def _is_last(self, end: int) -> bool:
        """Whether nothing but blanks follows."""
        position = self._position
        while not self._data[end:].strip(_BLANK):
            if not self._grow(1):
                return True
            end -= position
            position = 0
        return False

    def _reject(self, reason: str, raw: bytes) -> Item:
        return self.line, self._base + self._position, Unreadable(reason), raw, False

    def _skip_continuation(self) -> None:
        """Pass the rest of a broken value that was spread over lines, so that it is rejected once."""
        while (end := self._line_end()) is not None and end >= 0:
            line = self._data[self._position : end]
            if not line.startswith(_CONTINUES) or line.lstrip(_BLANK + b",").startswith(b"{"):
                return
            self._advance(end)

    def _spreads(self) -> bool:
        """Whether the value at hand ends on a later line."""
        for size in _PROBES:
            if len(self._data) - self._position < size:
                self._grow(size)
            if size > _PROBES[0] and self._is_wrapper():
                return True
            text = self._window(size).decode("utf-8", "replace")
            state = decode_one(text, gap_end(text, 0))[2]
            if state in ("complete", "too_deep"):
                return True
            if state in ("broken", "cut_string") and "\n" in text[: len(text) - 16]:
                # a string never goes over a line end
                return False
            if self._ended and len(self._data) - self._position <= size:
                return False
        return True

    def _values(self, wrapped: bool) -> Iterator[Item]:
        """Read the rest value by value."""
        rest = chain([self._data[self._position :]], self._chunks)
        values = JsonValues(
            rest, line=self.line, offset=self._base + self._position, cut=self._damage or self._cut, wrapped=wrapped
        )
        self._data, self._position, self._damage = b"", 0, None
        yield from values
        self.line = values.line

    def _events(self) -> Iterator[Item]:
        """One answer streamed as server-sent events, as a record of its own."""
        line, offset = self.line, self._base + self._position
        parts: list[bytes] = []
        while (end := self._line_end()) is not None and end >= 0:
            raw = self._data[self._position : end].strip(b"\r")
            if raw.strip() and (not _EVENT.match(raw) or (parts and _NEW_STREAM.match(raw) and not _starts(parts))):
                break
            parts.append(raw)
            self._advance(end)
            if _END_OF_STREAM.match(raw):
                break
        text = b"\n".join(parts).decode("utf-8", "replace")
        yield line, offset, {"response": text}, text.encode(), False


def _after_prefix(raw: bytes) -> dict[str, Any] | None:
    """The object a line ends in, when something short stands before it: the time of a CloudWatch export, the stream
    of a container log, the name of a service. That time becomes `@timestamp` where the object has none."""
    start = raw.find(b"{", 0, _PREFIX_BYTES)
    if start < 0:
        return None
    try:
        value = orjson.loads(raw[start:])
    except ValueError:
        return None
    time = _TIME.match(raw[:start].lstrip(_BLANK + _BOM))
    if not isinstance(value, dict):
        return None
    if time is None or not _OWN_TIME.isdisjoint(value):
        return value
    return {"@timestamp": time.group().decode(), **value}


def _starts(parts: list[bytes]) -> bool:
    """Whether these events are still only the opening line of a stream (`event: message_start`)."""
    return all(not part.startswith(b"data:") for part in parts)
