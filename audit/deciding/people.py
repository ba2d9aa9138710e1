"""Ratings of people against what scorers and judges said: a corrected share, and the units a certificate may rest on.

Answers fall into groups by what was said of them (passed, failed, undecided). People rated some of each group, drawn
by chance, so the rated ones speak for their group. Where people contradict a group, its unrated members lose their
vote: the rated ones take their weight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from audit.deciding.units import Unit
from audit.statistics.distributions import binomial_cdf
from audit.statistics.intervals import effective_size, kish_neff
from audit.statistics.two_phase import Group, TwoPhase

TOLERATED = 0.01
"""Share of a program's passes people may reject by a slip of their own before the program loses its word."""

SURPRISE = 0.10


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
    """Units people could be asked about, by what was said of them and whether a judge said it."""
    found: dict[tuple[str, bool], list[Unit]] = {}
    for unit in units:
        if not _settled(unit):
            found.setdefault((unit.said, bool(unit.judge)), []).append(unit)
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
    """Units that only a judge spoke of, in groups of which people rated none."""
    groups = [group for group in _groups(units) if group[0].judge and not drawn(group)]
    return [unit for group in groups for unit in group if unit.rated is None]


def share(units: Sequence[Unit], good: Callable[[Unit], bool]) -> TwoPhase | None:
    """The two-phase sample behind a share of `good` units; None where nobody rated a drawn one."""
    if not drawn(units):
        return None
    total = math.fsum(unit.weight for unit in units)
    effective = kish_neff([unit.weight for unit in units])
    groups = []
    settled = [unit for unit in units if _settled(unit)]
    for ok in (True, False):
        part = math.fsum(unit.weight for unit in settled if good(unit) == ok)
        groups.append(Group(effective * part / total, known=float(ok)))
    for group in _groups(units):
        size = effective * math.fsum(unit.weight for unit in group) / total
        groups.append(_group(group[0].said, group, size, good))
    return TwoPhase(tuple(each for each in groups if each.units > 0))


def _group(said: str, units: Sequence[Unit], size: float, good: Callable[[Unit], bool]) -> Group:
    rated = drawn(units)
    if not rated:
        # nobody was asked: the scorer's word stands, and an undecided answer may be either
        return Group(size, known={"passed": 1.0, "failed": 0.0}.get(said))
    weights, found = [_weight(unit) for unit in rated], [good(unit) for unit in rated]
    n = effective_size(found, weights)
    ok = math.fsum(weight for fine, weight in zip(found, weights, strict=True) if fine) / math.fsum(weights)
    return Group(size, n, ok * n)


def _settled(unit: Unit) -> bool:
    """Nothing to ask people: no answer, the logged text word for word, or a rating that speaks for itself alone."""
    return unit.state == "no_answer" or unit.same or (unit.rated is not None and unit.chance is None)


def _weight(unit: Unit) -> float:
    return unit.weight / (unit.chance or 1.0)
