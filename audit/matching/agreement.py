"""Do the logged answers of a pair agree? Judged by the scorers on a sample drawn before anyone looked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from audit.scoring.logged import exchanged
from audit.store import Store

MOST_COMPARED = 200
"""Pairs compared of each workflow, method and band of similarity."""

BAND = 0.05

# identities are hashes, so the smallest of them are as good as drawn by chance
_CHOSEN = f"""
CREATE OR REPLACE TEMP TABLE compared_pair AS
WITH nearest AS (
    SELECT request_id, neighbour_id, similarity, method,
           ROW_NUMBER() OVER (
               PARTITION BY request_id
               ORDER BY CASE method WHEN 'near' THEN 0 WHEN 'semantic' THEN 1 ELSE 2 END, similarity DESC, neighbour_id
           ) AS place
    FROM pair
),
asked AS (
    SELECT request_id, prompt_key, workflow_id, identity,
           LAG(request_id) OVER (PARTITION BY prompt_key ORDER BY started_at_us, request_id) AS before_id
    FROM request
    WHERE status = 'billable' AND prompt_key IS NOT NULL AND output_normalised_hash IS NOT NULL
      AND COALESCE(operation_name, 'chat') <> 'embeddings'
),
offered AS (
    SELECT n.request_id, n.neighbour_id, n.similarity, n.method, r.workflow_id,
           CAST(FLOOR(n.similarity / {BAND} + 0.000001) AS INTEGER) AS band, r.identity
    FROM nearest AS n JOIN request AS r ON r.request_id = n.request_id WHERE n.place = 1
    UNION ALL
    SELECT request_id, before_id AS neighbour_id, 1.0 AS similarity, 'exact' AS method, workflow_id, 0 AS band, identity
    FROM asked WHERE before_id IS NOT NULL
),
placed AS (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY workflow_id, method, band ORDER BY identity, request_id) AS place
    FROM offered
)
SELECT p.request_id, p.neighbour_id, p.similarity, p.method,
       CASE WHEN r.output_normalised_hash = n.output_normalised_hash THEN 1 ELSE 0 END AS equal,
       ROW_NUMBER() OVER (ORDER BY p.request_id, p.neighbour_id) AS number
FROM placed AS p
JOIN request AS r ON r.request_id = p.request_id
JOIN request AS n ON n.request_id = p.neighbour_id
WHERE p.place <= {MOST_COMPARED}
  AND r.output_normalised_hash IS NOT NULL AND n.output_normalised_hash IS NOT NULL
"""

_DIFFERING = "SELECT request_id, neighbour_id, method FROM compared_pair WHERE equal = 0 ORDER BY number"

_SETTLE = (
    """
UPDATE pair SET agree = v.agree, reason = v.reason FROM compared_verdict AS v
WHERE v.request_id = pair.request_id AND v.neighbour_id = pair.neighbour_id AND v.method = pair.method
""",
    """
INSERT INTO pair (request_id, neighbour_id, similarity, method, agree, reason)
SELECT p.request_id, p.neighbour_id, p.similarity, p.method, v.agree, v.reason
FROM compared_pair AS p
JOIN compared_verdict AS v ON v.request_id = p.request_id AND v.neighbour_id = p.neighbour_id AND v.method = p.method
WHERE p.method = 'exact'
""",
)

_COLUMNS: dict[str, pa.DataType] = {
    "request_id": pa.int64(),
    "neighbour_id": pa.int64(),
    "method": pa.string(),
    "agree": pa.bool_(),
    "reason": pa.string(),
}


def compare(store: Store) -> None:
    """Set `agree` and `reason` of up to 200 pairs of each workflow, method and band, and of exact repetitions.

    Of each question only the nearest earlier neighbour is a candidate, because that is the answer a cache would give.
    `agree` stays NULL beside a reason where only a judge or a person could tell.
    """
    store.run(_CHOSEN)
    equal = store.query("SELECT request_id, neighbour_id, method FROM compared_pair WHERE equal = 1").to_pylist()
    verdicts = [{**row, "agree": True, "reason": "the same answer"} for row in equal]
    verdicts.extend(_judged(store))
    store.replace("compared_verdict", pa.Table.from_pylist(verdicts, pa.schema(_COLUMNS)))
    for statement in _SETTLE:
        store.run(statement)
    for table in ("compared_pair", "compared_verdict"):
        store.run(f"DROP TABLE IF EXISTS {table}")


def _judged(store: Store) -> Iterator[dict[str, Any]]:
    differing = store.rows(_DIFFERING)
    scores = exchanged(store, [(row["request_id"], row["neighbour_id"]) for row in differing])
    for row, score in zip(differing, scores, strict=True):
        yield {**row, "agree": score.passed, "reason": score.reason}
