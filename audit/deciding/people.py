"""Ratings of people against what scorers and judges said: who speaks for whom.

Answers fall into groups by workflow and by what was said of them (passed, failed, failed with doubt, undecided), by
programs or a judge.
People rated some of each group, drawn by chance, so the rated ones speak for their group. In a certificate, the unrated
members of a group people contradict lose their vote: the rated ones take their weight. In a share of acceptable
answers, enough ratings of a judge's group, or of a program's that people contradict, correct it; groups with few are
pooled over workflows for that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from audit.deciding.judges import SURPRISE
from audit.deciding.units import Unit
from audit.deciding.words import State
from audit.statistics.distributions import binomial_cdf
from audit.statistics.shares import equal_units
from audit.statistics.two_phase import Group, TwoPhase

TOLERATED = 0.01
"""Share of a program's passes people may reject by a slip of their own before the program loses its word."""

LEAST = 10
"""Ratings from which a group's rated members speak for its others: as many as planted answers of a sort."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Answers of one workflow of which the same was said, by programs or a judge; `rated` of them were drawn for it."""

    units: tuple[Unit, ...]
    rated: tuple[Unit, ...]

    @property
    def said(self) -> State:
        """What was said of all of them."""
        return self.units[0].said

    @property
    def judged(self) -> bool:
        """Whether a judge said it."""
        return bool(self.units[0].judge)

    @property
    def open(self) -> bool:
        """Whether nobody could decide them, or programs failed them with doubt: people speak for these in any case."""
        return self.said == "undecided" or self.units[0].in_doubt

    @property
    def speaker(self) -> tuple[int, bool]:
        """The workflow, and whether its judge or its programs spoke."""
        return self.units[0].workflow_id, self.judged

    @property
    def contradicted(self) -> bool:
        """Whether people said otherwise of any."""
        return self.said != "undecided" and any(unit.rated != (self.said == "passed") for unit in self.rated)

    @property
    def overruled(self) -> bool:
        """Whether the unrated ones have no vote in a certificate.

        So it is with failed answers of which people accepted any, with undecided ones, and with those a judge passed of
        which people rejected any. What programs passed keeps its vote as long as no more was rejected than slips
        explain (binomial test at 10 %).
        """
        if not self.rated or self.said == "undecided":
            return bool(self.rated)
        if self.said != "passed" or self.judged:
            return self.contradicted
        wrong = sum(not unit.rated for unit in self.rated)
        return wrong > 0 and 1 - binomial_cdf(wrong - 1, len(self.rated), TOLERATED) < SURPRISE

    @property
    def voters(self) -> list[Unit]:
        """The rated ones with the weight of all, each by the chance it had to be drawn."""
        weights = [unit.weight / (unit.chance or 1.0) for unit in self.rated]
        scale = math.fsum(unit.weight for unit in self.units) / math.fsum(weights)
        return [replace(unit, weight=weight * scale) for unit, weight in zip(self.rated, weights, strict=True)]


