"""What waiting would merge: equal requests of one minute, ten minutes or an hour, answered together."""

from audit.measures import Column, Measure

MEASURE = Measure(
    name="waiting_windows",
    title="Equal requests that would be one if answers could wait",
    query="""
WITH asked AS (
    SELECT r.request_id, r.prompt_key, r.started_at_us, COALESCE(c.cost_pico, 0) AS cost_pico
    FROM request AS r LEFT JOIN request_cost AS c ON c.request_id = r.request_id
    WHERE r.status = 'billable' AND r.prompt_key IS NOT NULL AND r.started_at_us IS NOT NULL
),
lengths AS (SELECT 1 AS minutes UNION ALL SELECT 10 AS minutes UNION ALL SELECT 60 AS minutes),
placed AS (
    SELECT w.minutes, a.cost_pico,
           ROW_NUMBER() OVER (
               PARTITION BY w.minutes, a.prompt_key,
                            a.started_at_us - a.started_at_us % (CAST(w.minutes AS BIGINT) * 60000000)
               ORDER BY a.started_at_us, a.request_id
           ) AS place
    FROM asked AS a CROSS JOIN lengths AS w
),
merged AS (
    SELECT minutes, COUNT(*) AS requests, CAST(SUM(CASE WHEN place > 1 THEN 1 ELSE 0 END) AS BIGINT) AS merged,
           CAST(SUM(CASE WHEN place > 1 THEN cost_pico ELSE 0 END) AS DECIMAL(38, 0)) AS cost_pico
    FROM placed GROUP BY minutes
)
SELECT minutes, requests, merged, CAST(merged AS DOUBLE) / CAST(requests AS DOUBLE) AS share, cost_pico
FROM merged ORDER BY minutes
""",
    columns=(
        Column("minutes", "Window, minutes", "count"),
        Column("requests", "Requests", "count"),
        Column("merged", "Would be merged", "count"),
        Column("share", "Share", "share"),
        Column("cost_pico", "Spend", "pico"),
    ),
    order=125,
    topic="calls",
    note="Windows start on the clock; a request waits half of one on average. A response cache saves most of the same.",
)
