"""The stage `outcomes`: requests grouped into tasks, and what a task that succeeded cost.

A task is one question of one user or conversation: its retries, fallbacks to another model and regenerated answers
within ten minutes of each other. It succeeds when its last attempt answered, was not refused, and no explicit outcome
or feedback field says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

from audit.store import Store

TASK_GAP_US = 600_000_000
NEGATIVE = (
    "0", "-1", "false", "no", "fail", "failed", "failure", "error", "bad", "negative", "down", "thumbs_down", "dislike",
    "rejected", "reject", "unresolved", "escalated", "incorrect", "wrong", "refused", "abandoned", "unsuccessful",
)  # fmt: skip

_TASKS = f"""
CREATE OR REPLACE TEMP TABLE task_attempt AS
WITH attempts AS (
    SELECT r.request_id, r.status, r.finish_reason, LOWER(COALESCE(r.outcome, '')) AS outcome, r.started_at_us,
           r.workflow_id,
           CASE WHEN r.question_key IS NULL OR r.started_at_us IS NULL
                     OR (r.user_id IS NULL AND r.conversation_id IS NULL AND r.trace_id IS NULL)
                THEN 'request ' || CAST(r.request_id AS VARCHAR)
                ELSE COALESCE(r.user_id, '') || '|' || COALESCE(r.conversation_id, CASE WHEN r.user_id IS NULL
                     THEN r.trace_id ELSE '' END) || '|' || CAST(r.question_key AS VARCHAR) END AS asker
    FROM request AS r WHERE r.status IN ('billable', 'failed')
),
gaps AS (
    SELECT *, CASE WHEN started_at_us - LAG(started_at_us) OVER (
                        PARTITION BY asker ORDER BY started_at_us, request_id) <= {TASK_GAP_US}
                   THEN 0 ELSE 1 END AS opens
    FROM attempts
)
SELECT request_id, status, finish_reason, outcome, started_at_us, workflow_id, asker,
       SUM(opens) OVER (PARTITION BY asker ORDER BY started_at_us, request_id
                        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS task_number,
       opens
FROM gaps
"""

_LAST = f"""
CREATE OR REPLACE TEMP TABLE task AS
WITH placed AS (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY asker, task_number ORDER BY started_at_us DESC, request_id DESC) AS back,
           COUNT(*) OVER (PARTITION BY asker, task_number) AS attempts
    FROM task_attempt
)
SELECT request_id, workflow_id, attempts,
       CASE WHEN status = 'billable' AND outcome NOT IN ({", ".join(f"'{word}'" for word in NEGATIVE)})
                 AND LOWER(COALESCE(finish_reason, 'stop')) NOT IN ('refusal', 'content_filter', 'safety', 'error')
            THEN 1 ELSE 0 END AS success
FROM placed WHERE back = 1
"""

_TOTALS = """
SELECT COUNT(*) AS tasks, CAST(COALESCE(SUM(success), 0) AS BIGINT) AS successes,
       CAST(COALESCE(SUM(attempts - 1), 0) AS BIGINT) AS repeats
FROM task
"""

_REPEAT_COST = """
SELECT CAST(COALESCE(SUM(c.cost_pico), 0) AS DECIMAL(38, 0)) AS cost
FROM task_attempt AS a
JOIN request_cost AS c ON c.request_id = a.request_id
LEFT JOIN task AS t ON t.request_id = a.request_id
WHERE t.request_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Tasks of the log: how many there were, how many succeeded, what their superseded attempts cost."""

    tasks: int
    successes: int
    repeats: int
    repeat_cost_pico: int


def outcomes(store: Store) -> Outcomes:
    """Group the requests into tasks (temporary tables `task_attempt` and `task`) and count them."""
    store.run(_TASKS)
    store.run(_LAST)
    totals = store.rows(_TOTALS)[0]
    return Outcomes(totals["tasks"], totals["successes"], totals["repeats"], int(store.value(_REPEAT_COST)))
