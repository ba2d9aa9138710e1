"""What the audit file says of itself: its sources, prices, verdicts, replayed examples, and everything that was run."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from audit.hashes import rows_digest
from audit.store import Store

_SORTED = "sorted_requests"
_STATE = "SELECT CONCAT(COUNT(*), ' ', MAX(request_id)) FROM request"
# a file that has grown is a source anew, of all its bytes
_LOG_BYTES = """
SELECT CAST(SUM(bytes) AS BIGINT) FROM (
    SELECT MAX(bytes) AS bytes FROM source WHERE content_hash <> '' GROUP BY path
) AS files
"""

_VERDICTS = """
SELECT v.*, COALESCE(w.name, '(none)') AS workflow, w.task_kind
FROM verdict AS v LEFT JOIN workflow AS w ON w.workflow_id = v.workflow_id
ORDER BY v.current_cost_pico DESC, workflow, v.current_model, v.endpoint, v.model, v.variant
"""

_POLICIES = """
SELECT p.*, COALESCE(w.name, '(none)') AS workflow
FROM policy AS p LEFT JOIN workflow AS w ON w.workflow_id = p.workflow_id
ORDER BY workflow, p.current_model, p.endpoint, p.model, CASE p.step WHEN 'rule' THEN 1 WHEN 'router' THEN 2 ELSE 3 END,
         p.name
"""

_EXAMPLES = """
WITH said AS (
    -- a judge that is fit speaks of what programs leave open or doubt
    SELECT replay_id, passed, reason,
           ROW_NUMBER() OVER (
               PARTITION BY replay_id
               ORDER BY CASE WHEN scorer LIKE 'judge%' THEN IF(passed IS NULL, 2, 1)
                             WHEN doubtful THEN 3
                             ELSE IF(passed IS NULL, 4, 0) END,
                        scored_at_us DESC, scorer
           ) AS turn
    FROM score
    WHERE NOT list_contains($unfit, CONCAT(scorer, ' ', task_kind))
),
judged AS (
    SELECT p.replay_id, p.request_id, p.workflow_id, p.current_model, p.model, p.origin, p.text, s.passed, s.reason,
           ROW_NUMBER() OVER (
               PARTITION BY p.workflow_id, p.model, COALESCE(CAST(s.passed AS VARCHAR), 'open') ORDER BY p.prompt_key
           ) AS place
    FROM replay AS p JOIN said AS s ON s.replay_id = p.replay_id AND s.turn = 1
    WHERE p.status = 'ok' AND COALESCE(p.attempt, 1) = 1 AND p.variant = '' AND p.model <> p.current_model
),
chosen AS (SELECT * FROM judged WHERE place <= $each),
last_user AS (
    SELECT g.request_id, MAX(g.position) AS position FROM segment AS g
    JOIN chosen AS j ON j.request_id = g.request_id
    WHERE g.kind = 'user' GROUP BY g.request_id
),
answer AS (
    SELECT g.request_id, MIN(g.position) AS position FROM segment AS g
    JOIN chosen AS j ON j.request_id = g.request_id
    WHERE g.direction = 'output' AND g.kind IN ('answer', 'tool_call') GROUP BY g.request_id
)
SELECT COALESCE(w.name, '(none)') AS workflow, j.current_model, j.model, j.origin, j.passed, j.reason,
       qc.text AS question, ac.text AS logged, j.text AS candidate
