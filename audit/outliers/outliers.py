"""The stage `outliers`: flag requests per workflow, model and side, price the excess, name the likely cause.

Whether a request is flagged depends on its tokens alone, so each group is judged by how often each length occurs, and
only the flagged requests are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.outliers.causes import causes
from audit.statistics.outliers import MIN_UNITS, find_outliers
from audit.store import Store

LISTED_SHARE = 0.001
_SIDES = ("input", "output")

_JUDGED = """
judged AS (
    SELECT request_id, COALESCE(workflow_id, 0) AS workflow_id, COALESCE(task_kind, '') AS task_kind,
           COALESCE(response_model, request_model, 'unknown') AS model, COALESCE({side}_tokens, 0) AS tokens
    FROM request WHERE status = 'billable' AND usage_source <> 'unknown'
)"""
_GROUPS = f"""
WITH {_JUDGED.format(side="input")}
SELECT workflow_id, model, ARG_MIN(task_kind, request_id) AS task_kind, COUNT(*) AS requests
FROM judged GROUP BY workflow_id, model ORDER BY workflow_id, model
"""
_LENGTHS = f"""
WITH {_JUDGED}
SELECT g.number, j.tokens, COUNT(*) AS requests
FROM judged AS j JOIN outlier_group AS g ON g.workflow_id = j.workflow_id AND g.model = j.model
GROUP BY g.number, j.tokens ORDER BY g.number, j.tokens
"""
_SPEND = """
SELECT COALESCE(r.workflow_id, 0) AS workflow_id, CAST(SUM(COALESCE(c.cost_pico, 0)) AS DOUBLE) AS spend
FROM charge AS c JOIN request AS r ON r.request_id = c.request_id
WHERE r.status = 'billable' AND r.usage_source <> 'unknown'
  AND c.sku_meter IN ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'output')
GROUP BY COALESCE(r.workflow_id, 0)
"""
_METERS = {"input": "'input', 'cache_read', 'cache_write_5m', 'cache_write_1h'", "output": "'output'"}
_FLAGGED = f"""
WITH {_JUDGED},
flagged AS (
    SELECT j.request_id, j.workflow_id, j.model, j.tokens, g.number
    FROM judged AS j
    JOIN outlier_group AS g ON g.workflow_id = j.workflow_id AND g.model = j.model
    JOIN outlier_limit AS l ON l.number = g.number AND j.tokens >= l.least
),
cost AS (
    SELECT c.request_id, CAST(SUM(COALESCE(c.cost_pico, 0)) AS DOUBLE) AS cost
    FROM charge AS c JOIN flagged AS f ON f.request_id = c.request_id
    WHERE c.sku_meter IN ({{meters}}) GROUP BY c.request_id
)
SELECT f.request_id, f.workflow_id, f.model, f.tokens, f.number, COALESCE(c.cost, 0.0) AS cost
FROM flagged AS f LEFT JOIN cost AS c ON c.request_id = f.request_id
ORDER BY f.request_id
"""


class _Limit(NamedTuple):
    """From how many tokens on a group's requests are flagged, with the z of each such length, and its median."""

    least: int
    z: dict[int, float]
    median: float


def outliers(store: Store) -> int:
    """Find outliers among all billable requests and write the table `outlier` anew; returns how many were found.

    Groups of fewer than 20 requests are pooled with the other requests of their kind and model.
    """
    store.replace("outlier_group", _numbered(store.rows(_GROUPS)))
    spend = {row["workflow_id"]: float(row["spend"]) for row in store.rows(_SPEND)}
    found = [row for side in _SIDES for row in _flagged(store, side, spend)]
    store.run("DROP TABLE outlier_group")
    reasons = causes(store, found)
    for row in found:
        row["cause"] = reasons[row["request_id"], row["meter"]]
    store.run("DELETE FROM outlier")
    store.write_rows("outlier", found)
    return len(found)


def _numbered(groups: list[dict[str, Any]]) -> pa.Table:
    """Each (workflow, model) with the number of the group it is judged in; small ones are pooled by (kind, model)."""
    pools: dict[tuple[str, str], int] = {}
    numbers = [
        place if row["requests"] >= MIN_UNITS else pools.setdefault((row["task_kind"], row["model"]), place)
        for place, row in enumerate(groups)
    ]
    return pa.table({
        "workflow_id": pa.array([row["workflow_id"] for row in groups], pa.int64()),
        "model": pa.array([row["model"] for row in groups], pa.string()),
        "number": pa.array(numbers, pa.int64()),
    })  # fmt: skip


def _flagged(store: Store, side: str, spend: dict[int, float]) -> Iterator[dict[str, Any]]:
    limits = dict(_limits(store.query(_LENGTHS.format(side=side))))
    columns = {
        "number": pa.array(list(limits), pa.int64()),
        "least": pa.array([limit.least for limit in limits.values()], pa.int64()),
    }
    store.replace("outlier_limit", pa.table(columns))
    rows = store.rows(_FLAGGED.format(side=side, meters=_METERS[side]))
    store.run("DROP TABLE outlier_limit")
    for row in rows:
        limit = limits[row["number"]]
        excess = int(row["tokens"] - limit.median)
        cost = round(row["cost"] / float(row["tokens"]) * excess)
        yield {
            "request_id": row["request_id"],
            "workflow_id": row["workflow_id"],
            "model": row["model"],
            "meter": side,
            "tokens": row["tokens"],
            "median": limit.median,
            "z": limit.z[row["tokens"]],
            "excess_tokens": excess,
            "excess_cost_pico": cost,
            "listed": cost >= LISTED_SHARE * spend[row["workflow_id"]],
        }


def _limits(lengths: pa.Table) -> Iterator[tuple[int, _Limit]]:
    """The limit of each group that has one, from its lengths in rising order."""
    numbers, tokens, requests = (_ints(lengths, name) for name in ("number", "tokens", "requests"))
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    for low, high in pairwise([*starts.tolist(), len(numbers)]):
        group, counts = tokens[low:high], requests[low:high]
        if counts.sum() < 3 or not group.any():
            continue
        result = find_outliers(group, counts)
        if result.flagged.any():
            above = group[result.flagged]
            z = dict(zip(above.tolist(), result.z[result.flagged].tolist(), strict=True))
            yield int(numbers[low]), _Limit(int(above[0]), z, result.median)


def _ints(table: pa.Table, name: str) -> NDArray[np.int64]:
    values: NDArray[np.int64] = table[name].to_numpy()
    return values
