"""Plain data as YAML 1.2: mappings and lists in blocks, numbers in a row, every doubtful text in double quotes."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_PLAIN = re.compile(r"[A-Za-z][\w./-]*(?: [\w./-]+)*", re.ASCII)
_TAKEN = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def to_yaml(data: Mapping[str, Any]) -> str:
    """The data as one YAML document."""
    return "\n".join(_mapping(data, "")) + "\n"


def _mapping(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{_text(str(key))}:"
            yield from _mapping(value, indent + "  ")
        elif _is_list(value) and value and not all(isinstance(each, int | float) for each in value):
            yield f"{indent}{_text(str(key))}:"
            yield from _list(value, indent + "  ")
        else:
            yield f"{indent}{_text(str(key))}: {_flow(value) if _is_list(value) else _scalar(value)}"


def _list(values: Sequence[Any], indent: str) -> Iterator[str]:
    for value in values:
        if isinstance(value, Mapping) and value:
            first, *rest = _mapping(value, indent + "  ")
            yield f"{indent}- {first[len(indent) + 2 :]}"
            yield from rest
        else:
            yield f"{indent}- {_flow(value)}"


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(str(key))}: {_flow(each)}" for key, each in value.items()) + "}"
    return f"[{', '.join(map(_flow, value))}]" if _is_list(value) else _scalar(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        # readers of YAML 1.1 take 1e-05 for a text
        shown = repr(value) if math.isfinite(value) else "null"
        return shown if "." in shown or "e" not in shown else shown.replace("e", ".0e")
    if isinstance(value, Mapping):
        return "{}"
    return "[]" if _is_list(value) else json.dumps(value)


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.casefold() not in _TAKEN:
        return text
    return "".join(_shown(char) for char in json.dumps(text, ensure_ascii=False))


def _shown(char: str) -> str:
    """The character, or its escape where it can't be seen or YAML doesn't allow it."""
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
    return char
