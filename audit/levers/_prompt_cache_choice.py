"""The cheapest way to use the provider's prompt cache, per workflow and model, against what is really paid today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from audit.promptcache import OTHERS, Behaviour, Calibration, Played, Policy, Traffic, play, today
from audit.promptcache.bill import METERS, Bill
from audit.promptcache.play import Bools, Ints
from audit.promptcache.traffic import Floats

_BATCH_RELIABILITY = 0.5
"""Share of the hits to expect inside a batch, whose requests run at times nobody promises."""
_EXPLAINED = 0.5
_SMALL = 0.05


@dataclass(frozen=True, slots=True)
class Option:
    """One policy's quantities by meter, what they would cost, and the part of its saving that hangs on hits."""

    name: str
    quantity: Mapping[str, Ints]
    cost: Floats
    hit_saving: Floats


@dataclass(frozen=True, slots=True)
class Choice:
    """The option taken per group (-1: today's way), with what it saves and how much of that hangs on hits."""

    options: list[Option]
    taken: Ints
    saving: Floats
    hit_saving: Floats


def options(traffic: Traffic, calibration: Calibration, bill: Bill) -> list[Option]:
    """Every other policy that a model in the traffic offers, as changes to what is paid now."""
    if len(traffic) == 0:
        return []
    behaviour = calibration.behaviour
    now = today(traffic, behaviour, bill.alive)
    matches = {rule.match for rule in traffic.rules}
    found = []
    for policy in OTHERS:
        if policy.match in matches:
            suits = traffic.of_rule("match") == policy.match
            if policy.life == "long":
                suits &= behaviour.long_life > behaviour.life
            played = _played(traffic, policy, behaviour, bill.alive)
            found.append(option(traffic, calibration, bill, policy, played, now, suits))
    return found


def _played(traffic: Traffic, policy: Policy, behaviour: Behaviour, alive: Bools) -> Played:
    found: Played = traffic.remember(
        policy.name, policy.match, alive=alive, make=lambda: play(traffic, policy, behaviour, alive)
    )
    return found


def option(
    traffic: Traffic, calibration: Calibration, bill: Bill, policy: Policy, played: Played, now: Played, suits: Bools
) -> Option:
    """A policy's outcome: what is billed now, moved by what the play says the policy changes.

    Hits beyond today's are counted at the measured reliability; a hit that fails pays its write.
    """
    total = bill.total
    reliability = np.where(
        traffic.batch, np.minimum(calibration.reliability, _BATCH_RELIABILITY), calibration.reliability
    )
    more = np.rint(reliability * (played.read - now.read)).astype(np.int64)
    before = bill.quantity["cache_read"]
    meter = "cache_write_1h" if policy.life == "long" else "cache_write_5m"
    if policy.match == "longest_prefix":
        read = np.clip(before + np.maximum(more, 0), 0, total)
        quantity = {**bill.quantity, "input": bill.quantity["input"] - (read - before), "cache_read": read}
        missed = bill.price["input"]
    else:
        covered = np.minimum(played.covered, total)
        read = np.clip(before + more, 0, covered)
        quantity = {name: np.zeros(len(traffic), dtype=np.int64) for name in METERS}
        quantity |= {"input": total - covered, "cache_read": read, meter: covered - read}
        missed = bill.price[meter]
    cost = np.where(suits & bill.priced, bill.cost_of(quantity), np.nan)
    hit_saving = np.nan_to_num((read - before) * (missed - bill.price["cache_read"]))
    return Option(policy.name, quantity, cost, hit_saving)


def choose(
    traffic: Traffic, bill: Bill, found: Iterable[Option], allowed: Mapping[str, Bools], min_share: float
) -> Choice:
    """Take the cheapest option per group where it saves at least `min_share` of what the group pays for its prompts.

    Requests that can't be rewritten keep their charges. A group with one request whose price an option lacks does
    not take that option. `allowed` says for some options which groups may take them.
    """
    listed = list(found)
    groups = len(traffic.groups)
    priced, group = bill.priced, traffic.group
    paid = np.bincount(group[priced], weights=bill.cost[priced], minlength=groups)
    taken = np.full(groups, -1, dtype=np.int64)
    saving, hits = np.zeros(groups), np.zeros(groups)
    for place, each in enumerate(listed):
        cost = np.bincount(group[priced], weights=each.cost[priced], minlength=groups)
        saved = np.nan_to_num(paid - cost, nan=-1.0)
        better = (saved > saving) & (saved > min_share * paid) & allowed.get(each.name, np.ones(groups, dtype=np.bool_))
        taken[better], saving[better] = place, saved[better]
        hit = np.bincount(group[priced], weights=each.hit_saving[priced], minlength=groups)
        hits[better] = hit[better]
    return Choice(listed, taken, saving, hits)


def explained(traffic: Traffic, calibration: Calibration, bill: Bill) -> Bools:
    """Groups whose billed hits the play of today's marks explains, or that have next to none to explain.

    Elsewhere marks or texts are missing from the log, and a difference to today's play would mean nothing.
    """
    groups = len(traffic.groups)
    now = today(traffic, calibration.behaviour, bill.alive)
    read, total = bill.quantity["cache_read"], bill.total
    billed = np.bincount(traffic.group, weights=read, minlength=groups)
    shared = np.bincount(traffic.group, weights=np.minimum(read, now.read), minlength=groups)
    tokens = np.bincount(traffic.group, weights=total, minlength=groups)
    return np.asarray((shared >= _EXPLAINED * billed) | (billed <= _SMALL * tokens), dtype=np.bool_)
