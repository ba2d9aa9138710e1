"""Text as logs hold it: JSON inside strings, cut or withheld text, characters that no database takes."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterable
from typing import Any, Literal

import orjson

from audit.wire.secrets import unkeyed

Damage = Literal["truncated", "redacted"]

_TRUNCATED = ("litellm_truncated skipped", "...[truncated]", "…[truncated]", "<truncated>", "[TRUNCATED]")
_REDACTED = ("redacted-by-litellm", "@@@langfuseMedia:", "<helicone-asset-id")
_REDACTED_WHOLE = frozenset(
    {"[redacted]", "<redacted>", "redacted", "***", "****", "[filtered]", "<omitted>", "[omitted]", "[removed]"}
)


def maybe_json(value: Any) -> Any:
    """`value`, decoded at most twice where it is a string that holds a JSON object or array; else unchanged.

    Data frames written as CSV hold objects as Python spells them (`{'a': None}`); they are taken for what they mean.
    """
    for _ in range(2):
        if type(value) is not str:
            return value
        text = value.strip()
        if not text or text[0] not in '[{"' or text[-1] not in ']}"':
            return value
        decoded = _decode(text)
        if decoded is None or (type(decoded) is str and decoded[:1] not in ("[", "{")):
            return value
        value = decoded
    return value


DEEPEST = 200
"""Deepest nesting of JSON that is read beyond the fast parser: what is deeper, no later step could walk through."""


def read_json(text: str | bytes, *, strict: bool = True) -> Any:
    """The value of a JSON text somebody else wrote; ValueError where it is none or nested too deeply.

    `strict` refuses control characters inside strings.
    """
    try:
        value = json.loads(text, strict=strict)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    if too_deep(value, text if isinstance(text, str) else text.decode("latin-1")):
        raise ValueError(_TOO_DEEP)
    return value


_TOO_DEEP = f"nested more than {DEEPEST} deep"


def too_deep(value: Any, text: str, start: int = 0, end: int | None = None) -> bool:
    """Whether the value read from this part of a text is nested too deeply to go on with."""
    if text.count("[", start, end) + text.count("{", start, end) <= DEEPEST:
        return False
    here, levels = [value], 0
    while here := [each for each in here if isinstance(each, dict | list)]:
        levels += 1
        here = [inner for each in here for inner in (each.values() if isinstance(each, dict) else each)]
    return levels > DEEPEST


def _decode(text: str) -> Any:
    try:
        return orjson.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        # lone surrogates, NaN and huge integers are beyond the fast parser
        return read_json(text)
    except ValueError:
        return _python(text) if text.startswith(_PYTHON) else None


_PYTHON = ("{'", "[{'", "['", "[[{'")
_NAN = re.compile(r"(?<=[:,\[] )nan(?=[,}\]])")
_DECIMAL = re.compile(r"Decimal\('([\d.E+\-]+)'\)")
_PYTHON_CHARACTERS = 4 << 20
_PYTHON_DEPTH = 60


def _python(text: str) -> Any:
    """A Python literal: constants and containers, nothing that could run."""
    if len(text) > _PYTHON_CHARACTERS or _depth(text) > _PYTHON_DEPTH:
        return None
    try:
        with warnings.catch_warnings():
            # a backslash that escapes nothing is worth a warning in a program, not in a log
            warnings.simplefilter("ignore")
            return ast.literal_eval(_DECIMAL.sub(r"\1", _NAN.sub("None", text)))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None


def _depth(text: str) -> int:
    """The deepest nesting of brackets; those inside quotes count too, which only makes it too careful."""
    deepest = depth = 0
    for bracket in _BRACKETS.findall(text):
        depth = depth + 1 if bracket in "([{" else depth - 1
        deepest = max(deepest, depth)
    return deepest


_BRACKETS = re.compile(r"[\[\]{}()]")


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal texts."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError):
        return str(type(value).__name__)


def repaired(text: str) -> str:
    """`text` without NUL and with lone surrogates replaced; the same object when nothing had to change."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def damage(text: str) -> Damage | None:
    """Whether a gateway or tracer cut `text` or withheld (part of) it, judged by the marker it left."""
    if len(text) < 12 and text.strip().lower() in _REDACTED_WHOLE:
        return "redacted"
    # every marker has one of these; most texts have none, and single characters are found fastest
    if "[" in text or "<" in text or "@" in text or "litellm" in text:
        if any(marker in text for marker in _REDACTED):
            return "redacted"
        if any(marker in text for marker in _TRUNCATED):
            return "truncated"
    return None


def worst_damage(texts: Iterable[str]) -> Damage | None:
    """The gravest damage found in any of `texts`: redacted before truncated before none."""
    worst: Damage | None = None
    for text in texts:
        found = damage(text)
        if found == "redacted":
            return found
        worst = found or worst
    return worst


def scalar(value: Any) -> Any:
    """`value` if it can stand as a tag (text, number, truth value), else None; long texts are cut to 500 characters."""
    if type(value) is str:
        return repaired(unkeyed(value[:500])) or None
    if type(value) is bool or type(value) is int or type(value) is float:
        return value
    return None


def label(value: Any) -> str | None:
    """`value` as a short name (team, user, id): stripped, None when empty; numbers become their text."""
    if type(value) is str:
        return repaired(unkeyed(value.strip()[:500])) or None
    if type(value) is int or type(value) is float:
        return str(value)
    return None
