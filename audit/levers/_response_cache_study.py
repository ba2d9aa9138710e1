"""The cache worth building: how long entries live, how many are kept, what that saves, and what is left out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from audit.levers import Settings
from audit.levers._response_cache_lives import DELTA, KNEE, LIVES_S, Life, find_lives, lives_of, microseconds, stated
from audit.levers._response_cache_once import once
from audit.levers._response_cache_play import Accesses, Ints, Played, play
from audit.levers._response_cache_traffic import LOGGED, Span, Traffic, reason_name, span, traffic
from audit.statistics.intervals import lower_bound, upper_bound
from audit.store import Store

CAPACITIES = (1_000, 10_000, 100_000, None)
_USER_PAIRS = 20


@dataclass(frozen=True, slots=True)
class Cell:
    """One cache of the grid: what it would have saved, over the whole log and in the part after its first quarter."""

    ttl_s: float
    capacity: int | None
    hits: int
    hit_rate: float
    warm_hit_rate: float
    saved_pico: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Requests of one workflow that a cache would have answered had a reason not spoken against it."""

    workflow_id: int
    reason: str
    requests: int
    cost_pico: int


@dataclass(frozen=True, slots=True)
class Study:
    """The recommended cache, the grid around it, and what is left out."""

    lives: dict[int, Life]
    capacity: int | None
    grid: tuple[Cell, ...]
    refused: tuple[Refused, ...]
    per_user: tuple[int, ...]


def study(store: Store, settings: Settings, key: str) -> Study:
    """Study the cache of one key (`exact` or `normalised`) on the logged bill; done once per audit file."""
    values = {name: settings[name] for name in sorted(settings)}
    return once(store, f"study_{key}", values, lambda: _study(store, traffic(store, settings, key, LOGGED), settings))


def _study(store: Store, found: Traffic, settings: Settings) -> Study:
    per_user = _answered_by_user(found) if settings["scope"] != "user" else np.zeros(0, dtype=np.int64)
    found = found.without(per_user, "per_user")
    whole = span(store, found, per_user)
    accesses = found.accesses(found.fit, whole)
    seconds = stated(settings["ttl_s"], "ttl_s")
    tried = sorted({*LIVES_S, *([] if seconds is None else [seconds])})
    plays = {ttl_s: play(accesses, microseconds(ttl_s)) for ttl_s in tried}
    lives = find_lives(found, accesses, plays, settings)
    capacity = _capacity(found, accesses, lives, settings)
    return Study(
        lives, capacity, _grid(found, accesses, plays, whole), _refused(found, settings), tuple(per_user.tolist())
    )


def _capacity(found: Traffic, accesses: Accesses, lives: dict[int, Life], settings: Settings) -> int | None:
    """The fewest entries of the grid that save 95 % of what a cache without limit saves; None when all are needed."""
    entries = stated(settings["capacity"], "capacity")
    if entries is not None:
        return int(entries) if math.isfinite(entries) else None
    ttl_us = lives_of(lives, found.workflow[accesses.rows], float(settings["unproven_ttl_s"]))
    cost = found.cost[accesses.rows]
    whole = int(cost[play(accesses, ttl_us).hit].sum())
    for capacity in CAPACITIES:
        if capacity is None or int(cost[_limited(accesses, ttl_us, capacity).hit].sum()) >= KNEE * whole:
            return capacity
    return None


def _limited(accesses: Accesses, ttl_us: Ints | int, capacity: int | None) -> Played:
    """As `play`; a cache with room for every key is one without limit."""
    return play(accesses, ttl_us, None if capacity is None or capacity >= accesses.entries else capacity)


def _grid(found: Traffic, accesses: Accesses, plays: dict[float, Played], whole: Span) -> tuple[Cell, ...]:
    if not whole.requests:
        return ()
    warm = accesses.started >= whole.warm_us
    cost = found.cost[accesses.rows]
    cells = []
    for ttl_s in LIVES_S:
        for capacity in CAPACITIES:
            hit = (plays[ttl_s] if capacity is None else _limited(accesses, microseconds(ttl_s), capacity)).hit
            hits, late = int(hit.sum()), int(hit[warm].sum())
            cells.append(Cell(ttl_s, capacity, hits, hits / whole.requests, late / whole.warm, int(cost[hit].sum())))
    return tuple(cells)


def _refused(found: Traffic, settings: Settings) -> tuple[Refused, ...]:
    """What the reasons cost: hits of a cache that asks no questions, by workflow and reason."""
    accesses = found.accesses()
    seconds = stated(settings["ttl_s"], "ttl_s")
    hit = play(accesses, microseconds(float(settings["unproven_ttl_s"]) if seconds is None else seconds)).hit
    rows = accesses.rows[hit & ~found.fit[accesses.rows]]
    by_reason: dict[tuple[int, str], list[int]] = {}
    for workflow in np.unique(found.workflow[rows]).tolist():
        mine = rows[found.workflow[rows] == workflow]
        for code in set(found.reason[mine].tolist()):
            costs = found.cost[mine[found.reason[mine] == code]]
            by_reason[workflow, reason_name(code)] = [int(costs.size), int(costs.sum())]
    return tuple(
        Refused(workflow, reason, requests, cost)
        for (workflow, reason), (requests, cost) in sorted(by_reason.items(), key=lambda each: (-each[1][1], each[0]))
    )


def _answered_by_user(found: Traffic) -> Ints:
    """Workflows in which one user's answer differs from another's to the same question more often than from their own.

    Neighbouring repetitions of a question are compared; the two shares' 90 % bounds must not meet.
    """
    accesses = found.accesses(found.fit)
    again = np.flatnonzero(~accesses.opens)
    now, before = accesses.rows[again], accesses.rows[again - 1]
    usable = found.known[now] & found.known[before] & (found.user[now] >= 0) & (found.user[before] >= 0)
    now, before = now[usable], before[usable]
    differ, own = found.answer[now] != found.answer[before], found.user[now] == found.user[before]
    ids, codes = np.unique(found.workflow[now], return_inverse=True)
    chosen = []
    for place, workflow in enumerate(ids.tolist()):
        mine = codes == place
        others, selves = mine & ~own, mine & own
        n, k, m, j = others.sum(), (others & differ).sum(), selves.sum(), (selves & differ).sum()
        if min(n, m) >= _USER_PAIRS and k and lower_bound(int(k), int(n), DELTA) > upper_bound(int(j), int(m), DELTA):
            chosen.append(workflow)
    return np.array(chosen, dtype=np.int64)
