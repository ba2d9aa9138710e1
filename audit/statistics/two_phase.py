"""Few ratings of people, many verdicts of a scorer or judge: what share is acceptable once both are counted.

Every unit falls into a group by what the scorer said of it; people rated some of each group, drawn by chance. The
share acceptable is Σ (share of the group)·(share acceptable in it) (Neyman 1938, double sampling).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from audit.statistics.arrays import FloatArray
from audit.statistics.intervals import LEVEL, Interval

DRAWS = 10_000


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
        spread = math.fsum(
            share * (group.share - self.estimate) ** 2 for share, group in zip(shares, self.groups, strict=True)
        )
        return math.sqrt(within + spread / self.units)

    def draws(self, rng: np.random.Generator, size: int = DRAWS) -> FloatArray:
        """Return draws of the share from independent Jeffreys posteriors: of the groups' sizes, and inside each."""
        sizes = rng.dirichlet([group.units + 0.5 for group in self.groups], size)
        inside = np.stack(
            [
                np.full(size, group.known)
                if group.known is not None
                else rng.beta(group.ok + 0.5, max(0.0, group.rated - group.ok) + 0.5, size)
                for group in self.groups
            ],
            axis=1,
        )
        combined: FloatArray = (sizes * inside).sum(axis=1)
        return combined

    def interval(self, level: float = LEVEL, seed: int = 0) -> Interval:
        """Return the estimate with the equal-tailed interval of 10,000 draws; the same seed gives the same bounds.

        Closed at the estimate, as Jeffreys' interval is at 0 and n: where all that was rated is alike, draws fall on
        one side of it.
        """
        draws = self.draws(np.random.default_rng(seed))
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
        return Interval(self.estimate, min(float(low), self.estimate), max(float(high), self.estimate), level)
