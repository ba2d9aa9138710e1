"""Stretches of requests, for queries whose rows would not fit in memory all at once."""

from __future__ import annotations

from collections.abc import Iterator

from audit.store.database import Store

AT_ONCE = 200_000


def request_ranges(store: Store, at_once: int = AT_ONCE) -> Iterator[tuple[int, int]]:
    """Pairs [first, last) of request ids that cover the log, so many requests in each; ids are dense."""
    known = store.rows("SELECT MIN(request_id) AS low, MAX(request_id) AS high FROM request")[0]
    if known["low"] is None:
        return
    for first in range(known["low"], known["high"] + 1, at_once):
        yield first, first + at_once