FROM chosen AS j
LEFT JOIN workflow AS w ON w.workflow_id = j.workflow_id
LEFT JOIN last_user AS l ON l.request_id = j.request_id
LEFT JOIN segment AS qs ON qs.request_id = l.request_id AND qs.position = l.position
LEFT JOIN content AS qc ON qc.content_hash = qs.content_hash
LEFT JOIN answer AS a ON a.request_id = j.request_id
LEFT JOIN segment AS zs ON zs.request_id = a.request_id AND zs.position = a.position
LEFT JOIN content AS ac ON ac.content_hash = zs.content_hash
ORDER BY workflow, j.model, j.place, j.passed
"""

_SOURCES = """
SELECT source_id, path, content_hash, bytes, readers, records, accepted, skipped, rejected, duplicates, ingested_at_us
FROM source ORDER BY CASE WHEN rejected > 0 THEN 0 ELSE 1 END, records DESC, source_id
"""
_SPEND = """
SELECT CAST(COALESCE(SUM(cost_pico), 0) AS DECIMAL(38, 0)) FROM request_cost WHERE request_id <= $newest
"""
_EVENTS = "SELECT event_id, at_us, command, version, settings, outcome, hash FROM event ORDER BY event_id"
_REJECTS = """
SELECT COALESCE(o.path, '') AS path, j.line, j.reason, j.detail
FROM reject AS j LEFT JOIN source AS o ON o.source_id = j.source_id
ORDER BY j.source_id, j.line LIMIT $most
"""


def verdicts(store: Store) -> list[dict[str, Any]]:
    """The standing verdict on every candidate tried, dearest workflow first."""
    return store.rows(_VERDICTS)


def policies(store: Store) -> list[dict[str, Any]]:
    """Every part of a workflow that was tried where the whole is not certified, and what came of it."""
    return [row | {"measures": json.loads(row["measures"] or "{}")} for row in store.rows(_POLICIES)]


def examples(store: Store, *, each: int = 2, unfit: Collection[tuple[str, str]] = ()) -> list[dict[str, Any]]:
    """A few replayed questions per workflow, candidate and outcome, with the logged and the candidate's answer.

    What judges that are `unfit` (scorer, task kind) said does not show.
    """
    return store.rows(_EXAMPLES, each=each, unfit=[" ".join(key) for key in unfit])


def sources(store: Store) -> list[dict[str, Any]]:
    """The ingested files with their hashes and record counts: those with rejected records first, then the largest."""
    return store.rows(_SOURCES)


def spend_up_to(store: Store, request_id: int | None = None) -> tuple[int, int]:
    """The newest request (or the one given) and what all up to it cost, in pico-USD."""
    newest = request_id if request_id is not None else int(store.value("SELECT MAX(request_id) FROM request") or 0)
    return newest, int(store.value(_SPEND, newest=newest) or 0)


def events(store: Store) -> list[dict[str, Any]]:
    """Everything that was run on this audit file, in order."""
    return store.rows(_EVENTS)


def rejects(store: Store, *, most: int = 50) -> list[dict[str, Any]]:
    """Records that could not be used, with file, line and reason."""
    return store.rows(_REJECTS, most=most)


def price_models(store: Store) -> list[tuple[str, str]]:
    """(provider, price model) of every model this audit file holds prices of."""
    rows = store.rows("SELECT DISTINCT provider_name, model FROM price ORDER BY provider_name, model")
    return [(row["provider_name"], row["model"]) for row in rows]


def workflow_names(store: Store) -> dict[int, str]:
    """Workflow names by id."""
    return {row["workflow_id"]: row["name"] for row in store.rows("SELECT workflow_id, name FROM workflow")}


_CHECKS = {
    "no call is counted twice": "SELECT COUNT(*) - COUNT(DISTINCT identity) FROM request",
    "input charges add up to the input tokens of every billable request": """
        WITH sides AS (
            SELECT request_id, SUM(consumed_quantity) AS tokens FROM charge
            WHERE sku_meter LIKE '%input%' OR sku_meter LIKE 'cache_%' GROUP BY request_id
        )
        SELECT COUNT(*) FROM request AS r LEFT JOIN sides AS s ON s.request_id = r.request_id
        WHERE r.status = 'billable' AND r.usage_source = 'logged' AND r.operation_name = 'chat'
          AND COALESCE(r.input_tokens, 0) <> COALESCE(s.tokens, 0)
    """,
    "every charge belongs to a request": """
        SELECT COUNT(*) FROM charge AS c LEFT JOIN request AS r ON r.request_id = c.request_id
        WHERE r.request_id IS NULL
    """,
    "every priced charge is quantity times unit price": """
        SELECT COUNT(*) FROM charge WHERE cost_pico IS NOT NULL AND cost_pico <> consumed_quantity * unit_price_pico
    """,
}


def checks(store: Store) -> dict[str, int]:
    """Offences against what must hold in every audit file, by rule; 0 is sound."""
    found = {rule: int(store.value(query) or 0) for rule, query in _CHECKS.items()}
    found["the chain of events is unbroken"] = broken_events(store)
    found["ratings are those that were imported"] = altered_ratings(store)
    return found


def altered_ratings(store: Store) -> int:
    """Imports whose ratings are not the ones their event sealed; 0 when nothing was altered."""
    sealed = {
        row["event_id"]: json.loads(row["settings"]).get("digest")
        for row in store.rows("SELECT event_id, settings FROM event WHERE command = 'rate'")
    }
    imports: dict[int, list[dict[str, Any]]] = {}
    for row in store.rows("SELECT * FROM rating WHERE event_id IS NOT NULL"):
        imports.setdefault(row["event_id"], []).append(row)
    return sum(rows_digest(imports.get(event, []), "event_id") != sealed.get(event) for event in {*sealed, *imports})


def broken_events(store: Store) -> int:
    """Events whose hash does not cover their content and the event before; 0 when nothing was altered."""
    broken, previous = 0, ""
    for event in store.rows("SELECT * FROM event ORDER BY event_id"):
        sealed = event.pop("hash")
        whole = event["previous_hash"] == previous and store.seal(event) == sealed
        broken += not whole
        previous = sealed
    return broken


def log_bytes(store: Store) -> int:
    """Size of the logs that were read to their end, as they lie on the disk."""
    return int(store.value(_LOG_BYTES) or 0)


def is_unsorted(store: Store) -> bool:
    """Whether a command was stopped between taking requests in and sorting them."""
    return bool(store.meta(_SORTED) != store.value(_STATE))


def note_sorted(store: Store) -> None:
    """Note that the requests that are there are sorted, and all that follows from it done."""
    store.set_meta(_SORTED, str(store.value(_STATE)))
