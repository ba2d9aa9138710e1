"""What the pieces of prompts and answers cost, by workflow: instructions, tools, history, question, answer."""

from __future__ import annotations

from audit.measures import Column, Measure
from audit.store.segment_cost import request_part

MEASURE = Measure(
    name="by_prompt_part",
    title="Spend by part of the prompt, at the price each token really paid",
    query=f"""
WITH {request_part("AND estimated = FALSE")},
grouped AS (
    SELECT COALESCE(w.name, '(none)') AS workflow, e.kind AS key, COUNT(*) AS requests,
           CAST(SUM(e.tokens) AS BIGINT) AS tokens, CAST(SUM(e.cache_read_tokens) AS BIGINT) AS cache_read_tokens,
           CAST(SUM(e.cost_pico) AS DECIMAL(38, 0)) AS cost_pico
    FROM request_part AS e JOIN request AS r ON r.request_id = e.request_id
    LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
    WHERE r.status = 'billable'
    GROUP BY COALESCE(w.name, '(none)'), e.kind
),
total AS (SELECT workflow, SUM(cost_pico) AS cost_pico FROM grouped GROUP BY workflow)
SELECT g.workflow, g.key, g.requests, g.tokens, g.cache_read_tokens, g.cost_pico,
       CASE WHEN t.cost_pico > 0 THEN CAST(g.cost_pico AS DOUBLE) / CAST(t.cost_pico AS DOUBLE) ELSE 0.0 END AS share
FROM grouped AS g JOIN total AS t ON t.workflow = g.workflow
ORDER BY g.cost_pico DESC, g.workflow, g.key
""",
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
