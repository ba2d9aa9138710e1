"""Stop paying twice for a request that its own client sent again before using the first answer."""

from __future__ import annotations

from audit.levers import Lever

LEVER = Lever(
    name="retries",
    title="Client retries and double sends",
    stage="WASTE",
    order=10,
    evidence="A",
    rewrite="""
WITH attempt AS (
    SELECT request_id, started_at_us, COALESCE(duration, 0) AS duration,
           LEAD(started_at_us) OVER (
               PARTITION BY prompt_key, COALESCE(user_id, ''), COALESCE(conversation_id, ''), COALESCE(trace_id, '')
               ORDER BY started_at_us, request_id
           ) AS next_at_us
    FROM request
    WHERE status = 'billable' AND prompt_key IS NOT NULL AND started_at_us IS NOT NULL
      AND (user_id IS NOT NULL OR conversation_id IS NOT NULL OR trace_id IS NOT NULL)
),
wasted AS (
    SELECT request_id FROM attempt
    WHERE next_at_us IS NOT NULL
      AND (next_at_us - started_at_us <= CAST($window_s * 1000000 AS BIGINT)
           OR next_at_us < started_at_us + CAST(duration * 1000000 AS BIGINT))
)
SELECT m.* FROM remaining AS m
LEFT JOIN wasted AS w ON w.request_id = m.request_id
WHERE w.request_id IS NULL
""",
    effort_days=2,
    risk="low",
    needs=("text", "time"),
    settings={"window_s": 60.0},
    conditions=(
        "the same request of the same user or conversation again within {window_s} s, or before the first had answered",
        "the last attempt is kept, the earlier ones are waste",
    ),
    fix="Raise the client's time-out, retry only on errors with back-off, and disable the button while waiting.",
)
