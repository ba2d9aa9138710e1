"""Keep the vectors of embedded texts: the same text for the same model need not be embedded again."""

from __future__ import annotations

from audit.figures import count
from audit.levers import Lever, Settings
from audit.store import Store

_EMBEDDED = "SELECT COUNT(*) FROM request WHERE status = 'billable' AND operation_name = 'embeddings' AND {text}"

# a text counts as known once an earlier call with it has answered, or when it stands twice in one call
_PREPARE = """
CREATE OR REPLACE TEMP TABLE embedding_reuse_share AS
WITH embedded AS (
    SELECT s.request_id, s.position, s.content_hash, s.tokens, r.started_at_us,
           r.started_at_us + CAST(COALESCE(r.duration, 0.0) * 1000000 AS BIGINT) AS ready_us,
           COALESCE(r.request_model, r.response_model, '') AS model, COALESCE(r.parameters, '') AS parameters,
           CASE WHEN $shared THEN '' ELSE COALESCE(r.organization, '') END AS scope
    FROM request AS r
    JOIN segment AS s ON s.request_id = r.request_id AND s.direction = 'input'
    WHERE r.status = 'billable' AND r.operation_name = 'embeddings' AND r.prompt_key IS NOT NULL
      AND r.started_at_us IS NOT NULL
),
seen AS (
    SELECT request_id, tokens, started_at_us,
           MIN(ready_us) OVER earlier AS first_ready_us,
           LAG(request_id) OVER (
               PARTITION BY model, parameters, scope, content_hash ORDER BY started_at_us, request_id, position
           ) AS last_id
    FROM embedded
    WINDOW earlier AS (
        PARTITION BY model, parameters, scope, content_hash ORDER BY started_at_us, request_id, position
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
)
SELECT request_id, CAST(SUM(tokens) AS BIGINT) AS tokens,
       CAST(SUM(CASE WHEN last_id = request_id OR first_ready_us <= started_at_us THEN tokens ELSE 0 END) AS BIGINT)
           AS known
FROM seen GROUP BY request_id
"""


def _prepare(store: Store, settings: Settings) -> None:
    store.run(_PREPARE, shared=settings["scope"] == "global")


def _blocked(store: Store, settings: Settings) -> str | None:
    del settings
    if not store.value(_EMBEDDED.format(text="1 = 1")):
        return "the log holds no embedding calls"
    if not store.value(_EMBEDDED.format(text="prompt_key IS NOT NULL")):
        return "the log holds embedding calls without their texts; log the request body (input)"
    return None


_FOUND = """
SELECT COALESCE(w.name, '(none)') AS workflow, COALESCE(r.request_model, r.response_model, 'unknown') AS model,
       COUNT(*) AS requests, SUM(CASE WHEN s.known > 0 THEN 1 ELSE 0 END) AS repeating,
       CAST(SUM(s.known) AS BIGINT) AS known, CAST(SUM(s.tokens) AS BIGINT) AS tokens
FROM embedding_reuse_share AS s
JOIN request AS r ON r.request_id = s.request_id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
GROUP BY COALESCE(w.name, '(none)'), COALESCE(r.request_model, r.response_model, 'unknown')
HAVING SUM(s.known) > 0
ORDER BY known DESC, workflow, model
"""


def _findings(store: Store, settings: Settings) -> list[str]:
    del settings
    return [
        f"{row['workflow']} on {row['model']}: {count(row['known'])} of {count(row['tokens'])} tokens were embedded"
        f" before, in {count(row['repeating'])} of {count(row['requests'])} calls"
        for row in store.rows(_FOUND)[:8]
    ]


LEVER = Lever(
    name="embedding_reuse",
    title="Stored embeddings",
    stage="CACHE",
    order=5,
    evidence="B",
    rewrite="""
SELECT m.charge_id, m.request_id, m.position, m.sku_meter, m.provider_name, m.model, m.service_tier,
       CASE WHEN COALESCE(s.known, 0) = 0 OR m.sku_meter <> 'input' THEN m.consumed_quantity
            ELSE m.consumed_quantity
                 - CAST(FLOOR(CAST(m.consumed_quantity AS DOUBLE) * s.known / s.tokens) AS BIGINT) END
           AS consumed_quantity,
       m.estimated, m.unit_price_pico
FROM remaining AS m LEFT JOIN embedding_reuse_share AS s ON s.request_id = m.request_id
WHERE s.request_id IS NULL OR s.known < s.tokens
""",
    effort_days=3,
    risk="low",
    needs=("text", "time"),
    operation="embeddings",
    settings={"scope": "tenant"},
    prepare=_prepare,
    blocked=_blocked,
    findings=_findings,
    conditions=(
        "the same text, model and parameters again inside one {scope}; vectors do not go out of date until the model"
        " changes",
        "of a call with several texts the share of tokens embedded before is saved",
    ),
    fix="Key a vector store by model, parameters and the hash of the text, and embed only what is not in it.",
    never_costs=True,
)
