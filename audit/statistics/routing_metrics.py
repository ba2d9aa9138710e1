"""What a cascade costs, and how good a router is along its whole range of thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class Cascade(NamedTuple):
    """Mean cost per request, saving against the strong model alone, and the fallback share at which it pays no more."""

    cost: float
    saving_share: float
    break_even_fallback: float


def cascade(cheap: float, strong: float, verifier: float, fallback: float) -> Cascade:
    """Return the money side of 'cheap first, strong if the verifier says no': c₁ + c_j + f·c₂, paid twice on fallback.

    A negative break-even share: the cascade never pays.
    """
    cost = cheap + verifier + fallback * strong
    return Cascade(cost, 1 - cost / strong, 1 - (cheap + verifier) / strong)


def performance_gap_recovered(performance: float, weak: float, strong: float) -> float:
    """Return the share of the gap between the weak and the strong model that is recovered (Ong et al. 2024)."""
    return (performance - weak) / (strong - weak)


def average_gap_recovered(points: Sequence[tuple[float, float]]) -> float:
    """Return the area under gap recovered against the share of strong calls (or dollars): 0.5 for random routing.

    `points` are (share, performance) from share 0 (weak alone) to share 1 (strong alone).
    """
    curve = _recovered(points)
    return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(curve))


def call_share_for(points: Sequence[tuple[float, float]], gap: float) -> float | None:
    """Return the least share of strong calls that recovers `gap` (0.8), linear between points; None if none does."""
    curve = _recovered(points)
    if curve[0][1] >= gap:
        return curve[0][0]
    for (x0, y0), (x1, y1) in pairwise(curve):
        if y1 >= gap:
            return x0 + (gap - y0) / (y1 - y0) * (x1 - x0)
    return None


def _recovered(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    ordered = sorted(points)
    weak, strong = ordered[0][1], ordered[-1][1]
    return [(share, performance_gap_recovered(performance, weak, strong)) for share, performance in ordered]
