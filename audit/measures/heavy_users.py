"""Users who cost ten times what the middle user does, and a hundredth of the bill or more."""

from audit.measures import Column, Measure

MEASURE = Measure(
    name="heavy_users",
    title="Users far above the others",
    query="""
WITH spent AS (
    SELECT r.user_id AS key, COUNT(*) AS requests, MAX(r.day) - MIN(r.day) + 1 AS days,
           CAST(SUM(COALESCE(c.cost_pico, 0)) AS DECIMAL(38, 0)) AS cost_pico
    FROM request AS r LEFT JOIN request_cost AS c ON c.request_id = r.request_id
    WHERE r.status = 'billable' AND r.user_id IS NOT NULL GROUP BY r.user_id
),
ranked AS (
    SELECT key, requests, days, cost_pico, ROW_NUMBER() OVER (ORDER BY cost_pico, key) AS place,
           COUNT(*) OVER () AS users, SUM(cost_pico) OVER () AS whole
    FROM spent
),
middle AS (SELECT MIN(CASE WHEN place * 2 >= users THEN cost_pico ELSE NULL END) AS cost_pico FROM ranked)
SELECT r.key, r.requests, r.days, r.cost_pico, CAST(r.cost_pico AS DOUBLE) / CAST(r.whole AS DOUBLE) AS share,
       CAST(r.cost_pico AS DOUBLE) / CAST(m.cost_pico AS DOUBLE) AS times_middle
FROM ranked AS r CROSS JOIN middle AS m
WHERE r.users >= 20 AND m.cost_pico > 0 AND r.cost_pico >= 10 * m.cost_pico AND r.cost_pico * 100 >= r.whole
ORDER BY r.cost_pico DESC, r.key
""",
    columns=(
        Column("key", "User", "text"),
        Column("requests", "Requests", "count"),
        Column("days", "Days", "count"),
        Column("cost_pico", "Spend", "pico"),
        Column("share", "Of users' spend", "share"),
        Column("times_middle", "Middle user", "ratio"),
    ),
    order=65,
    limit=10,
)
