"""Days on which spend left its usual level, for good or for a day, and what did it."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audit.figures import change as relative
from audit.figures import day as named
from audit.figures import listing, money, signed_money
from audit.statistics.change_points import change_points
from audit.statistics.series import spend_bridge
from audit.store import Store

_DAILY = """
SELECT r.day, CAST(SUM(COALESCE(c.cost_pico, 0) + COALESCE(c.estimated_cost_pico, 0)) AS DECIMAL(38, 0)) AS cost
FROM request AS r LEFT JOIN request_cost AS c ON c.request_id = r.request_id
WHERE r.status = 'billable' AND r.day IS NOT NULL GROUP BY r.day ORDER BY r.day
"""
_CELLS = """
SELECT COALESCE(w.name, '(none)') AS workflow, COALESCE(r.response_model, r.request_model, 'unknown') AS model,
       COUNT(*) AS requests,
       CAST(SUM(COALESCE(r.input_tokens, 0) + COALESCE(r.output_tokens, 0)) AS BIGINT) AS tokens,
       CAST(SUM(COALESCE(c.cost_pico, 0) + COALESCE(c.estimated_cost_pico, 0)) AS DECIMAL(38, 0)) AS cost
FROM request AS r
LEFT JOIN request_cost AS c ON c.request_id = r.request_id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
WHERE r.status = 'billable' AND r.day >= $first AND r.day <= $last
GROUP BY COALESCE(w.name, '(none)'), COALESCE(r.response_model, r.request_model, 'unknown')
"""
_LEAST_CHANGE = 1.1
_SPIKE_Z = 3.5
_SPIKE_RATIO = 2.0
_SPIKE_DAYS = 7
_LEAST_MAD = 0.05
"""Day-to-day spread assumed at least (5 %), so that on a very even log a few cents are no spike."""
_TITLES = {
    "volume": "more or fewer requests",
    "mix": "another mix of workflows and models",
    "tokens_per_request": "tokens per request",
    "price": "cost per token (kinds of tokens, cache, tiers, prices)",
}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A change of level from `day` on, or a spike on that day alone.

    `before_pico` and `after_pico` are the mean spend of a day, days that are spikes of their own left out. `causes`
    (volume, mix, tokens_per_request, price) and `workflows` split their difference, in pico-USD a day; both add up.
    """

    kind: Literal["level", "spike"]
    day: int
    last_day: int
    before_pico: int
    after_pico: int
    causes: tuple[tuple[str, int], ...]
    workflows: tuple[tuple[str, int], ...]
    sentence: str

    @property
    def rise(self) -> float:
        """Growth of a day's spend: 0.5 is half as much again, infinite from nothing."""
        return self.after_pico / self.before_pico - 1 if self.before_pico else math.inf


Cells = dict[tuple[str, str], tuple[float, float, float]]
"""(requests, tokens, pico-USD) a day by workflow and model."""


def anomalies(store: Store) -> tuple[Anomaly, ...]:
    """Changes of the level of daily spend and single days far above it, in order of time, each with its causes."""
    rows = store.rows(_DAILY)
    if not rows:
        return ()
    first, last = rows[0]["day"], rows[-1]["day"]
    daily = np.zeros(last - first + 1)
    for row in rows:
        daily[row["day"] - first] = float(row["cost"])
    changes = [each for each in change_points(daily) if _matters(each.before, each.after)]
    edges = [0, *(change.day for change in changes), len(daily)]
    levels = list(pairwise(edges))
    odd = [since + day for since, until in levels for day in _spikes(daily[since:until])]
    found = [
        _described(store, "level", first, _ordinary(*before, odd), _ordinary(*after, odd))
        for before, after in pairwise(levels)
    ]
    for since, until in levels:
        for day in (each for each in odd if since <= each < until):
            around = (since, day) if day - since >= 3 else (day + 1, until)
            found.append(_described(store, "spike", first, _ordinary(*around, odd), [day]))
    return tuple(sorted(found, key=lambda each: (each.day, each.kind)))


def _ordinary(since: int, until: int, odd: Container[int]) -> list[int]:
    """The days of a stretch that are no spikes; all of them where nothing else is left."""
    return [day for day in range(since, until) if day not in odd] or list(range(since, until))


def _matters(before: float, after: float) -> bool:
    """A level that moved by a tenth at least; smaller steps are found in noise too, and nobody acts on them."""
    return max(before, after) >= _LEAST_CHANGE * min(before, after)


