"""When the sample company works: fixed days, weekdays and weekends, growth, office hours, and who is active."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random

END = date(2026, 11, 15)
"""The day after the last logged day."""
NOVEMBER = date(2026, 11, 1)
MODEL_SWITCH = date(2026, 11, 2)
"""From here on most of the document search runs on the flagship model."""
PREFIX_BREAK = date(2026, 11, 4)
"""From here on the document search names the workspace in the first line of its prompt."""

SHOP_HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 11, 11, 12, 11, 10, 10, 11, 12, 13, 14, 14, 12, 8, 4)
OFFICE_HOURS = (0, 0, 0, 0, 0, 0, 1, 3, 8, 11, 12, 10, 6, 9, 11, 11, 9, 6, 2, 1, 0, 0, 0, 0)
ALL_HOURS = (1,) * 24


class Calendar:
    """The logged days and how a number of calls spreads over them."""

    def __init__(self, days: int) -> None:
        if days < 1:
            raise ValueError("a log needs at least one day")
        self.days = [END - timedelta(days=days - index) for index in range(days)]

    def scale(self, thirty_day_count: int) -> int:
        """Return a count given for 30 days, scaled to the logged days, at least 1."""
        return max(1, round(thirty_day_count * len(self.days) / 30))

    def progress(self, moment_ms: int) -> float:
        """Return how far into the log a moment lies, 0 to 1."""
        start = midnight_ms(self.days[0])
        return (moment_ms - start) / (len(self.days) * 86_400_000)

    def per_day(self, total: int, weekend: float, growth: float) -> list[int]:
        """Split a total over the days by weekday weight and linear growth, exact in sum (largest remainder)."""
        last = max(1, len(self.days) - 1)
        weights = [
            (weekend if day.weekday() >= 5 else 1.0) * (1 + growth * (index / last - 0.5))
            for index, day in enumerate(self.days)
        ]
        exact = [total * weight / sum(weights) for weight in weights]
        counts = [int(value) for value in exact]
        by_remainder = sorted(range(len(exact)), key=lambda i: (counts[i] - exact[i], i))
        for index in by_remainder[: total - sum(counts)]:
            counts[index] += 1
        return counts

    def moments(
        self, rng: Random, total: int, hours: Sequence[int], weekend: float = 0.7, growth: float = 0.9
    ) -> list[int]:
        """Return `total` start times in epoch milliseconds, sorted, spread over days and hours."""
        steps = list(accumulate(hours))
        moments = []
        for day, calls in zip(self.days, self.per_day(total, weekend, growth), strict=True):
            for _ in range(calls):
                hour = bisect(steps, rng.randrange(steps[-1]))
                moments.append(midnight_ms(day) + hour * 3_600_000 + rng.randrange(3_600_000))
        return sorted(moments)

    def user(self, rng: Random, moment_ms: int) -> str:
        """Return one of the active users; their number grows and a few of them do most of the work."""
        active = 140 + int(130 * self.progress(moment_ms))
        return f"u-{int(active * rng.random() ** 1.7):04d}"


def midnight_ms(day: date) -> int:
    """Return the UTC start of a day in epoch milliseconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def day_of(moment_ms: int) -> date:
    """Return the UTC day of a moment."""
    return datetime.fromtimestamp(moment_ms // 1000, UTC).date()


def iso(moment_ms: int) -> str:
    """Return a moment as ISO 8601 with milliseconds and Z."""
    return datetime.fromtimestamp(moment_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{moment_ms % 1000:03d}Z"
