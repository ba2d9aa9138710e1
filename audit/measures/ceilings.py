"""How close each model came to its limits: busiest minute, requests in flight at once, calls turned away."""

from audit.measures import Column, Measure

MEASURE = Measure(
    name="ceilings",
    title="Peaks by model, against the limits they must fit in",
    query="""
WITH calls AS (
    SELECT request_id, COALESCE(request_model, response_model, 'unknown') AS key, started_at_us, status,
           COALESCE(input_tokens, 0) + COALESCE(output_tokens, 0) AS tokens,
           CASE WHEN duration > 0 THEN started_at_us + CAST(duration * 1000000 AS BIGINT) ELSE NULL END AS ended_at_us,
           CASE WHEN LOWER(COALESCE(error_type, '')) LIKE '%429%' OR LOWER(COALESCE(error_type, '')) LIKE '%rate%limit%'
                     OR LOWER(COALESCE(error_type, '')) LIKE '%too%many%request%'
                     OR LOWER(COALESCE(error_type, '')) LIKE '%throttl%'
                     OR LOWER(COALESCE(error_type, '')) LIKE '%quota%'
                THEN 1 ELSE 0 END AS throttled
    FROM request WHERE status IN ('billable', 'failed') AND started_at_us IS NOT NULL
),
minutes AS (
    SELECT key, started_at_us - started_at_us % 60000000 AS minute_us, COUNT(*) AS requests, SUM(tokens) AS tokens
    FROM calls GROUP BY key, started_at_us - started_at_us % 60000000
),
busiest AS (
    SELECT key, MAX(requests) AS requests_per_minute, CAST(MAX(tokens) AS BIGINT) AS tokens_per_minute
    FROM minutes GROUP BY key
),
edges AS (
    SELECT key, started_at_us AS at_us, 1 AS step FROM calls WHERE ended_at_us IS NOT NULL
    UNION ALL
    SELECT key, ended_at_us AS at_us, -1 AS step FROM calls WHERE ended_at_us IS NOT NULL
),
running AS (
    SELECT key, SUM(step) OVER (PARTITION BY key ORDER BY at_us, step
                                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS in_flight
    FROM edges
),
flight AS (SELECT key, CAST(MAX(in_flight) AS BIGINT) AS in_flight FROM running GROUP BY key),
totals AS (
    SELECT key, COUNT(*) AS calls, CAST(SUM(throttled) AS BIGINT) AS throttled FROM calls GROUP BY key
)
SELECT t.key, t.calls, b.requests_per_minute, b.tokens_per_minute, f.in_flight, t.throttled,
       CAST(t.throttled AS DOUBLE) / CAST(t.calls AS DOUBLE) AS throttled_share
FROM totals AS t JOIN busiest AS b ON b.key = t.key LEFT JOIN flight AS f ON f.key = t.key
ORDER BY b.tokens_per_minute DESC, t.key
""",
    columns=(
        Column("key", "Model asked for", "text"),
        Column("calls", "Calls", "count"),
        Column("requests_per_minute", "Most requests a minute", "count"),
        Column("tokens_per_minute", "Most tokens a minute", "tokens"),
        Column("in_flight", "Most at once", "count"),
        Column("throttled", "Turned away", "count"),
        Column("throttled_share", "Share", "share"),
    ),
    order=122,
    topic="calls",
    note="At once needs durations in the log; turned away are calls that failed with a rate limit (429) or a quota.",
)
