"""Answers that hit the output limit: paid for to the last token, and rarely of use."""

from audit.measures import Column, Measure

MEASURE = Measure(
    name="cut_off_answers",
    title="Answers cut off at the output limit",
    query="""
WITH answered AS (
    SELECT COALESCE(w.name, '(none)') AS key, COALESCE(c.cost_pico, 0) AS cost_pico, r.request_max_tokens,
           CASE WHEN LOWER(COALESCE(r.finish_reason, '')) IN ('length', 'max_tokens', 'max_output_tokens')
                THEN 1 ELSE 0 END AS cut_off
    FROM request AS r
    LEFT JOIN request_cost AS c ON c.request_id = r.request_id
    LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
    WHERE r.status = 'billable'
),
grouped AS (
    SELECT key, COUNT(*) AS requests, CAST(SUM(cut_off) AS BIGINT) AS cut_off,
           MIN(CASE WHEN cut_off = 1 THEN request_max_tokens ELSE NULL END) AS request_max_tokens,
           CAST(SUM(CASE WHEN cut_off = 1 THEN cost_pico ELSE 0 END) AS DECIMAL(38, 0)) AS cost_pico
    FROM answered GROUP BY key
)
SELECT key, requests, cut_off, CAST(cut_off AS DOUBLE) / CAST(requests AS DOUBLE) AS share, request_max_tokens,
       cost_pico
FROM grouped WHERE cut_off > 0 ORDER BY cost_pico DESC, key
""",
    columns=(
        Column("key", "Workflow", "text"),
        Column("requests", "Requests", "count"),
        Column("cut_off", "Cut off", "count"),
        Column("share", "Share", "share"),
        Column("request_max_tokens", "Lowest limit", "tokens"),
        Column("cost_pico", "Spend", "pico"),
    ),
    order=105,
    topic="calls",
)
