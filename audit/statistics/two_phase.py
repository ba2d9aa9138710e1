"""Few ratings of people, many verdicts of a scorer or judge: what share is acceptable once both are counted.

Every unit falls into a group by what the scorer said of it; people rated some of each group, drawn by chance. The
share acceptable is Σ (share of the group)·(share acceptable in it) (Neyman 1938, double sampling).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from audit.statistics.intervals import LEVEL, Interval, jeffreys

NONE = 1e-6
"""Part of the variance of single units below which groups do not differ."""


@dataclass(frozen=True)
class Group:
    """Units of one verdict, how many of them people rated, and how many of those they found acceptable.

    Counts may be effective (weighted) ones. `known` is the share acceptable where no rating is needed: 1 where the
    candidate's text is the logged one, 0 where it gave no answer. A group nobody rated is taken at one half.
    """

    units: float
    rated: float = 0.0
    ok: float = 0.0
    known: float | None = None

    @property
    def share(self) -> float:
        """Share acceptable in this group."""
        if self.known is not None:
            return self.known
        return self.ok / self.rated if self.rated else 0.5


@dataclass(frozen=True)
class TwoPhase:
    """The groups of one two-phase sample."""

    groups: tuple[Group, ...]

    @classmethod
    def of(
        cls,
        judged: float,
        judge_passed: float,
        rated_passed: float,
        ok_of_passed: float,
        rated_failed: float,
        ok_of_failed: float,
    ) -> TwoPhase:
        """Build from a judge's two verdicts."""
        passed = Group(judge_passed, rated_passed, ok_of_passed)
        return cls((passed, Group(judged - judge_passed, rated_failed, ok_of_failed)))

    @property
    def units(self) -> float:
        """Number of judged units."""
        return math.fsum(group.units for group in self.groups)

    @property
    def estimate(self) -> float:
        """Share acceptable to people; NaN without units."""
        return math.fsum(group.units * group.share for group in self.groups) / self.units if self.units else math.nan

    @property
    def standard_error(self) -> float:
        """Delta-method standard error of the estimate."""
        shares = [group.units / self.units for group in self.groups]
        within = math.fsum(
            share**2 * group.share * (1 - group.share) / max(1.0, group.rated)
            for share, group in zip(shares, self.groups, strict=True)
            if group.known is None
        )
        return math.sqrt(within + self._between / self.units)

    @property
    def _between(self) -> float:
        """Variance of the groups' shares among units."""
        return math.fsum(group.units * (group.share - self.estimate) ** 2 for group in self.groups) / self.units

    def interval(self, level: float = LEVEL) -> Interval:
        """Return the estimate with its interval: each group's own Jeffreys interval, and that of the groups' sizes.

        Their distances from the estimate are added as squares, for each side apart (Zou & Donner 2008), so that a
        group of which all that was rated is alike widens the side on which it may be wrong and leaves the other.
        """
        below, above = self._sizes(level)
        for group in self.groups:
            if group.known is None:
                part, found = group.units / self.units, jeffreys(group.ok, group.rated, level)
                below = math.hypot(below, part * (group.share - found.low))
                above = math.hypot(above, part * (found.high - group.share))
        p = self.estimate
        return Interval(p, max(0.0, p - below), min(1.0, p + above), level)

    def _sizes(self, level: float) -> tuple[float, float]:
        """How far the share may be off for the groups' sizes, were their own shares known: below, above."""
        p, alike = self.estimate, self.estimate * (1 - self.estimate)
        between = self._between
        if alike > 0 and between < NONE * alike:
            return 0.0, 0.0
        n = self.units * alike / between if alike > 0 else self.units
        found = jeffreys(p * n, n, level)
        return p - found.low, found.high - p