@dataclass(frozen=True, slots=True)
class Voices:
    """Who speaks for whom among some units.

    `settled` speak for themselves alone: no answer, the logged text word for word, or a rating that came from no draw.
    `groups` hold the others. The rated members of each tuple of `speaking` speak for all of its groups in a share of
    acceptable answers; `unheard` are groups whose ratings are too few for that.
    """

    units: tuple[Unit, ...]
    settled: tuple[Unit, ...]
    groups: tuple[Alike, ...]
    speaking: tuple[tuple[Alike, ...], ...]
    unheard: tuple[Alike, ...]

    @classmethod
    def among(cls, units: Sequence[Unit]) -> Voices:
        """Sort the units out.

        People may speak for what nobody could decide or programs failed with doubt, for what a judge said, and for what
        programs were sure of in a workflow where people contradict any of that: that they agree with a program is no
        reason to doubt the answers they did not see. Where all of a group were rated each speaks for itself.
        """
        found: dict[tuple[int, str, bool, bool], list[Unit]] = {}
        settled: list[Unit] = []
        for unit in units:
            if _settled(unit):
                settled.append(unit)
            else:
                key = unit.workflow_id, unit.said, bool(unit.judge), unit.in_doubt
                found.setdefault(key, []).append(unit)
        groups = tuple(
            Alike(tuple(group), tuple(unit for unit in group if unit.rated is not None))
            for _, group in sorted(found.items())
        )
        partly = [group for group in groups if 0 < len(group.rated) < len(group.units)]
        doubted = {group.speaker for group in partly if group.contradicted and not group.open}
        open_ = [group for group in partly if group.open or group.judged or group.speaker in doubted]
        speaking = tuple(_pools(open_))
        heard = {id(group) for pool in speaking for group in pool}
        unheard = tuple(group for group in open_ if id(group) not in heard)
        return cls(tuple(units), tuple(settled), groups, speaking, unheard)

    @property
    def certified(self) -> tuple[Unit, ...]:
        """The units a certificate may rest on, with the weights they then have; nothing is pooled for one."""
        kept = list(self.settled)
        for group in self.groups:
            kept += group.voters if group.overruled else group.units
        return tuple(sorted(kept, key=lambda unit: (unit.batch, unit.prompt_key)))

    @property
    def told(self) -> list[Unit]:
        """Units of which anything is known: decided, or spoken for by those people rated."""
        spoken = self._spoken(self.speaking)
        return [unit for unit in self.units if unit.state != "undecided" or id(unit) in spoken]

    @property
    def unchecked(self) -> list[Unit]:
        """Units that only a judge spoke of."""
        spoken = self._spoken(self.speaking)
        return [
            unit
            for group in self.groups
            if group.judged
            for unit in group.units
            if unit.rated is None and id(unit) not in spoken
        ]

    @property
    def contradicting(self) -> tuple[Alike, ...]:
        """Groups people contradict with too few ratings to speak for them."""
        return tuple(group for group in self.unheard if group.contradicted)

    def overruled_passes(self, judged: bool | None = None) -> bool:
        """Whether people took their vote from passed answers, of a judge or of programs (None: of either)."""
        return any(
            group.overruled for group in self.groups if group.said == "passed" and judged in (None, group.judged)
        )

    def share(self, good: Callable[[Unit], bool], effective: float = 1.0, few: bool = False) -> TwoPhase | None:
        """The two-phase sample behind a share of `good` units; None where nobody is spoken for by rated ones.

        `effective` is how many units of equal weight tell as much as these; with `few`, contradictions speak for their
        group however few they are.
        """
        pools = self.speaking + (tuple((group,) for group in self.contradicting) if few else ())
        if not pools:
            return None
        scale = effective / math.fsum(unit.weight for unit in self.units)
        spoken = self._spoken(pools)
        alone = [unit for unit in self.units if id(unit) not in spoken]
        known = [
            Group(scale * math.fsum(unit.weight for unit in alone if good(unit) == ok), known=float(ok))
            for ok in (True, False)
        ]
        return TwoPhase((*known, *(_group(pool, scale, good) for pool in pools)))

    @staticmethod
    def _spoken(pools: Sequence[Sequence[Alike]]) -> set[int]:
        return {id(unit) for pool in pools for group in pool for unit in group.units}


def _pools(groups: Sequence[Alike]) -> Iterator[tuple[Alike, ...]]:
    """Groups with enough ratings each for itself; of the others those alike together, with the next larger ones as far
    as it takes to have enough, and none where all of them have too few."""
    kinds: dict[tuple[str, bool], list[Alike]] = {}
    for group in groups:
        kinds.setdefault(("open" if group.open else group.said, group.judged), []).append(group)
    for alike in kinds.values():
        left = sorted(alike, key=lambda group: len(group.rated))
        pool: list[Alike] = []
        while left and (len(left[0].rated) < LEAST or 0 < sum(len(group.rated) for group in pool) < LEAST):
            pool.append(left.pop(0))
        if sum(len(group.rated) for group in pool) >= LEAST:
            yield tuple(pool)
        yield from ((group,) for group in left)


def _group(pool: Sequence[Alike], scale: float, good: Callable[[Unit], bool]) -> Group:
    """Groups their rated members speak for, each with the weight it has (post-stratified).

    A population all of which was replayed and rated leaves no doubt: the variance of n ratings is that of n/(1-f·π),
    f the rated part and π the chance to be replayed, once what the first phase adds of itself is left out.
    """
    rated = [unit for group in pool for unit in group.voters]
    strata = [place for place, group in enumerate(pool) for _ in group.rated]
    weights = [unit.weight for unit in rated]
    p, n = equal_units([good(unit) for unit in rated], weights, [0.0] * len(rated), strata)
    part = len(rated) / sum(len(group.units) for group in pool)
    n /= 1 - part * math.fsum(unit.included for unit in rated) / len(rated)
    return Group(scale * math.fsum(weights), n, p * n)


def _settled(unit: Unit) -> bool:
    return unit.state == "no_answer" or unit.same or (unit.rated is not None and unit.chance is None)
