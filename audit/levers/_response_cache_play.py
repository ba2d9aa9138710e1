"""A response cache played over requests in time order: fixed life from the write, least recently used out first.

Everything works on whole arrays. What a limited cache still holds follows from reuse distances (Mattson et al. 1970),
which do not depend on the life of an entry, so one pass over the log serves every life and every capacity.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
NEVER = 2**62
"""A life in microseconds that no log outlives."""


@dataclass(frozen=True, eq=False)
class Accesses:
    """Requests that look an entry up, sorted by key and time; `rows` are their places in the caller's arrays.

    They may leave out requests whose key nobody else has: `clock` is then the place of each in time among all of
    them, `requests` how many there are.
    """

    rows: Ints
    ids: Ints
    keys: Ints
    started: Ints
    ready: Ints
    clock: Ints
    requests: int

    @classmethod
    def of(
        cls,
        keys: ArrayLike,
        started: ArrayLike,
        duration: ArrayLike,
        ids: ArrayLike,
        clock: Ints | None = None,
        requests: int | None = None,
    ) -> Accesses:
        """Sort by (key, time, id), whatever order the arrays come in; times and durations in microseconds."""
        key, at, took, identity = (np.asarray(each, dtype=np.int64) for each in (keys, started, duration, ids))
        if clock is None:
            clock = np.empty(key.size, dtype=np.int64)
            clock[np.lexsort((identity, at))] = np.arange(key.size)
        rows = np.lexsort((clock, key)).astype(np.int64)
        whole = key.size if requests is None else requests
        return cls(rows, identity[rows], key[rows], at[rows], (at + took)[rows], clock[rows], whole)

    @property
    def size(self) -> int:
        """Number of requests that are looked at."""
        return int(self.rows.size)

    @cached_property
    def opens(self) -> Flags:
        """Whether a request is the first with its key."""
        first = np.ones(self.size, dtype=np.bool_)
        first[1:] = self.keys[1:] != self.keys[:-1]
        return first

    @property
    def entries(self) -> int:
        """Distinct keys, those left out included."""
        return int(self.opens.sum()) + self.requests - self.size

    @cached_property
    def reuse_distance(self) -> Ints:
        """Distinct other keys asked for since the same key was last asked for; the number of requests for the first."""
        again = np.flatnonzero(~self.opens)
        distance = np.full(self.size, self.requests, dtype=np.int64)
        now, before = self.clock[again], self.clock[again - 1]
        in_time = np.argsort(now)
        # a request between whose own previous one is also between repeats a key and is not distinct
        repeated = np.empty(again.size, dtype=np.int64)
        repeated[in_time] = greater_before(before[in_time])
        distance[again] = now - before - 1 - repeated
        return distance


@dataclass(frozen=True, eq=False)
class Played:
    """What a cache did with each request, in the order of the accesses.

    `hit`: answered from the cache; `writer`: place of the request whose answer the entry held, its own when it wrote.
    """

    hit: Flags
    writer: Ints


def play(accesses: Accesses, ttl_us: ArrayLike, capacity: int | None = None) -> Played:
    """Play a cache whose entries live `ttl_us` (one, or one per access) from their write, with `capacity` entries.

    A request that arrives before the writer of its entry has answered is a miss and does not write again.
    """
    if accesses.size == 0:
        return Played(np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.int64))
    heads = accesses.opens if capacity is None else accesses.opens | (accesses.reuse_distance >= capacity)
    writes = _writes(accesses, heads, np.broadcast_to(np.asarray(ttl_us, dtype=np.int64), accesses.size))
    writer = np.maximum.accumulate(np.where(writes, np.arange(accesses.size), 0))
    hit = ~writes & (accesses.started >= accesses.ready[writer])
    return Played(hit, writer)


def _writes(accesses: Accesses, heads: Flags, ttl_us: Ints) -> Flags:
    """Whether a request writes an entry: it opens its run, or the entry of the run before it had expired."""
    starts = np.flatnonzero(heads)
    ends = np.append(starts[1:], accesses.size)
    end_of = np.repeat(ends, ends - starts)
    writes = heads.copy()
    expires = _first_after(accesses, starts, ends, ttl_us)
    current = starts
    while current.size:
        following = expires[current]
        current = following[following < end_of[current]]
        writes[current] = True
    return writes


def _first_after(accesses: Accesses, starts: Ints, ends: Ints, ttl_us: Ints) -> Ints:
    """Place of the first request of each run later than a request's time plus its life; the run's end without one."""
    found = np.empty(accesses.size, dtype=np.int64)
    spans = accesses.started[ends - 1] - accesses.started[starts]
    for low, high in _slices(spans):
        begin, end = int(starts[low]), int(ends[high - 1])
        lengths = ends[low:high] - starts[low:high]
        # runs are laid end to end on one line, so that a single search serves them all
        span = spans[low:high] + 2
        offset = np.repeat(np.cumsum(span) - span - accesses.started[starts[low:high]], lengths)
        line = accesses.started[begin:end] + offset
        life = np.minimum(ttl_us[begin:end], np.repeat(span, lengths) - 1)
        last = np.repeat(np.cumsum(span) - 1, lengths)
        found[begin:end] = begin + np.searchsorted(line, np.minimum(line + life, last - 1), side="right")
    return found


def _slices(spans: Ints) -> Iterator[tuple[int, int]]:
    """Ranges of runs whose times fit on one line of 62 bits."""
    total = np.cumsum(spans.astype(np.float64) + 2)
    low = 0
    while low < spans.size:
        reached = total[low - 1] if low else 0.0
        high = max(low + 1, int(np.searchsorted(total, reached + 2.0**62)))
        yield low, high
        low = high


def greater_before(values: Ints) -> Ints:
    """For each of distinct non-negative integers, how many greater ones stand before it.

    Bits are taken from the highest down, each level a stable split of its nodes (a wavelet tree): n·log(max) in all.
    """
    count = np.zeros(values.size, dtype=np.int64)
    if values.size == 0:
        return count
    place = np.arange(values.size)
    for bit in reversed(range(int(values.max()).bit_length())):
        held = values[place]
        ones = (held >> bit) & 1
        node = held >> (bit + 1)
        opens = np.ones(held.size, dtype=np.bool_)
        opens[1:] = node[1:] != node[:-1]
        starts = np.flatnonzero(opens)
        which = np.cumsum(opens) - 1
        before = np.cumsum(ones) - ones
        ones_before = before - before[starts][which]
        zero = ones == 0
        count[place[zero]] += ones_before[zero]
        index = np.arange(held.size) - starts[which]
        zeros = np.diff(np.append(starts, held.size)) - np.add.reduceat(ones, starts)
        target = starts[which] + np.where(zero, index - ones_before, zeros[which] + ones_before)
        moved = np.empty_like(place)
        moved[target] = place
        place = moved
    return count
