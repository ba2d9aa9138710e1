"""What the pieces of prompts and answers cost, by workflow: instructions, tools, history, question, answer."""

from __future__ import annotations

from audit.measures import Column, Measure
from audit.store import Store
from audit.store.ranges import request_ranges
from audit.store.segment_cost import request_part

_SUMS = """
CREATE OR REPLACE TEMP TABLE by_prompt_part_sum (
    workflow_id BIGINT, kind VARCHAR, requests BIGINT, tokens BIGINT, cache_read_tokens BIGINT,
    cost_pico DECIMAL(38, 0)
)
"""
_RANGE = f"""
INSERT INTO by_prompt_part_sum
WITH {request_part("AND estimated = FALSE AND request_id >= $first AND request_id < $last")}
SELECT r.workflow_id, e.kind, COUNT(*) AS requests, CAST(SUM(e.tokens) AS BIGINT) AS tokens,
       CAST(SUM(e.cache_read_tokens) AS BIGINT) AS cache_read_tokens,
       CAST(SUM(e.cost_pico) AS DECIMAL(38, 0)) AS cost_pico
FROM request_part AS e JOIN request AS r ON r.request_id = e.request_id
WHERE r.status = 'billable' GROUP BY r.workflow_id, e.kind
"""


def _prepare(store: Store) -> None:
    """Add up a stretch of requests at a time: their segments together do not fit in memory."""
    store.run(_SUMS)
    for first, last in request_ranges(store):
        store.run(_RANGE, first=first, last=last)


MEASURE = Measure(
    name="by_prompt_part",
    title="Spend by part of the prompt, at the price each token really paid",
    query="""
WITH grouped AS (
    SELECT COALESCE(w.name, '(none)') AS workflow, p.kind AS key, CAST(SUM(p.requests) AS BIGINT) AS requests,
           CAST(SUM(p.tokens) AS BIGINT) AS tokens, CAST(SUM(p.cache_read_tokens) AS BIGINT) AS cache_read_tokens,
           CAST(SUM(p.cost_pico) AS DECIMAL(38, 0)) AS cost_pico
    FROM by_prompt_part_sum AS p LEFT JOIN workflow AS w ON w.workflow_id = p.workflow_id
    GROUP BY COALESCE(w.name, '(none)'), p.kind
),
total AS (SELECT workflow, SUM(cost_pico) AS cost_pico FROM grouped GROUP BY workflow)
SELECT g.workflow, g.key, g.requests, g.tokens, g.cache_read_tokens, g.cost_pico,
       CASE WHEN t.cost_pico > 0 THEN CAST(g.cost_pico AS DOUBLE) / CAST(t.cost_pico AS DOUBLE) ELSE 0.0 END AS share
FROM grouped AS g JOIN total AS t ON t.workflow = g.workflow
ORDER BY g.cost_pico DESC, g.workflow, g.key
""",
    prepare=_prepare,
    columns=(
        Column("workflow", "Workflow", "text"),
        Column("key", "Part", "text"),
        Column("requests", "Requests", "count"),
        Column("tokens", "Tokens", "tokens"),
        Column("cache_read_tokens", "From cache", "tokens"),
        Column("cost_pico", "Spend", "pico"),
        Column("share", "Of workflow", "share"),
    ),
    order=95,
    limit=15,
    note="Billed tokens are shared over the logged text by its counted tokens; images take what the text leaves.",
)
