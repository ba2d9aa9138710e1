"""The cheapest way to use the provider's prompt cache, per workflow and model, against what is really paid today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    """Per group the policy taken (None: today's way), what it saves and how much of that hangs on hits.

    `quantity` are the tokens by meter that follow for every request of the traffic.
    """

    policy: list[str | None]
    quantity: Mapping[str, Ints]
    saving: Floats
    hit_saving: Floats

    @property
    def taken(self) -> Bools:
        """Groups that take another policy than today's."""
        return np.array([name is not None for name in self.policy], dtype=np.bool_)


def options(traffic: Traffic, calibration: Calibration, bill: Bill) -> Iterator[Option]:
    """Every other policy that a model in the traffic offers, as changes to what is paid now."""
    if len(traffic) == 0:
        return
    behaviour = calibration.behaviour
    now = today(traffic, behaviour, bill.alive)
    matches = {rule.match for rule in traffic.rules}
    for policy in OTHERS:
        if policy.match in matches:
            suits = traffic.matching(policy.match)
            if policy.life == "long":
                suits = suits & (behaviour.long_life > behaviour.life)
            played = played_of(traffic, policy, behaviour, bill.alive)
            yield option(traffic, calibration, bill, policy, played, now, suits)


def played_of(traffic: Traffic, policy: Policy, behaviour: Behaviour, alive: Bools) -> Played:
    """A policy played over the survivors, or what it came to the last time."""
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
    reliability = np.minimum(calibration.reliability, np.where(traffic.batch, _BATCH_RELIABILITY, 1.0))
    more = np.rint(reliability * (played.read - now.read)).astype(np.int64)
    before = bill.quantity["cache_read"]
    meter = "cache_write_1h" if policy.life == "long" else "cache_write_5m"
    if policy.match == "longest_prefix":
        read = np.minimum(before + np.maximum(more, 0), before + bill.quantity["input"])
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
    traffic: Traffic, bill: Bill, offered: Iterable[Option], min_share: float, only: Mapping[str, Bools] | None = None
) -> Choice:
    """Take the cheapest option per group where it saves at least `min_share` of what the group pays for its prompts.

    Requests that can't be rewritten keep their charges. A group with one request whose price an option lacks does
    not take that option. `only` says for some options which groups may take them.
    """
    groups = len(traffic.groups)
    priced, group = np.flatnonzero(bill.priced), traffic.group[bill.priced]
    paid = np.bincount(group, weights=bill.cost[priced], minlength=groups)
    policy: list[str | None] = [None] * groups
    saving, hits = np.zeros(groups), np.zeros(groups)
    quantity = {meter: tokens.copy() for meter, tokens in bill.quantity.items()}
    for each in offered:
        saved = paid - np.bincount(group, weights=each.cost[priced], minlength=groups)
        better = np.nan_to_num(saved, nan=-1.0) > np.maximum(saving, min_share * paid)
        better &= (only or {}).get(each.name, True)
        if not better.any():
            continue
        hit = np.bincount(group, weights=each.hit_saving[priced], minlength=groups)
        saving[better], hits[better] = saved[better], hit[better]
        mine = priced[better[group]]
        for meter in METERS:
            quantity[meter][mine] = each.quantity[meter][mine]
        for place in np.flatnonzero(better).tolist():
            policy[place] = each.name
    return Choice(policy, quantity, saving, hits)


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


def keep(traffic: Traffic, bill: Bill, choice: Choice) -> None:
    """Remember a choice, so that a later lever can tell what was billed before it was made."""
    traffic.made[("chosen",)] = (bill.quantity, choice)


def before_choice(traffic: Traffic, bill: Bill) -> Mapping[str, Ints]:
    """Quantities of the bill as they were before the remembered choice, in the groups where it is in force now."""
    known = traffic.made.get(("chosen",))
    if known is None:
        return bill.quantity
    earlier, choice = known
    in_force = choice.taken.copy()
    for meter in METERS:
        changed = bill.priced & (bill.quantity[meter] != choice.quantity[meter])
        in_force[traffic.group[changed]] = False
    mine = bill.priced & in_force[traffic.group] if len(traffic) else bill.priced
    return {meter: np.where(mine, earlier[meter], bill.quantity[meter]) for meter in METERS}
