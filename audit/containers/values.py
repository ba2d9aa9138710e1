"""Decode one piece of JSON text as far as it goes, and repair what a database can't hold."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from audit.wire.text import too_deep

State = Literal["complete", "incomplete", "cut_string", "broken", "too_deep"]

_loose = json.JSONDecoder(strict=False)
_strict = json.JSONDecoder()
_gap = re.compile(r"[\s,\[\]\ufeff\x00]*")
_surrogate = re.compile("[\ud800-\udfff]")
_NEAR_END = 8
"""An error this close to the end of the text (inside an escape, a number, a literal) comes from the cut."""


@dataclass(slots=True)
class Decoded:
    """Values found back to back, how the text ended, where the first value that failed began (in bytes), and whether
    bytes or characters had to be replaced."""

    values: list[Any] = field(default_factory=list)
    state: State = "complete"
    rest: int = 0
    repaired: bool = False


def decode(data: bytes, *, strict: bool = False) -> Decoded:
    """Decode the JSON values that stand one after the other in these bytes; brackets around them don't count.

    Invalid UTF-8 and lone surrogates become U+FFFD and NUL characters are dropped; both set `repaired`. `strict`
    refuses raw control characters inside strings, which only a line that was cut has.
    """
    found = Decoded()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        found.repaired = True
    position = gap_end(text, 0)
    while position < len(text) and found.state == "complete":
        value, end, found.state = decode_one(text, position, strict=strict)
        if found.state == "complete":
            found.values.append(value)
            position = gap_end(text, end)
    found.rest = len(text[:position].encode("utf-8", "surrogatepass"))
    if needs_repair(text, 0, len(text)):
        values = [repaired(value) for value in found.values]
        found.repaired = found.repaired or values != found.values
        found.values = values
    return found


def decode_one(text: str, position: int, *, strict: bool = True) -> tuple[Any, int, State]:
    """The value that begins at a position, where it ends, and whether it could be decoded."""
    try:
        value, end = (_strict if strict else _loose).raw_decode(text, position)
    except json.JSONDecodeError as error:
        return None, error.pos, _state(error, text)
    except RecursionError:
        return None, position, "too_deep"
    return (None, position, "too_deep") if too_deep(value, text, position, end) else (value, end, "complete")


def gap_end(text: str, position: int) -> int:
    """Where the next value can begin: after white space, commas, brackets and stray byte order marks."""
    match = _gap.match(text, position)
    return match.end() if match else position


def _state(error: json.JSONDecodeError, text: str) -> State:
    if error.msg.startswith("Invalid control character"):
        return "cut_string"
    if error.msg.startswith("Unterminated string"):
        return "cut_string" if "\n" not in text[error.pos :] else "broken"
    return "incomplete" if error.pos > len(text.rstrip()) - _NEAR_END else "broken"


def needs_repair(text: str, start: int, end: int) -> bool:
    """Whether values decoded from this part of a text may hold NUL or lone surrogates."""
    return any(text.find(mark, start, end) >= 0 for mark in ("\\u0000", "\x00", "\\ud", "\\uD"))


def repaired(value: Any) -> Any:
    """The value with NUL dropped from all strings and lone surrogates replaced; None when it is too deep."""
    try:
        return _repaired(value)
    except RecursionError:
        return None


def _repaired(value: Any) -> Any:
    if isinstance(value, str):
        if "\x00" in value:
            value = value.replace("\x00", "")
        return value if value.isascii() else _surrogate.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_repaired(key): _repaired(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_repaired(item) for item in value]
    return value
