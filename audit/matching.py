"""The stage `matching`: which requests ask what was asked before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from audit.store import Store

_TIER = """
WITH paid AS (
    SELECT r.request_id, r.{key} AS match_key, COALESCE(r.started_at_us, 0) AS at_us, COALESCE(c.cost_pico, 0) AS cost
    FROM request AS r LEFT JOIN request_cost AS c ON c.request_id = r.request_id
    WHERE r.status = 'billable' AND r.{key} IS NOT NULL
),
placed AS (
    SELECT match_key, cost, request_id,
           ROW_NUMBER() OVER (PARTITION BY match_key ORDER BY at_us, request_id) AS place
    FROM paid
),
grouped AS (
    SELECT match_key, COUNT(*) AS requests,
           CAST(SUM(CASE WHEN place > 1 THEN cost ELSE 0 END) AS DECIMAL(38, 0)) AS cost,
           MIN(CASE WHEN place = 1 THEN request_id ELSE NULL END) AS first_id
    FROM placed GROUP BY match_key HAVING COUNT(*) > 1
)
"""

_TOTALS = (
    _TIER
    + """
SELECT COUNT(*) AS groups, CAST(COALESCE(SUM(requests), 0) AS BIGINT) AS requests,
       CAST(COALESCE(SUM(requests - 1), 0) AS BIGINT) AS avoidable,
       CAST(COALESCE(SUM(cost), 0) AS DECIMAL(38, 0)) AS cost
FROM grouped
"""
)

_TOP = (
    _TIER
    + """
, last_user AS (
    SELECT s.request_id, MAX(s.position) AS position FROM segment AS s
    JOIN grouped AS g ON g.first_id = s.request_id
    WHERE s.direction = 'input' AND s.kind IN ('user', 'history', 'tool_result') GROUP BY s.request_id
),
answers AS (
    SELECT r.{key} AS match_key, COUNT(DISTINCT r.output_normalised_hash) AS answers
    FROM request AS r JOIN grouped AS g ON g.match_key = r.{key}
    WHERE r.status = 'billable' GROUP BY r.{key}
)
SELECT g.requests, g.requests - 1 AS avoidable, g.cost AS cost_pico, COALESCE(r.external_id, '') AS external_id,
       COALESCE(w.name, '(none)') AS workflow, COALESCE(r.response_model, r.request_model, 'unknown') AS model,
       COALESCE(a.answers, 0) AS distinct_answers, c.text
FROM grouped AS g
JOIN request AS r ON r.request_id = g.first_id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
LEFT JOIN answers AS a ON a.match_key = g.match_key
LEFT JOIN last_user AS l ON l.request_id = g.first_id
LEFT JOIN segment AS s ON s.request_id = l.request_id AND s.position = l.position
LEFT JOIN content AS c ON c.content_hash = s.content_hash
ORDER BY g.cost DESC, g.requests DESC, g.match_key LIMIT $top
"""
)


@dataclass(frozen=True, slots=True)
class DuplicateTier:
    """Requests that are the same under one notion of sameness; looser tiers include stricter ones.

    `avoidable` is requests minus distinct ones, `cost_pico` what every one after the first cost. `measured` is false
    when this log (or this installation) can't tell, and `reason` says why.
    """

    name: str
    groups: int = 0
    requests: int = 0
    avoidable: int = 0
    cost_pico: int = 0
    top: list[dict[str, Any]] = field(default_factory=list)
    measured: bool = True
    reason: str = ""


def matching(store: Store, *, top: int = 10) -> list[DuplicateTier]:
    """Exact and normalised duplicates over the whole log, with the dearest groups of each."""
    if not store.value("SELECT COUNT(*) FROM request WHERE status = 'billable' AND prompt_key IS NOT NULL"):
        reason = "the log holds no complete prompt text"
        return [DuplicateTier(name, measured=False, reason=reason) for name in ("exact", "normalised")]
    return [_tier(store, "exact", "prompt_key", top), _tier(store, "normalised", "normalised_key", top)]


def _tier(store: Store, name: str, key: str, top: int) -> DuplicateTier:
    totals = store.rows(_TOTALS.format(key=key))[0]
    return DuplicateTier(
        name=name,
        groups=totals["groups"],
        requests=totals["requests"],
        avoidable=totals["avoidable"],
        cost_pico=int(totals["cost"]),
        top=store.rows(_TOP.format(key=key), top=top),
    )
