"""Stop paying twice for a request that its own client sent again before using the first answer."""

from __future__ import annotations

from typing import Any

from audit.figures import count, share
from audit.levers import Lever, Settings
from audit.levers._places import Place, told
from audit.store import Store

_CLICK_US = 3_000_000
_HITS = """
CREATE OR REPLACE TEMP TABLE retries_hit AS
WITH again AS (
    SELECT prompt_key FROM request WHERE status = 'billable' AND prompt_key IS NOT NULL
    GROUP BY prompt_key HAVING COUNT(*) > 1
),
attempt AS (
    SELECT r.request_id, r.workflow_id, r.started_at_us,
           CAST(COALESCE(r.duration, 0) * 1000000 AS BIGINT) AS duration_us,
           LEAD(r.started_at_us) OVER (
               PARTITION BY r.prompt_key, COALESCE(r.user_id, ''), COALESCE(r.conversation_id, ''),
                            COALESCE(r.trace_id, '')
               ORDER BY r.started_at_us, r.request_id
           ) AS next_at_us
    FROM request AS r JOIN again AS a ON a.prompt_key = r.prompt_key
    WHERE r.status = 'billable' AND r.started_at_us IS NOT NULL
      AND (r.user_id IS NOT NULL OR r.conversation_id IS NOT NULL OR r.trace_id IS NOT NULL)
)
SELECT request_id, workflow_id, next_at_us - started_at_us AS gap_us,
       CASE WHEN next_at_us < started_at_us + duration_us THEN 1 ELSE 0 END AS unanswered
FROM attempt
WHERE next_at_us - started_at_us <= CAST($window_s * 1000000 AS BIGINT) OR next_at_us < started_at_us + duration_us
"""
_SEEN = """
SELECT workflow_id, MIN(gap_us) AS least_us, MAX(gap_us) AS most_us,
       CAST(SUM(unanswered) AS DOUBLE) / CAST(COUNT(*) AS DOUBLE) AS unanswered
FROM retries_hit GROUP BY workflow_id
"""


def _prepare(store: Store, settings: Settings) -> None:
    store.run(_HITS, window_s=float(settings["window_s"]))


def _findings(store: Store, settings: Settings) -> list[str]:
    del settings
    return told(store, "retries_hit", _SEEN, _again)


def _again(place: Place, how: dict[str, Any]) -> str:
    again = "request was sent again" if place.requests == 1 else "requests were sent again"
    least, most = f"{how['least_us'] / 1e6:.0f}", f"{how['most_us'] / 1e6:.0f}"
    later = f"{least} s later" if least == most else f"{least} to {most} s later"
    return f"{count(place.requests)} {again} by the same user or conversation {later}, {_cause(how)}"


def _cause(how: dict[str, Any]) -> str:
    if how["most_us"] <= _CLICK_US:
        return "as a double click does"
    if how["unanswered"] >= 0.5:
        return f"{share(how['unanswered'], 0)} of them before the first had answered: the client gives up too early"
    return "most of them after an answer: a retry that does not look at it"


LEVER = Lever(
    name="retries",
    title="Client retries and double sends",
    stage="WASTE",
    order=10,
    evidence="A",
    rewrite="""
SELECT m.* FROM remaining AS m
LEFT JOIN retries_hit AS w ON w.request_id = m.request_id
WHERE w.request_id IS NULL
""",
    effort_days=2,
    risk="low",
    needs=("text", "time"),
    settings={"window_s": 60.0},
    prepare=_prepare,
    findings=_findings,
    conditions=(
        "the same request of the same user or conversation again within {window_s} s, or before the first had answered",
        "the last attempt is kept, the earlier ones are waste",
    ),
    fix="Raise the client's time-out, retry only on errors with back-off, and disable the button while waiting.",
)
