"""What audit itself wrote, held to be a log: told apart by the marks it carries, and refused with its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.call import Outcome, Reject
from audit.hashes import named_prompt
from audit.readers import Reader, Record

OWN_EXPORT = "own_export"
"""Reason of a record that no traffic left behind: audit wrote it."""

_SET = "an evaluation set of `audit evalset`, no log"
_RUNNABLE = f"{_SET}; into an audit file of its own, to ask its prompts there: audit ingest --evalset FILE --db NEW"
_FORMATS = {
    "audit-ratings": "ratings of a page of `audit review`, no log: audit review --import FILE",
    "audit-routes": "a routing table of `audit route`, no log",
}
# beyond any reader: a set is a request and response pair, too
_CERTAIN = 100


def own_exports(*, sets: bool = False) -> Reader:
    """A reader that refuses what audit exported; with `sets`, the lines of an evaluation set are left to be read."""

    def said(record: Record) -> str:
        words = _said(record)
        return "" if sets and words == _RUNNABLE else words

    def read(record: Record) -> Iterable[Outcome]:
        return (Reject(OWN_EXPORT, said(record)),)

    return Reader(
        name=OWN_EXPORT,
        title="What audit itself wrote: evaluation sets, ratings, routing tables",
        signatures=(
            frozenset({"request", "response", "audit"}),
            frozenset({"format", "ratings"}),
            frozenset({"format", "routes"}),
            frozenset({"prompts", "tests"}),
            frozenset({"id", "input", "target"}),
        ),
        detect=lambda record: _CERTAIN if said(record) else 0,
        read=read,
    )


def _said(record: Record) -> str:
    """What of audit's own a record is; empty for all others."""
    mark = record.get("audit")
    if isinstance(mark, Mapping) and _kind(mark) == "audit-evalset":
        return _RUNNABLE
    tests = record.get("tests")
    first = tests[0] if isinstance(tests, list) and tests else None
    if _is_named(record.get("id")) or (isinstance(first, Mapping) and _is_named(first.get("description"))):
        return _SET
    return _FORMATS.get(_kind(record), "")


def _kind(record: Record) -> str:
    """The name of a format, whatever its version."""
    mark = record.get("format")
    return mark.partition("/")[0] if isinstance(mark, str) else ""


def _is_named(name: Any) -> bool:
    return isinstance(name, str) and named_prompt(name) is not None
