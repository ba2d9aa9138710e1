"""What is spent today: one module per measure, each declaring one `MEASURE`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from audit.store import Store

Unit = Literal["text", "path", "count", "tokens", "pico", "seconds", "share", "day", "ratio"]
Topic = Literal["spend", "calls"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a measure: its name in the query, its heading for people, its unit."""

    name: str
    heading: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Measure:
    """One table about today, as a query over the stored tables.

    Money columns are pico-USD, times epoch microseconds, shares 0…1. `topic` is the chapter of the report it stands in:
    what was spent, or how the calls went; `order` its place there. `limit` is how many rows people are shown at first
    (programs get all). `prepare(store)` makes temporary tables the query reads,
    for what SQL can't say; their names start with the measure's.
    """

    name: str
    title: str
    query: str
    columns: tuple[Column, ...]
    order: int = 100
    limit: int = 12
    topic: Topic = "spend"
    note: str = ""
    prepare: Callable[[Store], None] | None = None
