"""Ways to mark prompts, played over the traffic: what each request would read, and how far its prompt is cached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audit.promptcache.gather import (
    FIRST,
    FLAG_BITS,
    HEAD,
    LAST,
    LONG,
    LOOK,
    MARK,
    NEAR,
    NODE_SHIFT,
    RANK_MASK,
    TURN,
)
from audit.promptcache.play import Bools, Events, Ints, Lives, readable
from audit.promptcache.traffic import Floats, Match, Small, Traffic
from audit.tokens import MESSAGE_OVERHEAD

Life = Literal["short", "long", "marked"]
_OPENING = MESSAGE_OVERHEAD - 1
"""Tokens a chat template sets before the text of a message."""
_PART = 1_000_000
"""Prefixes that are played at once."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One way to use a prompt cache.

    A prefix whose flags meet `writes` becomes an entry, one that meets `looks` may only read; for models that cache
    by themselves every prefix does both. `covers` is how far a prompt is then cached. `life` is that of the marks in
    the log, or the short or the long one for all.
    """

    name: str
    match: Match
    life: Life = "short"
    writes: int = 0
    looks: int = 0
    covers: Literal["head", "first", "whole", "mark", "nothing"] = "nothing"


TODAY: dict[Match, Policy] = {
    "longest_prefix": Policy("today", "longest_prefix"),
    "exact_breakpoint": Policy("today", "exact_breakpoint", writes=MARK | LAST, covers="whole"),
    "breakpoints": Policy("today", "breakpoints", "marked", MARK, LOOK, "mark"),
}
LOOKING_BACK = Policy("today", "exact_breakpoint", writes=MARK | LAST, looks=TURN, covers="whole")
"""As today's, but an entry is also found where an earlier prompt ended; sources disagree, so the log decides."""
OTHERS: tuple[Policy, ...] = (
    Policy("retain", "longest_prefix", "long"),
    Policy("none", "exact_breakpoint"),
    Policy("head", "exact_breakpoint", writes=HEAD, covers="head"),
    Policy("first", "exact_breakpoint", writes=HEAD | FIRST, covers="first"),
    Policy("turns", "exact_breakpoint", writes=HEAD | TURN | LAST, covers="whole"),
    Policy("none", "breakpoints"),
    Policy("marks_short", "breakpoints", "short", MARK, LOOK, "mark"),
    Policy("marks_long", "breakpoints", "long", MARK, LOOK, "mark"),
    Policy("head", "breakpoints", "short", HEAD, 0, "head"),
    Policy("head_long", "breakpoints", "long", HEAD, 0, "head"),
    Policy("first", "breakpoints", "short", HEAD | FIRST, 0, "first"),
    Policy("first_long", "breakpoints", "long", HEAD | FIRST, 0, "first"),
    Policy("turns", "breakpoints", "short", HEAD | LAST, NEAR, "whole"),
    Policy("turns_long", "breakpoints", "long", HEAD | LAST, NEAR, "whole"),
)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the log taught about the rules, per request: life of an entry (ms) and fewest tokens that are cached.

    `looks_back` says that a model that caches at breakpoints also finds the ends of earlier prompts.
    """

    life: Lives
    long_life: Lives
    min_tokens: Small
    looks_back: Bools

    @classmethod
    def documented(cls, traffic: Traffic) -> Behaviour:
        """What the rules say; a request that asked for the long life has it already."""
        long_life, life = (_milliseconds(traffic, name) for name in ("long_life_s", "life_s"))
        return cls(
            np.where(traffic.retained & (long_life > 0), long_life, life),
            long_life,
            traffic.of_rule("min_tokens").astype(np.int32),
            np.zeros(len(traffic), dtype=np.bool_),
        )


def _milliseconds(traffic: Traffic, name: str) -> Lives:
    """A life of each request's rule, in 32 bits where none is longer than they hold."""
    lives = np.array([getattr(rule, name) * 1000 for rule in traffic.rules], dtype=np.int64)
    return (lives.astype(np.int32) if lives.max(initial=0) < 2**31 else lives)[traffic.rule]


@dataclass(frozen=True, slots=True)
class Played:
    """Tokens that each request could read, and up to which its prompt is cached (read plus written)."""

    read: NDArray[np.int32]
    covered: NDArray[np.int32]

    @classmethod
    def of(cls, read: Ints, covered: Ints | NDArray[np.int32]) -> Played:
        """Narrow: prompts have fewer than 2^31 tokens, and many plays are kept."""
        return cls(read.astype(np.int32), covered.astype(np.int32))


@dataclass(frozen=True, slots=True)
class _Prefixes:
    """The prefixes of the requests of one kind of rule that are long enough to be cached, packed, with their tokens."""

    packed: Ints
    tokens: NDArray[np.float32]


