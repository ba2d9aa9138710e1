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
from audit.statistics.intervals import kish_neff
from audit.statistics.two_phase import Group, TwoPhase

TOLERATED = 0.01
"""Share of a scorer's passes people may reject by a slip of their own before the scorer loses its word."""

SURPRISE = 0.10


def drawn(units: Sequence[Unit]) -> list[Unit]:
    """Units that were drawn for rating and rated."""
    return [unit for unit in units if unit.rated is not None and unit.chance is not None]


def certified(units: Sequence[Unit], allowed: float = TOLERATED) -> tuple[Unit, ...]:
    """The units a certificate may rest on, with the weights they then have.

    `allowed` is the share of passed answers that may be wrong without surprise. A group of failed answers of which
    people accepted any, of undecided ones, and of passed ones of which people rejected more than `allowed` explains
    (binomial test at 10 %), is spoken for by its rated members alone.
    """
    kept = [unit for unit in units if _settled(unit)]
    for said in ("passed", "failed", "undecided"):
        group = [unit for unit in units if unit.said == said and not _settled(unit)]
        rated = drawn(group)
        if rated and _overruled(said, rated, allowed):
            scale = math.fsum(unit.weight for unit in group) / math.fsum(_weight(unit) for unit in rated)
            kept += [replace(unit, weight=_weight(unit) * scale) for unit in rated]
        else:
            kept += group
    return tuple(sorted(kept, key=lambda unit: (unit.batch, unit.prompt_key)))


def _overruled(said: str, rated: Sequence[Unit], allowed: float) -> bool:
    if said == "undecided":
        return True
    if said == "failed":
        return any(unit.rated for unit in rated)
    wrong = sum(not unit.rated for unit in rated)
    return wrong > 0 and 1 - binomial_cdf(wrong - 1, len(rated), allowed) < SURPRISE


def overruled_passes(units: Sequence[Unit], allowed: float = TOLERATED) -> bool:
    """Whether people rejected more of the passed answers than `allowed` explains."""
    rated = [unit for unit in drawn(units) if unit.said == "passed" and not _settled(unit)]
    return bool(rated) and _overruled("passed", rated, allowed)


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
    for said in ("passed", "failed", "undecided"):
        group = [unit for unit in units if unit.said == said and not _settled(unit)]
        if group:
            groups.append(_group(said, group, effective * math.fsum(unit.weight for unit in group) / total, good))
    return TwoPhase(tuple(each for each in groups if each.units > 0))


def _group(said: str, units: Sequence[Unit], size: float, good: Callable[[Unit], bool]) -> Group:
    rated = drawn(units)
    if not rated:
        # nobody was asked: the scorer's word stands, and an undecided answer may be either
        return Group(size, known={"passed": 1.0, "failed": 0.0}.get(said))
    weights = [_weight(unit) for unit in rated]
    n = kish_neff(weights)
    ok = math.fsum(weight for unit, weight in zip(rated, weights, strict=True) if good(unit)) / math.fsum(weights)
    return Group(size, n, ok * n)


def _settled(unit: Unit) -> bool:
    """Nothing to ask people: no answer, the logged text word for word, or a rating that speaks for itself alone."""
    return unit.state == "no_answer" or unit.same or (unit.rated is not None and unit.chance is None)


def _weight(unit: Unit) -> float:
    return unit.weight / (unit.chance or 1.0)
