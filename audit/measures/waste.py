"""Money spent in vain: tasks that failed, calls retried, answers generated again, errors of tools read."""

from audit.measures import Column, Measure
from audit.store.tasks import tasks

MEASURE = Measure(
    name="waste",
    title="Spent in vain",
    query="""
WITH vain AS (
    SELECT a.waste AS key, COUNT(*) AS requests, CAST(SUM(COALESCE(c.cost_pico, 0)) AS DECIMAL(38, 0)) AS cost_pico
    FROM task_attempt AS a LEFT JOIN request_cost AS c ON c.request_id = a.request_id
    WHERE a.waste <> '' GROUP BY a.waste
),
total AS (
    SELECT SUM(c.cost_pico) AS cost_pico FROM request AS r JOIN request_cost AS c ON c.request_id = r.request_id
    WHERE r.status IN ('billable', 'failed')
)
SELECT v.key, v.requests, v.cost_pico,
       CASE WHEN t.cost_pico > 0 THEN CAST(v.cost_pico AS DOUBLE) / CAST(t.cost_pico AS DOUBLE) ELSE 0.0 END AS share
FROM vain AS v CROSS JOIN total AS t ORDER BY v.cost_pico DESC, v.key
""",
    prepare=tasks,
    columns=(
        Column("key", "Why", "text"),
        Column("requests", "Requests", "count"),
        Column("cost_pico", "Spend", "pico"),
        Column("share", "Share", "share"),
    ),
    order=100,
    note="failed: the task did not succeed; retried: the call failed, or another attempt followed; regenerated: asked "
    "again a minute or more after an answer, which somebody did not like; tool failed: the call only reads an error.",
)
