"""Prompt caches played over requests in time order: which prefixes of a prompt could be read when it was sent.

An event is one prefix of one request. Events of one prefix stand together, in the order of time, and different
prefixes never influence each other, so the kernels work on whole arrays. Times are milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Lives = NDArray[np.int64] | NDArray[np.int32]

_SPAN_MS = 1 << 38
"""Eight years: longer than any log, short enough to number the prefixes of a chunk above it in 63 bits."""
_CHUNK = 4_000_000
"""Events handled at once; bounds the memory of the intermediate arrays."""


@dataclass(frozen=True, slots=True)
class Events:
    """Prefixes of requests, sorted by prefix and then by time.

    `node` numbers the prefix, `start` is when its request began, `ready` when that request's answer began (only then
    can others read what it wrote), `life` how long an entry lives after the use, and `writes` whether the request
    makes an entry of it; a request that does not may still read one.
    """

    node: Ints
    start: Ints
    ready: Ints
    life: Lives
    writes: Bools

    def __len__(self) -> int:
        return len(self.node)

    def part(self, low: int, high: int) -> Events:
        """A range of events."""
        return Events(*(getattr(self, name)[low:high] for name in ("node", "start", "ready", "life", "writes")))

    def chosen(self, places: Ints) -> Events:
        """Some of the events, in their order."""
        return Events(*(getattr(self, name)[places] for name in ("node", "start", "ready", "life", "writes")))


def readable(events: Events, *, sliding: bool) -> Bools:
    """Which events find a live, finished entry of their prefix.

    With `sliding` every use begins the life of an entry anew; otherwise it ends a fixed time after it was written. A
    request that comes while the first writer is still being answered finds nothing and writes too.
    """
    found = np.zeros(len(events), dtype=np.bool_)
    for low, high in _chunks(events.node):
        part = events.part(low, high)
        found[low:high] = _sliding(part) if sliding else _fixed(part)
    return found


def _chunks(node: Ints) -> list[tuple[int, int]]:
    """Ranges of about `_CHUNK` events that never cut a prefix in two."""
    ranges: list[tuple[int, int]] = []
    low = 0
    while low < len(node):
        high = min(low + _CHUNK, len(node))
        if high < len(node):
            first = int(np.searchsorted(node, node[high], side="left"))
            high = first if first > low else int(np.searchsorted(node, node[high], side="right"))
        ranges.append((low, high))
        low = high
    return ranges


def _sliding(events: Events) -> Bools:
    """Runs of uses, none further from the one before than a life, are one entry; it can be read once first ready."""
    size = len(events)
    if size == 0:
        return np.zeros(0, dtype=np.bool_)
    opens = np.ones(size, dtype=np.bool_)
    gap = np.diff(events.start)
    opens[1:] = (events.node[1:] != events.node[:-1]) | (gap > events.life[:-1])
    run = np.cumsum(opens, dtype=np.int64)
    began = events.start[opens][run - 1]
    wait = np.where(events.writes, np.clip(events.ready - began, 0, _SPAN_MS - 1), _SPAN_MS - 1)
    # runs are numbered upwards, so subtracting the number makes the running minimum start anew in each of them
    earliest = np.minimum.accumulate(wait - run * _SPAN_MS)
    found = np.zeros(size, dtype=np.bool_)
    known = earliest[:-1] + run[:-1] * _SPAN_MS
    found[1:] = ~opens[1:] & (known < _SPAN_MS - 1) & (known <= (events.start - began)[1:])
    return found


def _fixed(events: Events) -> Bools:
    """Entries that end a fixed time after the write; the next use that writes after that begins another."""
    size = len(events)
    if size == 0:
        return np.zeros(0, dtype=np.bool_)
    _, group = np.unique(events.node, return_inverse=True)
    group = group.astype(np.int64)
    moment = group * _SPAN_MS + np.clip(events.start - events.start.min(), 0, _SPAN_MS - 1)
    places = np.arange(size, dtype=np.int64)
    next_write = np.minimum.accumulate(np.where(events.writes, places, size)[::-1])[::-1]
    next_write = np.append(next_write, size)
    firsts = np.flatnonzero(np.diff(group, prepend=-1))
    writer = np.zeros(size, dtype=np.bool_)
    current = next_write[firsts]
    owner_group = group[firsts]
    while len(current):
        inside = current < size
        inside[inside] = group[current[inside]] == owner_group[inside]
        current, owner_group = current[inside], owner_group[inside]
        writer[current] = True
        ends = np.searchsorted(moment, moment[current] + events.life[current], side="right")
        current = next_write[ends]
    owner = np.maximum.accumulate(np.where(writer, places, -1))
    held = (owner >= 0) & (owner != places)
    owner = np.maximum(owner, 0)
    held &= (group[owner] == group) & (moment <= moment[owner] + events.life[owner])
    return np.asarray(held & (events.ready[owner] <= events.start), dtype=np.bool_)
