"""One workflow with everything known of it, and the list of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit.store import Store
from audit.store.naming import REQUEST_NAME
from audit.store.segment_cost import request_part

_ROWS = """
WITH spent AS (
    SELECT r.workflow_id, COUNT(*) AS requests, COUNT(DISTINCT COALESCE(r.response_model, r.request_model)) AS models,
           MIN(COALESCE(r.response_model, r.request_model, 'unknown')) AS model,
           COUNT(DISTINCT r.prompt_key) AS distinct_prompts,
           SUM(CASE WHEN r.prompt_key IS NOT NULL THEN 1 ELSE 0 END) AS with_prompt,
           CAST(SUM(COALESCE(r.input_tokens, 0)) AS BIGINT) AS input_tokens,
           CAST(SUM(COALESCE(r.output_tokens, 0)) AS BIGINT) AS output_tokens,
           CAST(SUM(COALESCE(c.cost_pico, 0)) AS DECIMAL(38, 0)) AS cost_pico
    FROM request AS r LEFT JOIN request_cost AS c ON c.request_id = r.request_id
    WHERE r.status = 'billable' GROUP BY r.workflow_id
),
failures AS (
    SELECT workflow_id, COUNT(*) AS failed FROM request WHERE status = 'failed' GROUP BY workflow_id
)
SELECT w.workflow_id, w.name, w.origin, w.title, w.task_kind, w.kind_confidence, w.difficulty,
       s.requests, CAST(COALESCE(f.failed, 0) AS BIGINT) AS failed, s.models, s.model, s.input_tokens, s.output_tokens,
       CAST(s.with_prompt - s.distinct_prompts AS BIGINT) AS repeated, s.cost_pico
FROM spent AS s
LEFT JOIN workflow AS w ON w.workflow_id = s.workflow_id
LEFT JOIN failures AS f ON f.workflow_id = s.workflow_id
ORDER BY s.cost_pico DESC, w.name
"""
_MODELS = """
SELECT COALESCE(r.response_model, r.request_model, 'unknown') AS model, COUNT(*) AS requests,
       CAST(SUM(COALESCE(c.cost_pico, 0)) AS DECIMAL(38, 0)) AS cost_pico
FROM request AS r LEFT JOIN request_cost AS c ON c.request_id = r.request_id
WHERE r.status = 'billable' AND r.workflow_id = $workflow_id
GROUP BY COALESCE(r.response_model, r.request_model, 'unknown') ORDER BY cost_pico DESC, model
"""
_QUANTILES = """
WITH ranked AS (
    SELECT {column} AS value, ROW_NUMBER() OVER (ORDER BY {column}, request_id) AS place, COUNT(*) OVER () AS n
    FROM request WHERE status = 'billable' AND workflow_id = $workflow_id AND {column} IS NOT NULL
)
SELECT MIN(CASE WHEN place * 100 >= n * 50 THEN value ELSE NULL END) AS p50,
       MIN(CASE WHEN place * 100 >= n * 95 THEN value ELSE NULL END) AS p95, MAX(value) AS highest
FROM ranked
"""
_TYPICAL = """
WITH ranked AS (
    SELECT r.request_id, ROW_NUMBER() OVER (ORDER BY c.cost_pico, r.request_id) AS place, COUNT(*) OVER () AS n
    FROM request AS r JOIN request_cost AS c ON c.request_id = r.request_id
    WHERE r.status = 'billable' AND r.workflow_id = $workflow_id AND r.text_status = 'full'
)
SELECT MIN(request_id) FROM ranked WHERE place * 2 >= n AND place * 2 <= n + 1
"""
_OF_WORKFLOW = (
    "AND estimated = FALSE AND request_id IN (SELECT request_id FROM request WHERE workflow_id = $workflow_id)"
)
_PARTS = f"""
WITH {request_part(_OF_WORKFLOW)}
SELECT kind, COUNT(*) AS requests, CAST(SUM(tokens) AS BIGINT) AS tokens,
       CAST(SUM(cache_read_tokens) AS BIGINT) AS cache_read_tokens, CAST(SUM(cost_pico) AS DECIMAL(38, 0)) AS cost_pico
