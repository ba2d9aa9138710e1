"""Periods of whole days (UTC), as people write them."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from audit.errors import ConfigError
from audit.store import Store

EPOCH = date(1970, 1, 1)

_MONTHS = "SELECT DISTINCT day FROM request WHERE status = 'billable' AND day IS NOT NULL ORDER BY day"


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `first` to `last`, both included, as numbers since 1970-01-01 (UTC)."""

    first: int
    last: int
    name: str


def period(text: str) -> Period:
    """Read `YYYY-MM`, `YYYY-MM-DD` or `A..B` of those; ConfigError when it is none."""
    first, _, last = text.partition("..")
    start, end = _days(first), _days(last or first)
    if start[0] > end[1]:
        raise ConfigError(f"period {text!r} ends before it begins", "write the earlier date first")
    return Period(start[0], end[1], text)


def _days(text: str) -> tuple[int, int]:
    if match := re.fullmatch(r"(\d{4})-(\d{2})(?:-(\d{2}))?", text.strip()):
        year, month, one = int(match[1]), int(match[2]), match[3]
        try:
            first = date(year, month, int(one or 1))
            last = first if one else date(year, month, monthrange(year, month)[1])
        except ValueError as error:
            raise ConfigError(f"period {text!r}: {error}", "write YYYY-MM, YYYY-MM-DD or A..B") from error
        return (first - EPOCH).days, (last - EPOCH).days
    raise ConfigError(f"period {text!r} is not a date", "write YYYY-MM, YYYY-MM-DD or A..B")


def usual_periods(store: Store) -> tuple[Period, Period] | None:
    """The periods a reader would compare: the last two months with a week of data each, else the two halves.

    None when the log holds fewer than two days.
    """
    days = [row["day"] for row in store.rows(_MONTHS)]
    if len(days) < 2:
        return None
    months: dict[str, int] = {}
    for day in days:
        name = date.fromordinal(EPOCH.toordinal() + day).isoformat()[:7]
        months[name] = months.get(name, 0) + 1
    full = [name for name, covered in sorted(months.items()) if covered >= 7]
    if len(full) >= 2:
        return period(full[-2]), period(full[-1])
    middle = (days[0] + days[-1] + 1) // 2
    return Period(days[0], middle - 1, "first half"), Period(middle, days[-1], "second half")
