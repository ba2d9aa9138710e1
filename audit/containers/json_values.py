"""JSON values that stand anywhere in a text: pretty-printed, back to back, in one array or in a wrapper's list."""

from __future__ import annotations

import re
from collections.abc import Iterator

from audit.containers.items import EXCERPT_BYTES, Item, Unreadable
from audit.containers.streams import Damaged
from audit.containers.values import State, decode_one, gap_end, needs_repair, repaired

LONGEST_VALUE = 256 << 20
"""Characters of one JSON value that are held at most; a longer one is rejected."""

WRAPPER = re.compile(r'[\s\ufeff]*\{\s*"(?:data|results?|records|values?|items|runs|logs)"\s*:\s*\[')
"""How an object that only wraps a list of records begins."""

_inside = re.compile(r"[\s,]*")
_next_object = re.compile(r"[}\]]\s*,?\s*\{|\n\s*\{")


class JsonValues:
    """The records of a text, decoded value by value with a window that grows to the longest of them.

    With `wrapped`, the text begins with an object whose list of records is streamed; what follows the list is left.
    """

    def __init__(self, chunks: Iterator[bytes], *, line: int, offset: int, cut: str, wrapped: bool = False) -> None:
        self._chunks = chunks
        self._text = ""
        self._at = 0
        self.line = line
        self._offset = offset
        self._cut = cut
        self._damage: str | None = None
        self._wrapped = wrapped
        self._indent: str | None = ""
        self._replaced = False
        self._tail = b""

    def __iter__(self) -> Iterator[Item]:
        if self._wrapped:
            self._grow()
            head = WRAPPER.match(self._text)
            self._pass(head.end() if head else 0)
        while self._next_value():
            if self._wrapped and self._text[self._at] == "]":
                self._drain()
                break
            yield self._value()
        if self._damage:
            yield self.line, self._offset, Unreadable(self._damage), b"", False

    def _drain(self) -> None:
        """Read on to the end: whoever hashes or counts the stream wants to see it."""
        while self._grow():
            self._at = len(self._text)

    def _next_value(self) -> bool:
        """Move to where the next value begins; False at the end."""
        while True:
            gap = _inside.match(self._text, self._at) if self._wrapped else None
            end = gap.end() if gap else gap_end(self._text, self._at)
            passed = self._text[self._at : end]
            if passed:
                self._indent = passed[passed.rfind("\n") + 1 :] if "\n" in passed else None
            self._pass(end)
            if self._at < len(self._text):
                return True
            if not self._grow():
                return False

    def _value(self) -> Item:
        """The value at hand, or why it can't be decoded; passes over it."""
        value, end, state = decode_one(self._text, self._at)
        while state != "complete":
            if state in ("incomplete", "cut_string") and len(self._text) - self._at < LONGEST_VALUE and self._grow():
                value, end, state = decode_one(self._text, self._at)
            else:
                return self._broken(state)
        replaced = self._replaced and self._text.find("\ufffd", self._at, end) >= 0
        if needs_repair(self._text, self._at, end):
            fixed = repaired(value)
            replaced, value = replaced or fixed != value, fixed
        item = (self.line, self._offset, value, b"", replaced)
        self._pass(end)
        return item

    def _broken(self, state: State) -> Item:
        line, offset = self.line, self._offset
        excerpt = self._text[self._at : self._at + EXCERPT_BYTES].encode("utf-8", "replace")
        reason = "too_deep" if state == "too_deep" else "not_json"
        if state in ("incomplete", "cut_string"):
            reason, self._damage = self._damage or self._cut, None
            self._pass(len(self._text))
        else:
            self._resynchronise()
        return line, offset, Unreadable(reason), excerpt, False

    def _resynchronise(self) -> None:
        """Pass to where the next record seems to begin: an object on a line indented like this one, or the end."""
        pattern = _next_object if self._indent is None else re.compile(r"\n" + re.escape(self._indent) + r"\{")
        self._pass(self._at + 1)
        while not (match := pattern.search(self._text, self._at)):
            if not self._grow():
                self._pass(len(self._text))
                return
        self._pass(match.end() - 1)

    def _pass(self, end: int) -> None:
        piece = self._text[self._at : end]
        self.line += piece.count("\n")
        self._offset += len(piece) if piece.isascii() else len(piece.encode("utf-8", "replace"))
        self._at = end

    def _grow(self) -> bool:
        """Fetch more text, about as much as is at hand; False at the end of the stream."""
        parts = [self._text[self._at :]]
        wanted, got = max(len(parts[0]), 1), 0
        while got < wanted:
            try:
                chunk = next(self._chunks, None)
            except Damaged as damage:
                self._damage, chunk = damage.reason, None
            if chunk is None:
                break
            parts.append(self._decoded(chunk))
            got += len(parts[-1])
        self._text, self._at = "".join(parts), 0
        return got > 0

    def _decoded(self, chunk: bytes) -> str:
        data = self._tail + chunk
        cut = _incomplete_suffix(data)
        self._tail, data = data[len(data) - cut :], data[: len(data) - cut]
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            self._replaced = True
            return data.decode("utf-8", "replace")


def _incomplete_suffix(data: bytes) -> int:
    """Length of a UTF-8 sequence that the end of these bytes cuts."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back if needed > back else 0
        if byte < 0x80:
            return 0
    return 0
