"""A reader made from the user's own words: which field of a record is which, and a first guess at it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from audit.call import Outcome, Reject
from audit.errors import ConfigError
from audit.readers import Reader, Record
from audit.wire import pair
from audit.wire.calls import from_pair
from audit.wire.columns import NAMES, layout, names_model, normal
from audit.wire.text import maybe_json
from audit.wire.times import to_us

_ROLE_OF = {name: role for role, names in [*NAMES.items()][::-1] for name in names}
_WANTED = ("started", "model", "input_tokens", "output_tokens", "request", "response", "user")
"""What a suggestion names, in this order: enough for a bill, then enough for every measure."""
OPEN = "<column>"
"""Stands in a suggestion where no column tells."""
_SPOKEN = {"started": "timestamp", "request": "prompt", "user": "user"}
FIELDS = (
    "timestamp", "model", "input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens",
    "usage", "prompt", "messages", "response", "user", "team", "feature", "environment", "conversation_id", "trace_id",
    "request_id", "provider", "latency_ms", "status", "error", "cache_hit", "cost", "service_tier", "finish_reason",
)  # fmt: skip
"""What a map can name; other spellings of them do as well, and `tag.NAME` for anything else."""

_NEEDED = frozenset({"model", "input_tokens", "output_tokens", "usage", "request", "messages", "response"})


def mapped(mapping: Mapping[str, str]) -> Reader:
    """A reader for records whose fields lie at `mapping[field]` (a dotted path, `items.0.name` for list entries).

    Fields are named as in flat records (`model`, `input_tokens`, `timestamp`, `prompt`, `response`, `latency_ms`, …) or
    `tag.<name>`. Raises `ConfigError` for a field that means nothing, naming the nearest that does.
    """
    paths = {field: _path(path) for field, path in mapping.items()}
    tags = {field[4:]: path for field, path in paths.items() if field.startswith("tag.")}
    fields = {_canonical(field): path for field, path in paths.items() if not field.startswith("tag.")}
    telling = [path for field, path in fields.items() if set(layout((field,))) & _NEEDED]
    if not telling:
        raise ConfigError(
            "the map names neither a model, token counts nor texts",
            hint="map at least model and input_tokens, or model and prompt",
        )

    def detect(record: Record) -> int:
        return 40 if any(_at(record, path) is not None for path in telling) else 0

    def read(record: Record) -> Iterable[Outcome]:
        row = {field: value for field, path in fields.items() if (value := _at(record, path)) is not None}
        if not row:
            return (Reject("map_matches_nothing", ", ".join(mapping.values())[:200]),)
        if tags:
            row["metadata"] = {name: _at(record, path) for name, path in tags.items()}
        return (from_pair(pair.of(row), "log"),)

    return Reader(
        name="mapped",
        title="Records read with the map given by the user",
        signatures=(frozenset(),),
        detect=detect,
        read=read,
        unlock={"text": "map prompt (or messages) and response", "user": "map user", "latency": "map latency_ms"},
    )


_TWO_MEANINGS = {"cached": "cached_tokens=… or cache_hit=…", "tokens": "input_tokens=…, output_tokens=… or usage=…"}


def _canonical(field: str) -> str:
    name = normal(field)
    if name in _TWO_MEANINGS:
        raise ConfigError(f"--map: {field} can mean two things", hint=f"write {_TWO_MEANINGS[name]}")
    if name in _ROLE_OF:
        return name
    if name in NAMES:
        return NAMES[name][0]
    near = difflib.get_close_matches(name, FIELDS, n=1) or difflib.get_close_matches(name, [*_ROLE_OF, *NAMES], n=1)
    hint = f"did you mean {near[0]}?" if near else f"use {', '.join(FIELDS)} or tag.NAME"
    raise ConfigError(f"--map: no field is called {field!r}", hint=hint)


def _path(path: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[.\[\]]+", path.strip().removeprefix("$")) if part)


def _at(record: Any, path: tuple[str, ...]) -> Any:
    """The value at `path`; a key that itself contains dots is found too."""
    if not path:
        return record
    value = maybe_json(record)
    if isinstance(value, list):
        index = path[0]
        return _at(value[int(index)], path[1:]) if index.isdigit() and int(index) < len(value) else None
    if not isinstance(value, Mapping):
        return None
    for length in range(len(path), 0, -1):
        key = ".".join(path[:length])
        if key in value:
            return _at(value[key], path[length:])
    return None


def leads_somewhere(record: Any, path: str) -> bool:
    """Whether there is a value at a path of a map."""
    return isinstance(record, Mapping) and _at(record, _path(path)) is not None


def suggest(record: Record) -> str:
    """A `--map` line for a record no reader knew: guesses where a column tells, `<column>` where none does."""
    columns = dict(_columns(record))
    words = []
    for role in _WANTED:
        found = next((column for column, value in columns.items() if _plays(role, column, value)), None)
        if found is not None:
            columns.pop(found)
        words.append(f"--map {_SPOKEN.get(role, role)}={_quoted(found) if found else OPEN}")
    return " ".join(words)


def fuller(one: str, other: str) -> str:
    """The suggestion (either may be empty) that leaves fewer columns open; the first where both leave as many."""
    return min(filter(None, (one, other)), key=lambda line: line.count(OPEN), default="")


def columns_of(record: Record, limit: int = 40) -> list[str]:
    """The dotted columns of a record, for a message that says what was seen."""
    return [column for column, _ in _columns(record)][:limit]


def _columns(value: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        name = f"{prefix}{key}"
        decoded = maybe_json(item)
        if isinstance(decoded, Mapping) and depth < 3:
            yield from _columns(decoded, name + ".", depth + 1)
        else:
            yield name, item


_HINTS = {
    "model": re.compile(r"model|engine|deployment|\bllm"),
    "input_tokens": re.compile(
        r"((tok|count|usage).*(in|prompt|ctx|context|sent|ask|up)|(in|prompt|context|sent).*tok)"
    ),
    "output_tokens": re.compile(
        r"((tok|count|usage).*(out|compl|gen|resp|rec|got|answer|repl|down)|(out|compl|gen|resp|rec|got|answer|repl).*tok)"
    ),
    "request": re.compile(r"prompt|question|query|request|input|message|text_in|asked"),
    "response": re.compile(r"answer|response|reply|completion|output|result|text_out|generated"),
    "user": re.compile(r"user|customer|account|client|caller|email|\bwho\b|member|person"),
}


def _plays(role: str, column: str, value: Any) -> bool:
    leaf = column.rsplit(".", 1)[-1]
    if role == "started":
        named = role in layout((leaf,)) or bool(re.search(r"time|date|when|_at$|^at$|ts", normal(leaf)))
        return named and to_us(value) is not None
    if role == "model" and names_model(value):
        return True
    # what a number counts often stands in the name of the object around it: `counts.sent`
    words = normal(".".join(column.split(".")[-2:])) if role.endswith("tokens") else normal(leaf)
    named = role in layout((leaf,)) or _HINTS[role].search(words) is not None
    return named and _fits(role, value)


def _fits(role: str, value: Any) -> bool:
    """Whether a value can be what the role says: a count is a number, a text is none."""
    is_number = isinstance(value, int | float) or (isinstance(value, str) and value.replace(".", "", 1).isdigit())
    if role.endswith("tokens"):
        return value is None or (is_number and not isinstance(value, bool))
    return role == "user" or not is_number


def _quoted(column: str) -> str:
    # columns are printed for a shell: anything unusual is put in quotes, control characters go
    clean = "".join(c for c in column if c.isprintable())
    return clean if re.fullmatch(r"[\w.\-]+", clean) else "'" + clean.replace("'", "'\\''") + "'"
