"""Traffic that looks as if nobody waited for it: bursts and nights, no user, no stream, no conversation."""

from __future__ import annotations

from audit.figures import count, money, share, things
from audit.levers import Lever, Settings
from audit.levers._batch_tier import rewrite
from audit.levers._places import spared
from audit.store import Store

# the tagged and the named are the lever `batch`
_LOOKS = """
CREATE OR REPLACE TEMP TABLE batch_candidates_look AS
WITH calls AS (
    SELECT r.request_id, r.workflow_id, r.started_at_us - r.started_at_us % 60000000 AS minute, r.day,
           (r.started_at_us - r.started_at_us % 3600000000) % 86400000000 AS hour_us,
           CASE WHEN r.user_id IS NOT NULL OR r.conversation_id IS NOT NULL OR r.request_stream THEN 1 ELSE 0 END
               AS waited_for
    FROM request AS r
    WHERE r.status = 'billable' AND r.workflow_id IS NOT NULL AND r.started_at_us IS NOT NULL
      AND COALESCE(r.service_tier, 'standard') NOT IN ('batch', 'flex')
),
unattended AS (
    SELECT workflow_id, COUNT(*) AS requests, COUNT(DISTINCT day) AS days FROM calls
    GROUP BY workflow_id HAVING SUM(waited_for) = 0 AND COUNT(*) >= $least
),
by_minute AS (
    SELECT c.workflow_id, c.minute, COUNT(*) AS requests FROM calls AS c
    JOIN unattended AS u ON u.workflow_id = c.workflow_id GROUP BY c.workflow_id, c.minute
),
bursts AS (
    SELECT workflow_id, SUM(CASE WHEN requests >= $burst THEN requests ELSE 0 END) AS in_bursts,
           MAX(requests) AS busiest
    FROM by_minute GROUP BY workflow_id
),
by_hour AS (
    SELECT c.workflow_id, c.hour_us, COUNT(*) AS requests FROM calls AS c
    JOIN unattended AS u ON u.workflow_id = c.workflow_id GROUP BY c.workflow_id, c.hour_us
),
hours AS (
    SELECT workflow_id, requests, hour_us,
           ROW_NUMBER() OVER (PARTITION BY workflow_id ORDER BY requests DESC, hour_us) AS place
    FROM by_hour
),
busiest_hour AS (SELECT workflow_id, requests AS in_hour, hour_us FROM hours WHERE place = 1)
SELECT u.workflow_id, u.requests, u.days, b.in_bursts, b.busiest, h.in_hour, h.hour_us
FROM unattended AS u JOIN bursts AS b ON b.workflow_id = u.workflow_id
JOIN busiest_hour AS h ON h.workflow_id = u.workflow_id
WHERE CAST(b.in_bursts AS DOUBLE) >= $most * CAST(u.requests AS DOUBLE)
   OR (u.days >= 3 AND CAST(h.in_hour AS DOUBLE) >= $most * CAST(u.requests AS DOUBLE))
"""
_HITS = """
CREATE OR REPLACE TEMP TABLE batch_candidates_hit AS
SELECT r.request_id FROM request AS r
JOIN batch_candidates_look AS k ON k.workflow_id = r.workflow_id
LEFT JOIN batch_request AS b ON b.request_id = r.request_id
WHERE r.status = 'billable' AND b.request_id IS NULL
"""


def _prepare(store: Store, settings: Settings) -> None:
    store.run(
        _LOOKS,
        least=int(settings["least_requests"]),
        burst=int(settings["burst"]),
        most=float(settings["least_share"]),
    )
    if "batch_request" not in store.tables():
        store.run("CREATE TEMP TABLE batch_request (request_id BIGINT)")
    store.run(_HITS)


def _findings(store: Store, settings: Settings) -> list[str]:
    looks = {row["workflow_id"]: row for row in store.rows("SELECT * FROM batch_candidates_look")}
    lines = []
    for place in spared(store, "batch_candidates_hit")[:6]:
        look = looks[place.workflow_id]
        in_bursts, in_hour = look["in_bursts"] / look["requests"], look["in_hour"] / look["requests"]
        evidence = (
            f"{share(in_bursts, 0)} of {things(look['requests'], 'request')} come in minutes of {settings['burst']} or "
            f"more (up to {count(look['busiest'])})"
            if in_bursts >= float(settings["least_share"])
            else f"{share(in_hour, 0)} of {things(look['requests'], 'request')} on {things(look['days'], 'day')} come "
            f"in the hour from {look['hour_us'] // 3_600_000_000:02d}:00 UTC"
        )
        lines.append(
            f"{place.workflow}: {evidence}, none with a user, a conversation or a stream; in the batch tier they would "
            f"cost {money(place.saving_pico)} less. If nobody waits for them, name the workflow under [levers.batch] "
            f"workflows; for instance {place.example}"
        )
    return lines


LEVER = Lever(
    name="batch_candidates",
    title="Batch tier for what looks offline",
    stage="SCENARIO",
    order=60,
    evidence="D",
    rewrite=rewrite("batch_candidates_hit"),
    effort_days=4,
    risk="medium",
    needs=("usage", "time"),
    settings={"least_requests": 50, "burst": 50, "least_share": 0.8},
    prepare=_prepare,
    findings=_findings,
    conditions=(
        "inferred, not known: never in the sum until you name the workflow under [levers.batch] workflows",
        "workflows of {least_requests} requests or more, none of which names a user or a conversation or streams, with "
        "{least_share} of them in minutes of {burst} or more, or in one hour of the day on three days or more",
    ),
    fix="Ask the owner whether anybody waits; if not, submit these requests through the provider's batch interface.",
    never_costs=True,
)
