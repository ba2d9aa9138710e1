"""Latency and time to the first token: nearest-rank quantiles of billable requests."""

from audit.measures import Column, Measure

MEASURE = Measure(
    name="latency",
    title="Latency",
    query="""
WITH observed AS (
    SELECT 'duration' AS key, duration AS seconds FROM request WHERE status = 'billable' AND duration >= 0
    UNION ALL
    SELECT 'time to first token' AS key, time_to_first_chunk AS seconds FROM request
    WHERE status = 'billable' AND time_to_first_chunk >= 0
),
histogram AS (SELECT key, seconds, COUNT(*) AS n FROM observed GROUP BY key, seconds),
ranked AS (
    SELECT key, seconds,
           SUM(n) OVER (PARTITION BY key ORDER BY seconds ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS upto,
           SUM(n) OVER (PARTITION BY key) AS n
    FROM histogram
)
SELECT key, CAST(MAX(n) AS BIGINT) AS requests,
       MIN(CASE WHEN upto * 100 >= n * 50 THEN seconds ELSE NULL END) AS p50,
       MIN(CASE WHEN upto * 100 >= n * 95 THEN seconds ELSE NULL END) AS p95,
       MIN(CASE WHEN upto * 100 >= n * 99 THEN seconds ELSE NULL END) AS p99
FROM ranked GROUP BY key ORDER BY key
""",
    columns=(
        Column("key", "Measure", "text"),
        Column("requests", "Requests", "count"),
        Column("p50", "p50", "seconds"),
        Column("p95", "p95", "seconds"),
        Column("p99", "p99", "seconds"),
    ),
    order=110,
    topic="calls",
)
