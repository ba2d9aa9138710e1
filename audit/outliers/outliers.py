"""The stage `outliers`: flag requests per workflow, model and side, price the excess, name the likely cause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.outliers.causes import causes
from audit.statistics.outliers import MIN_UNITS, find_outliers
from audit.store import Store

LISTED_SHARE = 0.001
_SIDES = ("input", "output")

_REQUESTS = """
WITH sides AS (
    SELECT request_id,
           SUM(CASE WHEN sku_meter = 'output' THEN COALESCE(cost_pico, 0) ELSE 0 END) AS output_cost,
           SUM(CASE WHEN sku_meter IN ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h')
                    THEN COALESCE(cost_pico, 0) ELSE 0 END) AS input_cost
    FROM charge GROUP BY request_id
)
SELECT r.request_id, COALESCE(r.workflow_id, 0) AS workflow_id, COALESCE(r.task_kind, '') AS task_kind,
       COALESCE(r.response_model, r.request_model, 'unknown') AS model,
       COALESCE(r.input_tokens, 0) AS input_tokens, COALESCE(r.output_tokens, 0) AS output_tokens,
       CAST(COALESCE(s.input_cost, 0) AS DOUBLE) AS input_cost,
       CAST(COALESCE(s.output_cost, 0) AS DOUBLE) AS output_cost
FROM request AS r LEFT JOIN sides AS s ON s.request_id = r.request_id
WHERE r.status = 'billable' AND r.usage_source <> 'unknown'
ORDER BY r.request_id
"""


def outliers(store: Store) -> int:
    """Find outliers among all billable requests and write the table `outlier` anew; returns how many were found.

    Groups of fewer than 20 requests are pooled with the other requests of their kind and model.
    """
    requests = store.query(_REQUESTS)
    found: list[dict[str, Any]] = []
    spend = _spend_by_workflow(requests)
    for rows in _groups(requests):
        for side in _SIDES:
            found.extend(_flag(requests, rows, side, spend))
    reasons = causes(store, found)
    for row in found:
        row["cause"] = reasons[row["request_id"], row["meter"]]
    store.run("DELETE FROM outlier")
    store.write_rows("outlier", found)
    return len(found)


def _groups(requests: pa.Table) -> Iterator[NDArray[np.int64]]:
    """Row numbers of each (workflow, model); small groups pooled by (kind, model)."""
    pooled: dict[tuple[str, str], list[NDArray[np.int64]]] = {}
    kinds = requests["task_kind"].to_pylist()
    models = requests["model"].to_pylist()
    for rows in _split(requests, ("workflow_id", "model")):
        if len(rows) >= MIN_UNITS:
            yield rows
        else:
            pooled.setdefault((kinds[rows[0]], models[rows[0]]), []).append(rows)
    for parts in pooled.values():
        rows = np.concatenate(parts)
        if len(rows) >= 3:
            yield rows


def _split(requests: pa.Table, columns: tuple[str, ...]) -> list[NDArray[np.int64]]:
    codes = [_codes(requests[name].combine_chunks()) for name in columns]
    order = np.lexsort(codes[::-1])
    changed = np.zeros(len(order), dtype=np.bool_)
    for code in codes:
        changed[1:] |= code[order][1:] != code[order][:-1]
    return np.split(order, np.flatnonzero(changed)) if len(order) else []


def _codes(column: Any) -> NDArray[np.int64]:
    encoded = column.dictionary_encode() if pa.types.is_string(column.type) else None
    values = column if encoded is None else encoded.indices
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.int64)


def _spend_by_workflow(requests: pa.Table) -> dict[int, float]:
    spend: dict[int, float] = {}
    costs = requests["input_cost"].to_numpy() + requests["output_cost"].to_numpy()
    for rows in _split(requests, ("workflow_id",)):
        spend[int(requests["workflow_id"][int(rows[0])].as_py())] = float(costs[rows].sum())
    return spend


def _flag(requests: pa.Table, rows: NDArray[np.int64], side: str, spend: dict[int, float]) -> Iterator[dict[str, Any]]:
    tokens = requests[f"{side}_tokens"].to_numpy()[rows]
    if not tokens.any():
        return
    result = find_outliers(tokens)
    costs = requests[f"{side}_cost"].to_numpy()[rows]
    for place in np.flatnonzero(result.flagged).tolist():
        row = int(rows[place])
        excess = int(tokens[place] - result.median)
        cost = round(float(costs[place]) / float(tokens[place]) * excess)
        workflow = int(requests["workflow_id"][row].as_py())
        yield {
            "request_id": int(requests["request_id"][row].as_py()),
            "workflow_id": workflow,
            "model": requests["model"][row].as_py(),
            "meter": side,
            "tokens": int(tokens[place]),
            "median": result.median,
            "z": float(result.z[place]),
            "excess_tokens": excess,
            "excess_cost_pico": cost,
            "listed": cost >= LISTED_SHARE * spend[workflow],
        }
