"""Ratings of people against what scorers and judges said: a corrected share, and the units a certificate may rest on.

Answers fall into groups by what was said of them (passed, failed, undecided). People rated some of each group, drawn
by chance, so the rated ones speak for their group. In a certificate, the unrated members of a group people contradict
lose their vote: the rated ones take their weight. In a share of acceptable answers, enough ratings of a judge's group,
or of a program's that people contradict, correct it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from audit.deciding.units import Unit
from audit.statistics.distributions import binomial_cdf
from audit.statistics.intervals import effective_size
from audit.statistics.two_phase import Group, TwoPhase

TOLERATED = 0.01
"""Share of a program's passes people may reject by a slip of their own before the program loses its word."""

SURPRISE = 0.10

LEAST = 10
"""Ratings of a group from which they correct the share of its others: as many as planted answers of a sort."""


def drawn(units: Sequence[Unit]) -> list[Unit]:
    """Units that were drawn for rating and rated."""
    return [unit for unit in units if unit.rated is not None and unit.chance is not None]


def certified(units: Sequence[Unit]) -> tuple[Unit, ...]:
    """The units a certificate may rest on, with the weights they then have.

    A group of failed answers of which people accepted any, of undecided ones, and of answers a judge passed of which
    people rejected any, is spoken for by its rated members alone. What programs passed keeps its vote as long as no
    more was rejected than slips explain (binomial test at 10 %).
    """
    kept = [unit for unit in units if _settled(unit)]
    for group in _groups(units):
        rated = drawn(group)
        if rated and _overruled(rated):
            scale = math.fsum(unit.weight for unit in group) / math.fsum(_weight(unit) for unit in rated)
            kept += [replace(unit, weight=_weight(unit) * scale) for unit in rated]
        else:
            kept += group
    return tuple(sorted(kept, key=lambda unit: (unit.batch, unit.prompt_key)))


def _groups(units: Sequence[Unit]) -> list[list[Unit]]:
    """Units people could be asked about, by workflow, what was said of them and whether a judge said it."""
    found: dict[tuple[int, str, bool], list[Unit]] = {}
    for unit in units:
        if not _settled(unit):
            found.setdefault((unit.workflow_id, unit.said, bool(unit.judge)), []).append(unit)
    return [found[key] for key in sorted(found)]


def _overruled(rated: Sequence[Unit]) -> bool:
    said = rated[0].said
    if said != "passed":
        return said == "undecided" or any(unit.rated for unit in rated)
    wrong = sum(not unit.rated for unit in rated)
    if rated[0].judge or not wrong:
        return wrong > 0
    return 1 - binomial_cdf(wrong - 1, len(rated), TOLERATED) < SURPRISE


def overruled_passes(units: Sequence[Unit], judged: bool | None = None) -> bool:
    """Whether people took their vote from passed answers, of a judge or of programs (None: of either)."""
    groups = [group for group in _groups(units) if group[0].said == "passed"]
    return any(
        bool(rated) and _overruled(rated)
        for group in groups
        if judged is None or bool(group[0].judge) == judged
        for rated in [drawn(group)]
    )


def unchecked(units: Sequence[Unit]) -> list[Unit]:
    """Units that only a judge spoke of, where too few were rated to speak in its place."""
    spoken = {id(unit) for group in speaking(units) for unit in group}
    return [
        unit
        for group in _groups(units)
        for unit in group
        if unit.judge and unit.rated is None and id(unit) not in spoken
    ]


def speaking(units: Sequence[Unit], few: bool = False) -> list[list[Unit]]:
    """Groups whose rated members speak for all in a share of acceptable answers.

    From `LEAST` ratings on: what nobody could decide, what a judge said, and what programs said where people contradict
    any of it; that people agree with a program is no reason to doubt the answers they did not see. `few` adds smaller
    numbers of ratings that contradict their own group. Where all were rated each speaks for itself.
    """
    groups = [group for group in _groups(units) if 0 < len(drawn(group)) < len(group)]
    doubted = {_speaker(group[0]) for group in groups if _contradicted(group)}
    found = []
    for group in groups:
        if len(drawn(group)) >= LEAST:
            speaks = group[0].said == "undecided" or bool(group[0].judge) or _speaker(group[0]) in doubted
        else:
            speaks = few and _contradicted(group)
        if speaks:
            found.append(group)
    return found


def too_few(units: Sequence[Unit]) -> bool:
    """Whether ratings of some group would correct the share of the others if there were more of them."""
    return any(
        0 < len(drawn(group)) < min(LEAST, len(group))
        and (group[0].said == "undecided" or bool(group[0].judge) or _contradicted(group))
        for group in _groups(units)
    )


def _speaker(unit: Unit) -> tuple[int, bool]:
    return unit.workflow_id, bool(unit.judge)


def _contradicted(group: Sequence[Unit]) -> bool:
    return group[0].said != "undecided" and any(unit.rated != (unit.said == "passed") for unit in drawn(group))


def told(units: Sequence[Unit]) -> list[Unit]:
    """Units of which anything is known: decided, or spoken for by those of their group people rated."""
    spoken = {id(unit) for group in speaking(units) for unit in group}
    return [unit for unit in units if unit.state != "undecided" or id(unit) in spoken]


def share(
    units: Sequence[Unit], good: Callable[[Unit], bool], effective: float = 1.0, few: bool = False
) -> TwoPhase | None:
    """The two-phase sample behind a share of `good` units; None where no group is spoken for by its rated members.

    `effective` is how many units of equal weight tell as much as these; `few` as in `speaking`.
    """
    groups = speaking(units, few)
    if not groups:
        return None
    total = math.fsum(unit.weight for unit in units)
    spoken = {id(unit) for group in groups for unit in group}
    alone = [unit for unit in units if id(unit) not in spoken]
    known = [
        Group(effective * math.fsum(unit.weight for unit in alone if good(unit) == ok) / total, known=float(ok))
        for ok in (True, False)
    ]
    return TwoPhase((*known, *(_group(group, effective / total, good) for group in groups)))


def _group(units: Sequence[Unit], scale: float, good: Callable[[Unit], bool]) -> Group:
    """A group its rated members speak for.

    A population all of which was replayed and rated leaves no doubt: the variance of n ratings is that of n/(1-f·π),
    f the rated part of the group and π the chance to be replayed, once what the first phase adds of itself is left out.
    """
    rated = drawn(units)
    weights, found = [_weight(unit) for unit in rated], [good(unit) for unit in rated]
    seen = len(rated) / len(units) * math.fsum(unit.included for unit in rated) / len(rated)
    n = effective_size(found, weights) / (1 - seen)
    ok = math.fsum(weight for fine, weight in zip(found, weights, strict=True) if fine) / math.fsum(weights)
    return Group(scale * math.fsum(unit.weight for unit in units), n, ok * n)


def _settled(unit: Unit) -> bool:
    """Nothing to ask people: no answer, the logged text word for word, or a rating that speaks for itself alone."""
    return unit.state == "no_answer" or unit.same or (unit.rated is not None and unit.chance is None)


def _weight(unit: Unit) -> float:
    return unit.weight / (unit.chance or 1.0)
