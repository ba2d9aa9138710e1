"""The busiest minutes: requests and tokens against the limits they must fit in."""

from audit.measures import Column, Measure

MEASURE = Measure(
    name="throughput",
    title="Busiest minutes",
    query="""
WITH minutes AS (
    SELECT started_at_us - started_at_us % 60000000 AS minute_us, COUNT(*) AS requests,
           CAST(SUM(COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0)) AS BIGINT) AS tokens,
           SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed
    FROM request WHERE started_at_us IS NOT NULL AND status IN ('billable', 'failed')
    GROUP BY started_at_us - started_at_us % 60000000
)
SELECT minute_us, requests, tokens, CAST(failed AS BIGINT) AS failed
FROM minutes ORDER BY requests DESC, tokens DESC, minute_us LIMIT 10
""",
    columns=(
        Column("minute_us", "Minute (UTC)", "text"),
        Column("requests", "Requests", "count"),
        Column("tokens", "Tokens", "tokens"),
        Column("failed", "Failed", "count"),
    ),
    order=120,
    topic="calls",
    limit=5,
)
