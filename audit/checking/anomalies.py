"""Days on which spend left its usual level, for good or for a day, and what did it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
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

    `before_pico` and `after_pico` are spend a day. `causes` (volume, mix, tokens_per_request, price) and `workflows`
    split the difference of the mean days, in pico-USD a day; the causes add up to it.
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
    found = [
        _described(store, "level", first, (edges[k], edges[k + 1]), (edges[k + 1], edges[k + 2]), change[1:])
        for k, change in enumerate(changes)
    ]
    for since, until in pairwise(edges):
        for day, usual in _spikes(daily[since:until]):
            around = (since, since + day) if day >= 3 else (since + day + 1, until)
            levels = (usual, float(daily[since + day]))
            found.append(_described(store, "spike", first, around, (since + day, since + day + 1), levels))
    return tuple(sorted(found, key=lambda each: (each.day, each.kind)))


def _matters(before: float, after: float) -> bool:
    """A level that moved by a tenth at least; smaller steps are found in noise too, and nobody acts on them."""
    return max(before, after) >= _LEAST_CHANGE * min(before, after)


def _spikes(daily: NDArray[np.float64]) -> Iterator[tuple[int, float]]:
    """Days of one level (index, usual amount) with a modified z above 3.5 on the log scale and twice the median."""
    usual = float(np.median(daily))
    if daily.size < _SPIKE_DAYS or usual <= 0:
        return
    distance = np.log(daily + 0.01 * usual) - math.log(1.01 * usual)
    spread = max(float(np.median(np.abs(distance))), _LEAST_MAD)
    for day in np.flatnonzero((0.6745 * distance / spread > _SPIKE_Z) & (daily >= _SPIKE_RATIO * usual)).tolist():
        yield day, usual


def _described(
    store: Store, kind: Literal["level", "spike"], first: int, before: tuple[int, int], after: tuple[int, int],
    levels: tuple[float, float],
) -> Anomaly:  # fmt: skip
    old = _cells(store, first + before[0], first + before[1] - 1)
    new = _cells(store, first + after[0], first + after[1] - 1)
    causes, workflows = _causes(old, new), _workflows(old, new)
    day = first + after[0]
    bare = Anomaly(kind, day, first + after[1] - 1, round(levels[0]), round(levels[1]), causes, workflows, "")
    return Anomaly(kind, day, bare.last_day, bare.before_pico, bare.after_pico, causes, workflows, _sentence(bare))


def _cells(store: Store, first: int, last: int) -> Cells:
    days = last - first + 1
    return {
        (row["workflow"], row["model"]): (row["requests"] / days, row["tokens"] / days, float(row["cost"]) / days)
        for row in store.rows(_CELLS, first=first, last=last)
    }


def _causes(old: Cells, new: Cells) -> tuple[tuple[str, int], ...]:
    keys = sorted({*old, *new})
    bridge = spend_bridge([_factors(old.get(key)) for key in keys], [_factors(new.get(key)) for key in keys])
    return tuple((name, round(getattr(bridge, name))) for name in _TITLES)


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
