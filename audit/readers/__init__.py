"""Log formats: one module per format, each declaring one `READER`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.call import Outcome

Record = Mapping[str, Any]
"""One decoded record: a JSON object, a CSV row (all strings), or a Parquet/SQLite row."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How one log format is recognised and read, record by record.

    A record is a candidate when its top-level keys contain one of `signatures` (cheap, cached per key set); `detect`
    then confirms and says how specific the match is (0 = not mine; the highest number over all readers wins: 10
    provider-native body, 20 home-made pair, 30 gateway or tracer record). `read` turns a confirmed record into calls.
    A format whose calls span several records sets `group`: records with the same non-None group key of one run are
    read together by `read_group`, in the order they stand in the log; where one record holds pieces of several groups,
    `parts` gives the pieces, records themselves, by group key. A format whose meaning depends on the lines before
    (sessions) sets `whole_file`: all its records of one file go to `read_group` together, in file order.
    `unlock` says which setting of the gateway or tracer would add what this format lacks (text, cached tokens, …).
    """

    name: str
    title: str
    signatures: tuple[frozenset[str], ...]
    detect: Callable[[Record], int]
    read: Callable[[Record], Iterable[Outcome]]
    group: Callable[[Record], str | None] | None = None
    read_group: Callable[[list[Record]], Iterable[Outcome]] | None = None
    parts: Callable[[Record], Mapping[str | None, Record]] | None = None
    unlock: Mapping[str, str] | None = None
    whole_file: bool = False
