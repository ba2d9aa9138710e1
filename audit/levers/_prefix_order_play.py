"""Prompts with their static part in front, played over the remaining traffic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from audit.levers._prefix_order_read import Broken
from audit.levers._prompt_cache_choice import Option, option, played_of
from audit.promptcache import OTHERS, Calibration, Played, Policy, Traffic, today
from audit.promptcache.bill import METERS, Bill
from audit.promptcache.play import Bools, Events, Ints, readable
from audit.promptcache.traffic import Floats

_WAYS = (
    Policy("static", "longest_prefix"),
    Policy("static_retain", "longest_prefix", "long"),
    Policy("static_mark", "exact_breakpoint", covers="head"),
    Policy("static_turns", "exact_breakpoint", covers="whole"),
    Policy("static_mark", "breakpoints", "short", covers="head"),
    Policy("static_mark_long", "breakpoints", "long", covers="head"),
    Policy("static_turns", "breakpoints", "short", covers="whole"),
    Policy("static_turns_long", "breakpoints", "long", covers="whole"),
)


@dataclass(frozen=True, slots=True)
class _Front:
    """The static part of each request: which one it is (0 = none) and its billed tokens."""

    version: Ints
    tokens: Floats


def reordered(
    traffic: Traffic, calibration: Calibration, bill: Bill, base: Bill, broken: Sequence[Broken]
) -> Iterator[Option]:
    """Every way to use the cache with the static part in front, for the requests that hold it.

    `base` holds the quantities before any change of marks, from which the change is measured; requests outside keep
    those of `bill`.
    """
    if not broken:
        return
    front = _front(traffic, broken)
    now = today(traffic, calibration.behaviour, bill.alive)
    for policy in _WAYS:
        members = bill.alive & (front.version > 0) & traffic.matching(policy.match)
        if policy.life == "long":
            members &= calibration.behaviour.long_life > calibration.behaviour.life
        if members.any():
            played = _played(traffic, calibration, policy, members, front)
            if policy.covers == "nothing":
                deeper = now if policy.life == "short" else _marked(traffic, "retain", policy, calibration, bill.alive)
                played = Played.of(np.where(members, np.maximum(played.read, deeper.read), now.read), now.covered)
            elif policy.covers == "whole":
                name = "turns_long" if policy.life == "long" else "turns"
                played = _deeper(played, members, _marked(traffic, name, policy, calibration, bill.alive))
            made = option(traffic, calibration, base, policy, played, now, members)
            yield Option(
                made.name,
                {meter: np.where(members, made.quantity[meter], bill.quantity[meter]) for meter in METERS},
                np.where(members, made.cost, bill.cost),
                np.where(members, made.hit_saving, 0.0),
            )


def _front(traffic: Traffic, broken: Sequence[Broken]) -> _Front:
    """The largest static part each request holds."""
    front = _Front(np.zeros(len(traffic), dtype=np.int64), np.zeros(len(traffic)))
    for number, each in enumerate(broken, start=1):
        scaled = each.static.tokens * traffic.input_tokens[each.ranks] / traffic.whole[each.ranks]
        larger = scaled > front.tokens[each.ranks]
        front.version[each.ranks[larger]], front.tokens[each.ranks[larger]] = number, scaled[larger]
    return front


def _played(traffic: Traffic, calibration: Calibration, policy: Policy, members: Bools, front: _Front) -> Played:
    """What members read of their static part alone, when each of them uses its entry."""
    behaviour = calibration.behaviour
    rank = np.flatnonzero(members & (front.tokens >= behaviour.min_tokens))
    node = traffic.realm[rank] * (int(front.version.max()) + 1) + front.version[rank]
    order = np.lexsort((rank, node))
    rank, node = rank[order], node[order]
    life = (behaviour.long_life if policy.life == "long" else behaviour.life)[rank]
    events = Events(node, traffic.start[rank], traffic.ready(rank), life, np.ones(len(rank), dtype=np.bool_))
    found = readable(events, sliding=bool(traffic.of_rule("sliding")[rank].all()))
    tokens = np.rint(front.tokens).astype(np.int64)
    most = traffic.input_tokens - 1
    step = traffic.of_rule("step")
    read, covered = (np.zeros(len(traffic), dtype=np.int64) for _ in range(2))
    covered[rank] = np.minimum(tokens, most)[rank]
    hits = rank[found]
    read[hits] = covered[hits] // step[hits] * step[hits]
    return Played.of(read, covered)


def _deeper(played: Played, members: Bools, turns: Played) -> Played:
    """The static part and, behind it, the turns of the conversation."""
    covered = np.where(members, np.maximum(played.covered, turns.covered), 0)
    return Played.of(np.minimum(np.where(members, np.maximum(played.read, turns.read), 0), covered), covered)


def _marked(traffic: Traffic, name: str, policy: Policy, calibration: Calibration, alive: Bools) -> Played:
    """A way of marking the prompts as they stand, for models of the same kind of rule."""
    found = next(each for each in OTHERS if each.match == policy.match and each.name == name)
    return played_of(traffic, found, calibration.behaviour, alive)