def _spikes(daily: NDArray[np.float64]) -> list[int]:
    """Days of one level (their places) with a modified z above 3.5 on the log scale and twice the median."""
    usual = float(np.median(daily))
    if daily.size < _SPIKE_DAYS or usual <= 0:
        return []
    distance = np.log(daily + 0.01 * usual) - math.log(1.01 * usual)
    spread = max(float(np.median(np.abs(distance))), _LEAST_MAD)
    found: list[int] = np.flatnonzero(
        (0.6745 * distance / spread > _SPIKE_Z) & (daily >= _SPIKE_RATIO * usual)
    ).tolist()
    return found


def _described(
    store: Store, kind: Literal["level", "spike"], first: int, before: list[int], after: list[int]
) -> Anomaly:
    old, new = (_cells(store, [first + day for day in days]) for days in (before, after))
    mean_before, mean_after = (round(sum(cost for _, _, cost in cells.values())) for cells in (old, new))
    causes, workflows = _causes(old, new, mean_after - mean_before), _workflows(old, new)
    bare = Anomaly(kind, first + after[0], first + after[-1], mean_before, mean_after, causes, workflows, "")
    return replace(bare, sentence=_sentence(bare))


def _cells(store: Store, days: list[int]) -> Cells:
    """The mean of some days: those of the whole stretch, less the days in between that do not count."""
    sums: dict[tuple[str, str], NDArray[np.float64]] = {}
    left_out = sorted(set(range(days[0], days[-1] + 1)) - set(days))
    for first, last, sign in ((days[0], days[-1], 1), *((day, day, -1) for day in left_out)):
        for row in store.rows(_CELLS, first=first, last=last):
            amounts = np.array([row["requests"], row["tokens"], int(row["cost"])], dtype=np.float64)
            key = (row["workflow"], row["model"])
            sums[key] = sums.get(key, np.zeros(3)) + sign * amounts
    cells = ((key, [float(each) / len(days) for each in amounts]) for key, amounts in sums.items())
    return {key: (requests, tokens, cost) for key, (requests, tokens, cost) in cells if requests}


def _causes(old: Cells, new: Cells, difference: int) -> tuple[tuple[str, int], ...]:
    keys = sorted({*old, *new})
    bridge = spend_bridge([_factors(old.get(key)) for key in keys], [_factors(new.get(key)) for key in keys])
    parts = {name: round(getattr(bridge, name)) for name in _TITLES}
    # what rounding leaves goes to the largest part
    parts[max(parts, key=lambda name: abs(parts[name]))] += difference - sum(parts.values())
    return tuple(parts.items())


def _factors(cell: tuple[float, float, float] | None) -> tuple[float, float, float]:
    """Requests, tokens per request, price per token; what has no tokens is priced by the request."""
    if cell is None:
        return 0.0, 0.0, 0.0
    requests, tokens, cost = cell
    return (requests, tokens / requests, cost / tokens) if tokens else (requests, 1.0, cost / requests)


def _workflows(old: Cells, new: Cells) -> tuple[tuple[str, int], ...]:
    changes: dict[str, float] = {}
    for cells, sign in ((old, -1), (new, 1)):
        for (workflow, _), (_, _, cost) in cells.items():
            changes[workflow] = changes.get(workflow, 0.0) + sign * cost
    ordered = sorted(changes.items(), key=lambda each: (-abs(each[1]), each[0]))
    return tuple((name, round(value)) for name, value in ordered if round(value))


def _sentence(found: Anomaly) -> str:
    difference = found.after_pico - found.before_pico
    grew = difference > 0
    text = (
        f"On {named(found.day)} spend was {money(found.after_pico)}, usually {money(found.before_pico)} a day"
        if found.kind == "spike"
        else f"From {named(found.day)} on a day costs {money(found.after_pico)}, before {money(found.before_pico)}"
    )
    text += f" ({relative(difference, found.before_pico)})"
    whole = sum(pico for _, pico in found.causes)
    moved = [(name, pico) for name, pico in found.causes if (pico > 0) == grew and abs(pico) * 10 >= abs(whole)]
    moved.sort(key=lambda each: -abs(each[1]))
    if moved:
        text += ": " + listing([f"{_TITLES[name]} ({signed_money(pico)})" for name, pico in moved])
    named_ones = [f"{name} ({signed_money(pico)})" for name, pico in found.workflows if (pico > 0) == grew][:3]
    return text + (f"; most of it in {listing(named_ones)}" if named_ones else "") + "."
