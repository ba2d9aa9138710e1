"""What the days that a log lacks can have cost, judged by the days it has."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from statistics import mean, variance
from typing import NamedTuple

from audit.reconciling.bins import DAY_US
from audit.statistics.distributions import t_quantile

LEVEL = 0.95
"""Of the interval: what lies outside of it is not what such days cost."""

_LEAST_DAYS = 3
_SILENCE = 3
"""A pause this many times the mean one between requests is nothing unusual."""

_THURSDAY = 3  # of 1970-01-01, Monday being 0
_SATURDAY = 5


class Plausible(NamedTuple):
    """What days without a request can have cost, in pico-USD."""

    estimate: int
    low: int
    high: int

    def nearest(self, pico: int) -> int:
        """The amount itself where these days can have cost it, else the bound that is next to it."""
        return min(max(pico, self.low), self.high)


def plausible(costs: Mapping[int, int], missing: Collection[int], mean_gap_us: int = 0) -> Plausible | None:
    """What `missing` days can have cost, given what each day with a request did (pico-USD by day since 1970-01-01).

    The t prediction interval of a sum of new days, working days and weekends each by their own mean and spread. Where
    every weekend of the log is silent, a weekend costs nothing. A day inside the log may just have been quiet where
    requests come days apart (`mean_gap_us`), and then adds nothing to the lower bound. None with fewer than three days
    to go by.
    """
    if len(costs) < _LEAST_DAYS:
        return None
    first, last = min(costs), max(costs)
    may_be_quiet = _SILENCE * mean_gap_us >= DAY_US
    kinds = _kinds(costs, first, last)
    estimate = low = high = 0.0
    for kind in kinds:
        absent = [day for day in missing if day % 7 in kind.weekdays]
        estimate += kind.mean * len(absent)
        high += kind.mean * len(absent)
        low += kind.mean * sum(not (may_be_quiet and first <= day <= last) for day in absent)
    half = _half_width([(kind, sum(day % 7 in kind.weekdays for day in missing)) for kind in kinds])
    return Plausible(round(estimate), max(0, round(low - half)), round(high + half))


@dataclass(frozen=True, slots=True)
class _Kind:
    """Days that cost alike: which remainders of a day number by 7 they have, and what those of the log cost."""

    weekdays: frozenset[int]
    days: int
    mean: float
    variance: float


def _kinds(costs: Mapping[int, int], first: int, last: int) -> list[_Kind]:
    weekend = frozenset(each for each in range(7) if (each + _THURSDAY) % 7 >= _SATURDAY)
    working = frozenset(range(7)) - weekend
    at_work = _of(costs, working)
    at_rest = _of(costs, weekend)
    silent = sum(day % 7 in weekend for day in range(first, last + 1))
    if len(at_work) >= _LEAST_DAYS and not at_rest and silent >= 2:
        return [_kind(working, at_work), _Kind(weekend, 0, 0.0, 0.0)]
    if len(at_work) >= _LEAST_DAYS and len(at_rest) >= 2:
        return [_kind(working, at_work), _kind(weekend, at_rest)]
    return [_kind(working | weekend, list(costs.values()))]


def _of(costs: Mapping[int, int], weekdays: frozenset[int]) -> list[int]:
    return [pico for day, pico in costs.items() if day % 7 in weekdays]


def _kind(weekdays: frozenset[int], costs: list[int]) -> _Kind:
    return _Kind(weekdays, len(costs), float(mean(costs)), float(variance(costs)))


def _half_width(parts: Iterable[tuple[_Kind, int]]) -> float:
    """Half of the interval: new days differ from the mean (n s²), and all of them by its error (n² s²/days).

    Degrees of freedom after Welch (1947) and Satterthwaite (1946).
    """
    found = [
        (absent * kind.variance * (1 + absent / kind.days), kind.days - 1)
        for kind, absent in parts
        if absent and kind.days
    ]
    total = sum(each for each, _ in found)
    if total <= 0:
        return 0.0
    freedom = total**2 / sum(each**2 / degrees for each, degrees in found)
    return t_quantile((1 + LEVEL) / 2, freedom) * math.sqrt(total)
