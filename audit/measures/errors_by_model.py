"""Failed calls by model: what did not answer."""

from audit.measures import Column, Measure

MEASURE = Measure(
    name="errors",
    title="Failed calls",
    query="""
WITH calls AS (
    SELECT COALESCE(request_model, response_model, 'unknown') AS key, COUNT(*) AS requests,
           SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed
    FROM request WHERE status IN ('billable', 'failed')
    GROUP BY COALESCE(request_model, response_model, 'unknown')
)
SELECT key, requests, CAST(failed AS BIGINT) AS failed, CAST(failed AS DOUBLE) / CAST(requests AS DOUBLE) AS share
FROM calls WHERE failed > 0 ORDER BY failed DESC, key
""",
    columns=(
        Column("key", "Model asked for", "text"),
        Column("requests", "Calls", "count"),
        Column("failed", "Failed", "count"),
        Column("share", "Share", "share"),
    ),
    order=130,
    topic="calls",
)