def play(traffic: Traffic, policy: Policy, behaviour: Behaviour, alive: Bools) -> Played:
    """Play one policy over the requests that are alive and whose model it suits; others read nothing."""
    size = len(traffic)
    if size == 0:
        return Played.of(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    suits = alive & traffic.matching(policy.match)
    if policy.life == "long":
        suits &= behaviour.long_life > 0
    read = np.zeros(size, dtype=np.float64)
    is_sliding = traffic.of_rule("sliding")
    for part in _prefixes_of(traffic, policy.match, behaviour):
        events, rank, tokens = _events(traffic, policy, behaviour, suits, part)
        sliding = is_sliding[rank]
        for kind in (True, False):
            chosen = np.flatnonzero(sliding == kind)
            if len(chosen):
                mine = events if len(chosen) == len(events) else events.chosen(chosen)
                found = chosen[readable(mine, sliding=kind)]
                np.maximum.at(read, rank[found], tokens[found])
    billed = _stepped(traffic, read, policy.match)
    if policy.covers == "nothing":
        return Played.of(billed, np.zeros(size, dtype=np.int64))
    covered = np.where(suits, _covered(traffic, policy.covers, behaviour), 0)
    return Played.of(np.minimum(billed, covered), covered)


def _events(
    traffic: Traffic, policy: Policy, behaviour: Behaviour, suits: Bools, known: _Prefixes
) -> tuple[Events, Ints, Floats]:
    """The prefixes a policy looks at, with the rank and the billed tokens of each."""
    keep = suits[(known.packed >> FLAG_BITS) & RANK_MASK]
    if policy.match != "longest_prefix":
        keep &= (known.packed & (policy.writes | policy.looks)) != 0
    packed = known.packed[keep]
    rank = (packed >> FLAG_BITS) & RANK_MASK
    life = behaviour.long_life if policy.life == "long" else behaviour.life
    lives = life[rank]
    if policy.life == "marked":
        lives = np.where((packed & LONG) != 0, behaviour.long_life[rank], lives)
    writes = np.ones(len(rank), dtype=np.bool_)
    if policy.match != "longest_prefix":
        writes = (packed & policy.writes) != 0
    events = Events(packed >> NODE_SHIFT, traffic.start[rank], traffic.ready(rank), lives, writes)
    return events, rank, known.tokens[keep].astype(np.float64)


def _prefixes_of(traffic: Traffic, match: Match, behaviour: Behaviour) -> list[_Prefixes]:
    """All prefixes of one kind of rule, in parts that never cut a prefix in two, so that each can be played apart."""
    found: list[_Prefixes] = traffic.once(
        "prefixes", match, id(behaviour.min_tokens), make=lambda: list(_prefixes(traffic, match, behaviour))
    )
    return found


def _prefixes(traffic: Traffic, match: Match, behaviour: Behaviour) -> Iterator[_Prefixes]:
    matching = traffic.matching(match)
    low = 0
    while low < len(traffic.events):
        high = _end_of_part(traffic.events, low)
        packed = traffic.events[low:high]
        packed = packed[matching[(packed >> FLAG_BITS) & RANK_MASK]]
        rank = (packed >> FLAG_BITS) & RANK_MASK
        upto = traffic.node_upto[packed >> NODE_SHIFT].astype(np.float64)
        if match == "longest_prefix":
            # who compares token by token finds the opening of the next message equal, too
            upto = np.minimum(upto + _OPENING, traffic.whole[rank])
        tokens = traffic.tokens(rank, upto)
        enough = tokens >= behaviour.min_tokens[rank]
        yield _Prefixes(packed[enough], tokens[enough].astype(np.float32))
        low = high


def _end_of_part(events: Ints, low: int) -> int:
    """Where a part that begins at `low` ends: about `_PART` events on, between two prefixes."""
    high = low + _PART
    if high >= len(events):
        return len(events)
    node = int(events[high]) >> NODE_SHIFT
    first = int(np.searchsorted(events, node << NODE_SHIFT))
    return first if first > low else int(np.searchsorted(events, (node + 1) << NODE_SHIFT))


def _stepped(traffic: Traffic, read: Floats, match: Match) -> Ints:
    """Tokens read, rounded down to the step of the model; one that caches by itself always computes the last token."""
    step = traffic.of_rule("step")
    most = traffic.input_tokens - 1 if match == "longest_prefix" else traffic.input_tokens
    return np.asarray(np.minimum(np.rint(read).astype(np.int64), most) // step * step, dtype=np.int64)


def _covered(traffic: Traffic, covers: str, behaviour: Behaviour) -> Ints:
    """Tokens up to the last mark; nothing where that is too short to be cached."""

    def make() -> Ints:
        upto = traffic.whole if covers == "whole" else getattr(traffic, covers)
        if covers == "first":
            upto = np.maximum(upto, traffic.head)
        tokens = np.rint(traffic.tokens(np.arange(len(traffic)), upto)).astype(np.int64)
        return np.where((upto > 0) & (tokens >= behaviour.min_tokens), tokens, 0)

    found: Ints = traffic.once("covered", covers, id(behaviour.min_tokens), make=make)
    return found
