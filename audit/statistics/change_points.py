"""Days on which spend settled at a new level: optimal segments around medians, so that one odd day is no change."""

from __future__ import annotations

import heapq
import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from audit.statistics.arrays import FloatArray

_LEAST_NOISE = 0.01
"""Day-to-day noise assumed at least (1 %), so that a perfectly even series does not split over cents."""
_PENALTY = 9.0
"""In day-to-day noise per change: even noise of 14 to 180 days then shows a change in under 3 of 100 series."""


class ChangePoint(NamedTuple):
    """The first day (index) of a new level, and the median day before and after it, up to the next change."""

    day: int
    before: float
    after: float


def change_points(daily: ArrayLike, *, season: int = 7, least: int = 3) -> list[ChangePoint]:
    """Return level shifts of a daily series of amounts >= 0, in order of time.

    Minimises absolute deviations of log amounts from segment medians plus 9·σ per change (optimal partitioning, Jackson
    et al. 2005). σ comes from the median absolute day-to-day change. The weekly pattern is taken out where
    three seasons are seen; no segment is shorter than `least` days.
    """
    amounts = np.asarray(daily, dtype=np.float64)
    positive = amounts[amounts > 0]
    if amounts.size < 2 * least or positive.size == 0:
        return []
    logs = _without_season(np.log(amounts + 0.01 * float(np.median(positive))), season)
    noise = max(1.4826 * float(np.median(np.abs(np.diff(logs)))) / math.sqrt(2), _LEAST_NOISE)
    starts = _segment_starts(logs.tolist(), _PENALTY * noise, least)
    edges = [*starts, amounts.size]
    levels = [float(np.median(amounts[a:b])) for a, b in pairwise(edges)]
    return [ChangePoint(day, levels[k], levels[k + 1]) for k, day in enumerate(starts[1:])]


def _segment_starts(values: list[float], penalty: float, least: int) -> list[int]:
    """Return where the segments of the cheapest partition begin; the first is 0."""
    n = len(values)
    best = [-penalty] + [math.inf] * n
    previous = [0] * (n + 1)
    for start in range(n - least + 1):
        if best[start] == math.inf:
            continue
        for length, cost in enumerate(_deviations(values, start), 1):
            end = start + length
            if length >= least and best[start] + cost + penalty < best[end]:
                best[end], previous[end] = best[start] + cost + penalty, start
    starts, end = [], n
    while end > 0:
        end = previous[end]
        starts.append(end)
    return starts[::-1]


def _deviations(values: list[float], start: int) -> list[float]:
    """Return Σ|v - median| of values[start:end] for every end, by a heap for each half."""
    low: list[float] = []
    high: list[float] = []
    low_sum = high_sum = 0.0
    costs = []
    for value in values[start:]:
        if low and value > -low[0]:
            heapq.heappush(high, value)
            high_sum += value
        else:
            heapq.heappush(low, -value)
            low_sum += value
        if len(low) > len(high) + 1:
            moved = -heapq.heappop(low)
            heapq.heappush(high, moved)
            low_sum, high_sum = low_sum - moved, high_sum + moved
        elif len(high) > len(low):
            moved = heapq.heappop(high)
            heapq.heappush(low, -moved)
            low_sum, high_sum = low_sum + moved, high_sum - moved
        median = -low[0]
        costs.append(high_sum - low_sum + (len(low) - len(high)) * median)
    return costs


def _without_season(logs: FloatArray, season: int) -> FloatArray:
    """Subtract each weekday's median distance from the running median of a season around it."""
    if season < 2 or logs.size < 3 * season:
        return logs
    half = season // 2
    padded = np.pad(logs, half, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    distance = logs - np.median(windows, axis=1)
    weekday = np.arange(logs.size) % season
    pattern = np.array([np.median(distance[weekday == d]) for d in range(season)])
    adjusted: FloatArray = logs - pattern[weekday]
    return adjusted
