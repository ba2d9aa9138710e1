"""Workflows of requests without a system prompt: those whose messages open with the same instructions."""

from __future__ import annotations

import pyarrow as pa

from audit.hashes import digest
from audit.store import Store

OPENING = 60
"""Characters that messages must share from their first to count as one template."""

_LEAST_REQUESTS, _LEAST_TEXTS, _LEAST_CHARACTERS = 20, 5, 120

# the first message says what a request without system prompt and tools is for
_OPENINGS = f"""
CREATE OR REPLACE TEMP TABLE opening_request AS
WITH first_of AS (
    SELECT r.request_id, MIN(s.position) AS position
    FROM workflow AS w
    JOIN request AS r ON r.workflow_id = w.workflow_id
    JOIN segment AS s ON s.request_id = r.request_id AND s.direction = 'input'
    WHERE w.origin = 'prompt' AND w.title = 'no instructions' GROUP BY r.request_id
)
SELECT f.request_id, SUBSTR(c.text, 1, {OPENING}) AS opening, s.content_hash
FROM first_of AS f
JOIN segment AS s ON s.request_id = f.request_id AND s.position = f.position AND s.kind = 'user'
JOIN content AS c ON c.content_hash = s.content_hash
WHERE c.characters >= {_LEAST_CHARACTERS} AND c.text IS NOT NULL
"""
_SHARED = """
SELECT o.opening, COUNT(*) AS requests, COUNT(DISTINCT o.content_hash) AS texts FROM opening_request AS o
GROUP BY o.opening ORDER BY o.opening
"""
_KNOWN = "SELECT workflow_id FROM workflow WHERE origin = 'opening'"
_MOVE = (
    """
UPDATE request SET workflow_id = n.workflow_id
FROM opening_request AS o JOIN opening_workflow AS n ON n.title = o.opening WHERE o.request_id = request.request_id
""",
    "UPDATE sample SET workflow_id = r.workflow_id FROM request AS r WHERE r.request_id = sample.request_id",
    "UPDATE replay SET workflow_id = r.workflow_id FROM request AS r WHERE r.request_id = replay.request_id",
    "DROP TABLE opening_request",
    "DROP TABLE opening_workflow",
)


def split_by_opening(store: Store) -> None:
    """Give requests without instructions a workflow of their own where 20 of them, with five different texts, open so.

    A template once seen takes in what comes later, however little.
    """
    store.run(_OPENINGS)
    known = {row["workflow_id"] for row in store.rows(_KNOWN)}
    rows = []
    for row in store.rows(_SHARED):
        found = {"workflow_id": digest("workflow", "opening", row["opening"]), "title": row["opening"]}
        often = row["requests"] >= _LEAST_REQUESTS and row["texts"] >= _LEAST_TEXTS
        if often or found["workflow_id"] in known:
            rows.append(found)
    if not rows:
        store.run("DROP TABLE opening_request")
        return
    columns: dict[str, pa.DataType] = {"workflow_id": pa.int64(), "title": pa.string()}
    schema = pa.schema(columns)
    store.replace("opening_workflow", pa.Table.from_pylist(rows, schema=schema))
    fresh = [{**row, "origin": "opening"} for row in rows if row["workflow_id"] not in known]
    with store.transaction():
        store.write_rows("workflow", fresh)
        for statement in _MOVE:
            store.run(statement)
