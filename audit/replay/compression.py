"""Prompts said in fewer tokens with nothing left out: records as tables, JSON without layout, web pages as Markdown.

Only what tools returned and what stands as data in messages of the user is touched: whole JSON values, lines of them,
and HTML. Instructions, questions, earlier answers, calls of tools and fenced code stay as they are, letter by letter.
Every step is checked on the text it is done to and left out where the check fails: a table has to read back as the
records it was made of, and a page as Markdown has to hold every word of the page.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from audit.clients import Message, Prompt
from audit.errors import ReplayError
from audit.figures import count as figure
from audit.figures import listing, things
from audit.replay.webpages import markdown
from audit.tokens import count
from audit.wire.text import too_deep

_Kind = tuple[str, str]
"""What was done: a noun, and how it is said now."""

PACKAGES = ("toon_format", "html_to_markdown")
MISSING = "pip install 'llm-workload-audit[compress]'"
LEAST = 200
"""Characters of the smallest value worth a change; examples of an answer's form are shorter."""
LEAST_ROWS = 5
"""Rows of the smallest table: fewer records may be an example of how to answer."""
MOST_FAULTS = 1000
"""Brackets in a text that open no JSON after which no more is looked for: each look may cost a pass over the text."""
CACHED_TEXTS = 256

TABLE = ("JSON value", "as TOON")
MINIFIED = ("JSON value", "without layout")
PAGE = ("web page", "as Markdown")

_ROWS = re.compile(r"\[(\d{1,9})\]\{")
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|\s+')
_FENCE = re.compile(r"^([ \t]*```[^\n]*\n?)", re.MULTILINE)
_PAGE_END = re.compile("</html>", re.IGNORECASE)
_OPENS = re.compile(r'\{\s*"|\[\s*[\[{"\d-]|(?<!["\'])<(?:!doctype\s+html|html)\b', re.IGNORECASE)
_HALF = re.compile("[\ud800-\udfff]")


def compressor() -> Callable[[Prompt], Prompt | None]:
    """The change a prompt is put through; it returns None where nothing gets shorter.

    Tables are TOON, made by the package toon-format, Markdown is made by html-to-markdown; neither needs a model or a
    network. Raises ReplayError where one is not installed.
    """
    if any(find_spec(package) is None for package in PACKAGES):
        raise ReplayError("the packages that compress prompts are not installed", MISSING)
    return _compressed


def _compressed(prompt: Prompt) -> Prompt | None:
    """The prompt with everything said shorter that can be, and what was done in its lossy steps."""
    done: Counter[_Kind] = Counter()
    messages, before, after = [], 0, 0
    for message in prompt.messages:
        texts = tuple(map(_shorter, message.texts)) if message.role in ("user", "tool") else ()
        for each in texts:
            done.update(each.done)
            before += each.before
            after += each.after
        messages.append(replace(message, texts=tuple(each.text for each in texts)) if texts else message)
    return _told(prompt, tuple(messages), done, before, after) if done else None


def _told(prompt: Prompt, messages: tuple[Message, ...], done: Counter[_Kind], before: int, after: int) -> Prompt:
    what = listing([f"{things(number, noun)} {how}" for (noun, how), number in sorted(done.items())])
    said = f"compressed: {what}; {things(before, 'token')} became {figure(after)} by our count"
    return replace(prompt, messages=messages, lossy=(*prompt.lossy, said))


@dataclass(slots=True)
class _Text:
    """A text in the making: what was done to it, and the tokens of what was changed before and after."""

    text: str = ""
    done: Counter[_Kind] = field(default_factory=Counter)
    before: int = 0
    after: int = 0

    def take(self, old: str, ways: Iterator[tuple[_Kind, str]]) -> str:
        """The shortest of a value's ways to be said (kind, text), or the value itself."""
        [before], best = count([old]), old
        kind: _Kind | None = None
        least = before
        for name, made in ways:
            [after] = count([made])
            if after < least:
                least, best, kind = after, made, name
        if kind is not None:
            self.done[kind] += 1
            self.before += before
            self.after += least
        return best


@lru_cache(CACHED_TEXTS)
def _shorter(text: str) -> _Text:
    made = _Text()
    parts = _FENCE.split(text)
    fenced, out = False, []
    for place, part in enumerate(parts):
        if place % 2:
            fenced = not fenced
            out.append(part)
        elif fenced:
            language = parts[place - 1].strip("` \t\r\n").lower()
            out.append(_values(part, made, tables=False) if language in ("", "json", "jsonl") else part)
        else:
            out.append(_open(part, made))
    made.text = "".join(out)
    return made


