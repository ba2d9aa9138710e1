"""How many days a log covers: whole ones between, and the parts of the first and the last that are in it."""

from __future__ import annotations

from itertools import pairwise

from audit.store import Store

CUT = 3.0
"""A first or last day counts as cut where so many requests are missing that other days have at that time: of a whole
day that many stay away by chance one time in twenty (Poisson)."""

QUIET = 7
"""Days without a request that are taken for quiet, however short the log."""

_SPAN = """
WITH dated AS (
    SELECT day, started_at_us % 86400000000 AS clock FROM request WHERE status = 'billable' AND day IS NOT NULL
),
span AS (SELECT MIN(day) AS first, MAX(day) AS last FROM dated),
ends AS (
    SELECT s.first, s.last,
           MIN(CASE WHEN d.day = s.first THEN d.clock ELSE NULL END) AS opened,
           MAX(CASE WHEN d.day = s.last THEN d.clock ELSE NULL END) AS closed,
           SUM(CASE WHEN d.day = s.first THEN 1 ELSE 0 END) AS on_first,
           SUM(CASE WHEN d.day = s.last THEN 1 ELSE 0 END) AS on_last
    FROM dated AS d CROSS JOIN span AS s GROUP BY s.first, s.last
)
SELECT e.first, e.last, e.opened, e.closed, e.on_first, e.on_last, COUNT(d.clock) AS amid,
       COALESCE(SUM(CASE WHEN d.clock < e.opened THEN 1 ELSE 0 END), 0) AS before,
       COALESCE(SUM(CASE WHEN d.clock > e.closed THEN 1 ELSE 0 END), 0) AS after
FROM ends AS e LEFT JOIN dated AS d ON d.day > e.first AND d.day < e.last
GROUP BY e.first, e.last, e.opened, e.closed, e.on_first, e.on_last
"""
_DAYS = "SELECT DISTINCT day FROM request WHERE status = 'billable' AND day IS NOT NULL ORDER BY day"


def covered_days(store: Store) -> float:
    """Days (UTC) from the first to the last billable request, at least one; days between without traffic count.

    Not so more than a week of them that is longer than all the rest of the log: there nothing was logged, or a clock
    was wrong. 0 where no request has a time.

    A log from eight in the morning to eight in the evening a week later holds seven days and a half. How much of a day
    lies before eight is told by the days between: a week of working hours is five days, though each ends at five.
    """
    for row in store.rows(_SPAN):
        days = _spanned([int(each["day"]) for each in store.rows(_DAYS)])
        if (
            row["last"] - row["first"] == 1
            and row["closed"] < row["opened"]
            and min(row["on_first"], row["on_last"]) >= CUT
        ):
            return 1.0
        cut = (row["before"], row["on_first"]), (row["after"], row["on_last"])
        return max(1.0, days - sum(_missing(int(out), int(own), int(row["amid"]), days - 2) for out, own in cut))
    return 0.0


def _spanned(days: list[int]) -> int:
    """Calendar days from the first to the last of these, without gaps that are longer than the rest."""
    span = days[-1] - days[0] + 1
    for gap in sorted((later - earlier - 1 for earlier, later in pairwise(days)), reverse=True):
        if gap <= QUIET or 2 * gap <= span:
            break
        span -= gap
    return span


def _missing(out: int, own: int, amid: int, between: int) -> float:
    """The part of a day of `own` requests that is not logged: `out` of the `amid` ones of days between are there."""
    if not out:
        return 0.0
    share = out / amid
    by_own = own * share / (1 - share) if share < 1 else out
    return share if min(by_own, out / between) >= CUT else 0.0
