"""Stretches of time that are resampled whole: days (UTC), shorter ones where a log holds fewer than five."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audit.store import Store

_HOUR_US = 3_600_000_000
_WIDTHS_US = (24 * _HOUR_US, 6 * _HOUR_US, _HOUR_US, 600_000_000, 60_000_000, 1_000_000)

FEWEST_BLOCKS = 5
"""Fewest blocks of time that are resampled; a log of fewer days is cut into shorter blocks."""

ONE_BLOCK = 1.25
"""The pieces of a block that a log begins and ends with are one block, where they are no more than this together."""

_FOUND = """
SELECT COALESCE(started_at_us - started_at_us % $width, -1) AS block, MIN(started_at_us) AS first_us,
       MAX(started_at_us) AS last_us
FROM request WHERE request_id IN (SELECT request_id FROM remaining)
GROUP BY COALESCE(started_at_us - started_at_us % $width, -1) ORDER BY block
"""


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of a log: their width in microseconds, and the number (0, 1, …) of each by its start; -1 = no time."""

    width_us: int
    places: Mapping[int, int]

    @property
    def count(self) -> int:
        """How many there are."""
        return max(self.places.values(), default=-1) + 1

    @classmethod
    def of(cls, store: Store) -> Blocks:
        """The widest blocks of which the bill holds enough.

        A log seldom begins at midnight. Two pieces of a day would be taken for how much days vary, so they are joined;
        a week of working hours keeps its five days.
        """
        for width in _WIDTHS_US:
            found = store.rows(_FOUND, width=width)
            dated = [row for row in found if row["first_us"] is not None]
            if len(dated) >= FEWEST_BLOCKS:
                break
        places = {row["block"]: place for place, row in enumerate(found)}
        if len(dated) > FEWEST_BLOCKS:
            first, last = dated[0], dated[-1]
            covered = (first["block"] + width - first["first_us"]) + (last["last_us"] - last["block"])
            if covered <= ONE_BLOCK * width:
                places[last["block"]] = places[first["block"]]
        return cls(width, places)