def _open(text: str, made: _Text) -> str:
    """Text outside fenced code, which may be one page as a whole."""
    stripped = text.strip()
    page = _page(stripped, made) if stripped.startswith("<") else stripped
    return _values(text, made) if page == stripped else text.replace(stripped, page, 1)


def _page(page: str, made: _Text) -> str:
    said = markdown(page) if len(page) >= LEAST else None
    return made.take(page, iter([(PAGE, said)] if said else []))


def _values(text: str, made: _Text, *, tables: bool = True) -> str:
    """A text with the JSON values and pages in it said shorter; records a line each count as one value."""
    if tables and (lines := _records(text)) is not None:
        return made.take(text, _ways(text, lines, tables=True))
    out, at = [], 0
    for start, end in _found(text):
        old, before = text[start:end], text[at:start]
        if old.startswith("<"):
            said = _page(old, made) if tables else old
        else:
            said = made.take(old, _ways(old, _read(old), tables=tables))
            said = _apart(before, said, text[end : end + 1]) if "\n" in said and said != old else said
        out += [before, said]
        at = end
    return "".join((*out, text[at:]))


def _apart(before: str, table: str, after: str) -> str:
    """A table on lines of its own."""
    head = "" if not before or before.endswith("\n") else "\n"
    return f"{head}{table}" + ("" if after in ("", "\n", "\r") else "\n")


def _ways(text: str, value: Any, *, tables: bool) -> Iterator[tuple[_Kind, str]]:
    """How else a JSON value can be said: without layout; as a table, if that reads back as the same."""
    inside: Counter[_Kind] = Counter()
    small = _PIECE.sub(lambda piece: _literal(piece[0], inside), text)
    if not isinstance(value, _Lines):
        yield PAGE if inside else MINIFIED, small
        value = _read(small) if inside else value
    if not tables or value is None:
        return
    toon = import_module("toon_format")
    try:
        table = toon.encode(value)
        tabular = any(int(rows) >= LEAST_ROWS for rows in _ROWS.findall(table))
        if tabular and toon.decode(table) == value:
            yield TABLE, table
    except (ValueError, RecursionError):
        return


def _literal(piece: str, inside: Counter[_Kind]) -> str:
    """White space goes; a string loses needless escapes, and a web page in it becomes Markdown."""
    if not piece.startswith('"'):
        return ""
    if "\\" not in piece and (len(piece) < LEAST or "<" not in piece):
        return piece
    said = json.loads(piece, strict=False)
    page = markdown(said) if len(said) >= LEAST and "<" in said else None
    if page is not None and len(page) < len(said):
        inside[PAGE] += 1
        said = page
    made = json.dumps(said, ensure_ascii=False)
    # half of a character can't be sent as it is
    return made if page or _HALF.search(made) is None else piece


class _Lines(list[Any]):
    """Records that stood a line each."""


def _records(text: str) -> _Lines | None:
    """The objects of a text that holds one a line and nothing else, two or more."""
    lines = text.split("\n") if len(text) >= LEAST and text.lstrip().startswith("{") else []
    values = [_read(line) for line in lines if line.strip()]
    return _Lines(values) if len(values) > 1 and all(isinstance(each, dict) for each in values) else None


def _read(text: str) -> Any:
    """The value of a JSON text, None where it has none that can be written back as it was."""
    try:
        value = _EXACT.decode(text)
    except (ValueError, RecursionError):
        return None
    return None if too_deep(value, text) else value


def _found(text: str) -> Iterator[tuple[int, int]]:
    """Where JSON objects, lists and web pages stand in a text that are worth a change."""
    at = faults = 0
    while faults < MOST_FAULTS and (opening := _OPENS.search(text, at)):
        start = opening.start()
        try:
            end = _closed(text, start)
        except json.JSONDecodeError as error:
            # what was read up to the fault holds no whole value worth another look
            at = max(start + 1, error.pos)
            faults += 1
            continue
        except (ValueError, RecursionError):
            return
        if end - start >= LEAST:
            yield start, end
        at = end


def _closed(text: str, start: int) -> int:
    """Where the value or page ends that starts there; raises ValueError."""
    if text[start] != "<":
        return _ANY.raw_decode(text, start)[1]
    close = _PAGE_END.search(text, start)
    if close is None:
        raise ValueError("a page without an end")
    return close.end()


def _number(text: str) -> float:
    value = float(text)
    if not Decimal(text).is_finite() or Decimal(repr(value)) != Decimal(text):
        raise ValueError("a number too exact to keep")
    return value


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands twice")
    return made


_ANY = json.JSONDecoder()
_EXACT = json.JSONDecoder(parse_float=_number, parse_constant=_constant, object_pairs_hook=_object)
