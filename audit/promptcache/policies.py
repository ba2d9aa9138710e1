"""Ways to mark prompts, played over the traffic: what each request would read, and how far its prompt is cached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from audit.promptcache.gather import (
    FIRST,
    FLAG_BITS,
    FLAG_MASK,
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
from audit.promptcache.play import Bools, Events, Ints, readable
from audit.promptcache.traffic import Floats, Match, Traffic

Life = Literal["short", "long", "marked"]


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
    """What the log taught about the rules, per request: life of an entry (ms) and fewest tokens that are cached."""

    life: Ints
    long_life: Ints
    min_tokens: Ints

    @classmethod
    def documented(cls, traffic: Traffic) -> Behaviour:
        """What the rules say."""
        return cls(
            traffic.of_rule("life_s").astype(np.int64) * 1000,
            traffic.of_rule("long_life_s").astype(np.int64) * 1000,
            traffic.of_rule("min_tokens").astype(np.int64),
        )


@dataclass(frozen=True, slots=True)
class Played:
    """Tokens that each request could read, and up to which its prompt is cached (read plus written)."""

    read: Ints
    covered: Ints


def play(traffic: Traffic, policy: Policy, behaviour: Behaviour, alive: Bools) -> Played:
    """Play one policy over the requests that are alive and whose model it suits; others read nothing."""
    suits = alive & (traffic.of_rule("match") == policy.match) if len(traffic) else alive
    if policy.life == "long":
        suits &= behaviour.long_life > 0
    events, rank, tokens = _events(traffic, policy, behaviour, suits)
    read = np.zeros(len(traffic), dtype=np.float64)
    sliding = traffic.of_rule("sliding")[rank] if len(rank) else np.zeros(0, dtype=np.bool_)
    for kind in (True, False):
        chosen = np.flatnonzero(sliding == kind)
        if len(chosen):
            part = Events(*(getattr(events, name)[chosen] for name in ("node", "start", "ready", "life", "writes")))
            found = chosen[readable(part, sliding=kind)]
            np.maximum.at(read, rank[found], tokens[found])
    covered = _covered(traffic, policy, behaviour, suits)
    billed = _stepped(traffic, read, suits)
    return Played(read=np.minimum(billed, covered) if policy.covers != "nothing" else billed, covered=covered)


def _events(traffic: Traffic, policy: Policy, behaviour: Behaviour, suits: Bools) -> tuple[Events, Ints, Floats]:
    """The prefixes a policy looks at, with the rank and the billed tokens of each."""
    packed = traffic.events
    rank = (packed >> FLAG_BITS) & RANK_MASK
    keep = suits[rank]
    if policy.match != "longest_prefix":
        keep &= (packed & (policy.writes | policy.looks)) != 0
    packed, rank = packed[keep], rank[keep]
    node = packed >> NODE_SHIFT
    tokens = traffic.tokens(rank, traffic.node_upto[node])
    enough = tokens >= behaviour.min_tokens[rank]
    packed, rank, node, tokens = packed[enough], rank[enough], node[enough], tokens[enough]
    flags = packed & FLAG_MASK
    life = behaviour.long_life[rank] if policy.life == "long" else behaviour.life[rank]
    if policy.life == "marked":
        life = np.where((flags & LONG) != 0, behaviour.long_life[rank], life)
    writes = np.ones(len(rank), dtype=np.bool_)
    if policy.match != "longest_prefix":
        writes = (flags & policy.writes) != 0
    return Events(node, traffic.start[rank], traffic.ready[rank], life, writes), rank, tokens


def _stepped(traffic: Traffic, read: Floats, suits: Bools) -> Ints:
    """Tokens read, rounded down to the step of the model; the last token of a prompt is always computed."""
    if not suits.any():
        return np.zeros(len(traffic), dtype=np.int64)
    step = traffic.of_rule("step").astype(np.int64)
    most = np.maximum(traffic.input_tokens - 1, 0)
    automatic = traffic.of_rule("match") == "longest_prefix"
    whole = np.minimum(np.rint(read).astype(np.int64), np.where(automatic, most, traffic.input_tokens))
    return np.asarray(whole // step * step, dtype=np.int64)


def _covered(traffic: Traffic, policy: Policy, behaviour: Behaviour, suits: Bools) -> Ints:
    """Tokens up to the last mark; nothing where that is too short to be cached."""
    if policy.covers == "nothing" or not suits.any():
        return np.zeros(len(traffic), dtype=np.int64)
    upto = traffic.whole if policy.covers == "whole" else getattr(traffic, policy.covers)
    if policy.covers == "first":
        upto = np.maximum(upto, traffic.head)
    tokens = np.rint(traffic.tokens(np.arange(len(traffic)), upto)).astype(np.int64)
    return np.where(suits & (upto > 0) & (tokens >= behaviour.min_tokens), tokens, 0)
