"""The days of an invoice, in its own time zone, as spans of absolute time that never overlap."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

DAY_US = 86_400_000_000
_ALMOST_A_DAY_US = DAY_US * 23 // 24
_HALF_DAY_US = DAY_US // 2


@dataclass(frozen=True, slots=True)
class Bin:
    """A span [start_us, end_us), usually a day of the invoice; `number` is its name in one reconciliation."""

    number: int
    start_us: int
    end_us: int

    @property
    def first_day(self) -> int:
        """First day as the invoice counts days, since 1970-01-01."""
        return (self.start_us + _HALF_DAY_US) // DAY_US

    @property
    def last_day(self) -> int:
        """Last day as the invoice counts days."""
        return (self.end_us - _HALF_DAY_US) // DAY_US

    @property
    def days(self) -> int:
        """How many days it spans."""
        return self.last_day - self.first_day + 1


class Bins:
    """Spans in order, numbered from `first`."""

    def __init__(self, spans: Iterable[tuple[int, int]], first: int = 0) -> None:
        self._bins = [Bin(first + place, *span) for place, span in enumerate(spans)]
        self._starts = [each.start_us for each in self._bins]

    def __iter__(self) -> Iterator[Bin]:
        return iter(self._bins)

    def __len__(self) -> int:
        return len(self._bins)

    def at(self, start_us: int, end_us: int) -> Bin | None:
        """The bin a line's span belongs to, None outside of all."""
        start_us, _ = whole_days(start_us, end_us)
        place = bisect_right(self._starts, start_us) - 1
        return self._bins[place] if place >= 0 and start_us < self._bins[place].end_us else None


def whole_days(start_us: int, end_us: int) -> tuple[int, int]:
    """A span as it is when it lasts a day or more; hours and minutes count towards their UTC day."""
    if end_us - start_us >= _ALMOST_A_DAY_US:
        return start_us, end_us
    start = start_us // DAY_US * DAY_US
    return start, max(start + DAY_US, -(-end_us // DAY_US) * DAY_US)


def spans_of(lines: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans of an invoice's lines: overlapping ones joined, days between them without a line filled in."""
    result: list[tuple[int, int]] = []
    for start, end in sorted({whole_days(*span) for span in lines}):
        if result and start < result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
            continue
        while result and start - result[-1][1] >= _ALMOST_A_DAY_US:
            result.append((result[-1][1], min(start, result[-1][1] + DAY_US)))
        result.append((start, end))
    return result


def between(spans: list[tuple[int, int]], first_day: int, last_day: int) -> list[tuple[int, int]]:
    """The spans inside a period of days, and a day for each day of the period before and after them."""
    inside = [span for span in spans if Bin(0, *span).first_day >= first_day and Bin(0, *span).last_day <= last_day]
    if not inside:
        return [(day * DAY_US, (day + 1) * DAY_US) for day in range(first_day, last_day + 1)]
    while Bin(0, *inside[0]).first_day > first_day:
        inside.insert(0, (inside[0][0] - DAY_US, inside[0][0]))
    while Bin(0, *inside[-1]).last_day < last_day:
        inside.append((inside[-1][1], inside[-1][1] + DAY_US))
    return inside
