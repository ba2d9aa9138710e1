"""Keep the vectors of embedded texts: the same text for the same model need not be embedded again."""

from __future__ import annotations

from typing import Any

from audit.figures import count, share
from audit.levers import Lever, Settings
from audit.levers._places import Place, told
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
SELECT r.workflow_id, MIN(COALESCE(r.request_model, r.response_model, 'unknown')) AS model, COUNT(*) AS requests,
       CAST(CAST(SUM(s.known) AS DOUBLE) / CAST(SUM(s.tokens) AS DOUBLE) AS DOUBLE) AS known
FROM embedding_reuse_share AS s JOIN request AS r ON r.request_id = s.request_id
GROUP BY r.workflow_id
"""


def _findings(store: Store, settings: Settings) -> list[str]:
    del settings
    return told(store, "embedding_reuse_share", _FOUND, _embedded)


def _embedded(place: Place, how: dict[str, Any]) -> str:
    return (
        f"{share(how['known'], 0)} of the text sent to {how['model']} had been embedded before, in "
        f"{count(place.requests)} of {count(how['requests'])} calls"
    )


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