FROM request_part GROUP BY kind ORDER BY cost_pico DESC, kind
"""
_DUPLICATES = f"""
WITH placed AS (
    SELECT r.prompt_key, r.request_id, COALESCE(c.cost_pico, 0) AS cost, r.output_normalised_hash,
           ROW_NUMBER() OVER (PARTITION BY r.prompt_key ORDER BY COALESCE(r.started_at_us, 0), r.request_id) AS place
    FROM request AS r LEFT JOIN request_cost AS c ON c.request_id = r.request_id
    WHERE r.status = 'billable' AND r.workflow_id = $workflow_id AND r.prompt_key IS NOT NULL
),
grouped AS (
    SELECT prompt_key, COUNT(*) AS requests, COUNT(DISTINCT output_normalised_hash) AS distinct_answers,
           MIN(CASE WHEN place = 1 THEN request_id ELSE NULL END) AS first_id,
           CAST(SUM(CASE WHEN place > 1 THEN cost ELSE 0 END) AS DECIMAL(38, 0)) AS cost_pico
    FROM placed GROUP BY prompt_key HAVING COUNT(*) > 1
),
chosen AS (SELECT * FROM grouped ORDER BY cost_pico DESC, requests DESC, first_id LIMIT $top),
last_user AS (
    SELECT s.request_id, MAX(s.position) AS position FROM segment AS s JOIN chosen AS c ON c.first_id = s.request_id
    WHERE s.direction = 'input' AND s.kind IN ('user', 'history', 'tool_result') GROUP BY s.request_id
)
SELECT {REQUEST_NAME} AS external_id,
       c.requests, c.distinct_answers, c.cost_pico, t.text
FROM chosen AS c JOIN request AS r ON r.request_id = c.first_id
LEFT JOIN last_user AS l ON l.request_id = c.first_id
LEFT JOIN segment AS s ON s.request_id = l.request_id AND s.position = l.position
LEFT JOIN content AS t ON t.content_hash = s.content_hash
ORDER BY c.cost_pico DESC, c.requests DESC, c.first_id
"""
_OUTLIERS = f"""
SELECT {REQUEST_NAME} AS external_id,
       o.meter, o.tokens, o.median, o.z,
       o.cause, o.excess_cost_pico
FROM outlier AS o JOIN request AS r ON r.request_id = o.request_id
WHERE o.workflow_id = $workflow_id ORDER BY o.excess_cost_pico DESC, o.request_id, o.meter LIMIT $top
"""
_VERDICTS = """
SELECT current_model, endpoint, model, variant, n, acceptable, interval_low, interval_high, floor, cost_ratio, verdict,
       n_more, reason
FROM verdict WHERE workflow_id = $workflow_id ORDER BY cost_ratio, model, variant
"""


@dataclass(frozen=True, slots=True)
class WorkflowRow:
    """One line of the list of workflows; `repeated` counts requests whose very prompt came before."""

    workflow_id: int | None
    name: str
    origin: str
    title: str
    task_kind: str | None
    kind_confidence: float | None
    difficulty: float | None
    requests: int
    failed: int
    models: int
    model: str
    input_tokens: int
    output_tokens: int
    repeated: int
    cost_pico: int
    share: float


@dataclass(frozen=True, slots=True)
class WorkflowView:
    """A workflow; `tokens` holds nearest-rank p50, p95 and the highest of input and output, `parts` what the pieces of
    its prompts cost, `typical` the number of the request of median cost."""

    row: WorkflowRow
    models: tuple[dict[str, Any], ...]
    tokens: dict[str, dict[str, int | None]]
    parts: tuple[dict[str, Any], ...]
    typical: int | None
    duplicates: tuple[dict[str, Any], ...]
    outliers: tuple[dict[str, Any], ...]
    verdicts: tuple[dict[str, Any], ...]


def workflow_rows(store: Store) -> list[WorkflowRow]:
    """Every workflow with a billable request, dearest first."""
    rows = store.rows(_ROWS)
    total = sum(int(row["cost_pico"]) for row in rows)
    return [_row(row, total) for row in rows]


def workflow_view(store: Store, workflow_id: int, *, top: int = 5) -> WorkflowView | None:
    """Read one workflow; None when it has no billable request."""
    values = {"workflow_id": workflow_id}
    row = next((row for row in workflow_rows(store) if row.workflow_id == workflow_id), None)
    if row is None:
        return None
    return WorkflowView(
        row=row,
        models=tuple(store.rows(_MODELS, **values)),
        tokens={
            side: store.rows(_QUANTILES.format(column=f"{side}_tokens"), **values)[0] for side in ("input", "output")
        },
        parts=tuple(store.rows(_PARTS, **values)),
        typical=store.value(_TYPICAL, **values),
        duplicates=tuple(store.rows(_DUPLICATES, **values, top=top)),
        outliers=tuple(store.rows(_OUTLIERS, **values, top=top)),
        verdicts=tuple(store.rows(_VERDICTS, **values)),
    )


def _row(row: dict[str, Any], total: int) -> WorkflowRow:
    cost = int(row["cost_pico"])
    known = {**row, "name": row["name"] or "(none)", "origin": row["origin"] or "", "title": row["title"] or ""}
    return WorkflowRow(**{**known, "cost_pico": cost}, share=cost / total if total else 0.0)
