"""SQL of what a task is: the attempts of one question, whether it succeeded, and which attempts were in vain.

A task is one question of one user or conversation: its retries, fallbacks to another model and regenerated answers
within ten minutes of each other. It succeeds when its last attempt answered, was not refused, and no explicit outcome
or feedback field says otherwise. An attempt is in vain when its task failed, or when another one followed: at least a
minute after it had answered, the answer was regenerated; otherwise it was retried.
"""

from __future__ import annotations

TASK_GAP_US = 600_000_000
REGENERATED_US = 60_000_000
NEGATIVE = (
    "0", "-1", "false", "no", "fail", "failed", "failure", "error", "bad", "negative", "down", "thumbs_down", "dislike",
    "rejected", "reject", "unresolved", "escalated", "incorrect", "wrong", "refused", "abandoned", "unsuccessful",
)  # fmt: skip
_NEGATIVE = ", ".join(f"'{word}'" for word in NEGATIVE)

TASK_ATTEMPT = f"""
attempts AS (
    SELECT r.request_id, r.started_at_us, r.workflow_id, LOWER(COALESCE(r.outcome, '')) AS outcome,
           CASE WHEN r.status = 'billable' AND LOWER(COALESCE(r.finish_reason, 'stop'))
                     NOT IN ('refusal', 'content_filter', 'safety', 'error') THEN 1 ELSE 0 END AS answered,
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
),
numbered AS (
    SELECT *, SUM(opens) OVER (PARTITION BY asker ORDER BY started_at_us, request_id
                               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS task_number
    FROM gaps
),
placed AS (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY asker, task_number ORDER BY started_at_us DESC, request_id DESC) AS back,
           COUNT(*) OVER (PARTITION BY asker, task_number) AS attempts,
           LEAD(started_at_us) OVER (PARTITION BY asker, task_number ORDER BY started_at_us, request_id) AS next_at_us
    FROM numbered
),
judged AS (
    SELECT *, MAX(CASE WHEN back = 1 AND answered = 1 AND outcome NOT IN ({_NEGATIVE}) THEN 1 ELSE 0 END)
                  OVER (PARTITION BY asker, task_number) AS success
    FROM placed
),
task_attempt AS (
    SELECT request_id, workflow_id, started_at_us, asker, task_number, opens, attempts, answered, success,
           CASE WHEN back = 1 THEN 1 ELSE 0 END AS is_last,
           CASE WHEN success = 0 THEN 'failed' WHEN back = 1 THEN ''
                WHEN answered = 1 AND next_at_us - started_at_us >= {REGENERATED_US} THEN 'regenerated'
                ELSE 'retried' END AS waste
    FROM judged
)"""
"""CTEs (without WITH) that end in `task_attempt`: one row per attempt; `is_last` marks one row of each task."""
