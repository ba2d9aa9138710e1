"""True and false findings, added up over seeds."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counted:
    """Findings of one detector: planted and found, found and not planted, planted and not found."""

    true: int = 0
    false: int = 0
    missed: int = 0

    def __add__(self, other: Counted) -> Counted:
        return Counted(self.true + other.true, self.false + other.false, self.missed + other.missed)

    @property
    def precision(self) -> float:
        return self.true / (self.true + self.false) if self.true + self.false else 1.0

    @property
    def recall(self) -> float:
        return self.true / (self.true + self.missed) if self.true + self.missed else 1.0


def compare(found: Iterable[Hashable], planted: Iterable[Hashable]) -> Counted:
    """Count findings against what was planted."""
    got, there = set(found), set(planted)
    return Counted(len(got & there), len(got - there), len(there - got))
