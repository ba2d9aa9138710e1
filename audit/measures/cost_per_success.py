"""What a task that succeeded costs, by workflow: everything spent on it, failed attempts included."""

from audit.measures import Column, Measure
from audit.store.tasks import tasks

MEASURE = Measure(
    name="cost_per_success",
    title="Cost per successful task, by workflow",
    query="""
WITH grouped AS (
    SELECT COALESCE(w.name, '(none)') AS key, COUNT(*) AS requests, CAST(SUM(a.is_last) AS BIGINT) AS tasks,
           CAST(SUM(a.is_last * a.success) AS BIGINT) AS successes,
           CAST(SUM(COALESCE(c.cost_pico, 0)) AS DECIMAL(38, 0)) AS cost_pico
    FROM task_attempt AS a
    LEFT JOIN request_cost AS c ON c.request_id = a.request_id
    LEFT JOIN workflow AS w ON w.workflow_id = a.workflow_id
    GROUP BY COALESCE(w.name, '(none)')
)
SELECT key, requests, tasks, successes, CAST(successes AS DOUBLE) / CAST(tasks AS DOUBLE) AS share, cost_pico,
       CASE WHEN successes > 0 THEN CAST(ROUND(CAST(cost_pico AS DOUBLE) / CAST(successes AS DOUBLE)) AS BIGINT)
            ELSE NULL END AS per_success_pico
FROM grouped ORDER BY cost_pico DESC, key
""",
    prepare=tasks,
    columns=(
        Column("key", "Workflow", "text"),
        Column("requests", "Calls", "count"),
        Column("tasks", "Tasks", "count"),
        Column("successes", "Succeeded", "count"),
        Column("share", "Share", "share"),
        Column("cost_pico", "Spend", "pico"),
        Column("per_success_pico", "Per success", "pico"),
    ),
    order=25,
)
