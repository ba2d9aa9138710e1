"""Move a workflow, or its shorter prompts, to a cheaper model where a replay has certified that its answers serve."""

from __future__ import annotations

from typing import Any

import numpy as np

from audit.levers import Lever, Settings
from audit.store import Store

_CHOICE = """
CREATE OR REPLACE TEMP TABLE routing_choice AS
WITH ranked AS (
    SELECT workflow_id, current_model, endpoint, model, cost_ratio, input_ratio, output_ratio,
           ROW_NUMBER() OVER (
               PARTITION BY workflow_id, current_model ORDER BY cost_ratio, endpoint, model
           ) AS place
    FROM verdict
    WHERE verdict = 'safe' AND variant = '' AND cost_ratio IS NOT NULL AND cost_ratio < 1
)
SELECT c.workflow_id, c.current_model, c.endpoint, c.model, c.cost_ratio, MAX(r.input_tokens) AS tested_tokens
FROM ranked AS c
JOIN replay AS p ON p.workflow_id = c.workflow_id AND p.current_model = c.current_model
    AND p.endpoint = c.endpoint AND p.model = c.model AND p.status = 'ok'
JOIN request AS r ON r.request_id = p.request_id
WHERE c.place = 1
GROUP BY c.workflow_id, c.current_model, c.endpoint, c.model, c.cost_ratio
"""

# where no candidate may take the whole: the part that saves most
_PARTS = """
INSERT INTO routing_choice
WITH ranked AS (
    SELECT s.workflow_id, s.current_model, s.endpoint, s.model, s.cost_ratio, s.max_input_tokens,
           ROW_NUMBER() OVER (
               PARTITION BY s.workflow_id, s.current_model
               ORDER BY s.routed * (1 - s.cost_ratio) DESC, s.endpoint, s.model
           ) AS place
    FROM split AS s
    LEFT JOIN routing_choice AS c ON c.workflow_id = s.workflow_id AND c.current_model = s.current_model
    WHERE c.workflow_id IS NULL
)
SELECT workflow_id, current_model, endpoint, model, cost_ratio, max_input_tokens AS tested_tokens
FROM ranked WHERE place = 1
"""

_UNITS = """
SELECT c.workflow_id, c.current_model, CAST(p.cost_pico AS DOUBLE) AS candidate,
       CAST(s.cost_pico AS DOUBLE) / s.requests AS current, s.requests / s.inclusion_probability AS weight
FROM routing_choice AS c
JOIN replay AS p ON p.workflow_id = c.workflow_id AND p.current_model = c.current_model
    AND p.endpoint = c.endpoint AND p.model = c.model AND p.status = 'ok' AND p.cost_pico IS NOT NULL
JOIN sample AS s ON s.prompt_key = p.prompt_key
JOIN request AS r ON r.request_id = p.request_id AND r.input_tokens <= c.tested_tokens
ORDER BY c.workflow_id, c.current_model, p.prompt_key
"""


def _prepare(store: Store, settings: Settings) -> None:
    del settings
    store.run(_CHOICE)
    store.run(_PARTS)


def _blocked(store: Store, settings: Settings) -> str | None:
    if not store.value("SELECT COUNT(*) FROM verdict WHERE variant = ''"):
        return "no cheaper model was tested on this log: run `audit replay --sample 500`"
    _prepare(store, settings)
    if not store.value("SELECT COUNT(*) FROM routing_choice"):
        return "no tested candidate was certified safe for a workflow: see the verdicts of `audit replay`"
    return None


def _shares(store: Store, settings: Settings, draws: int, seed: int) -> Any:
    """Draws of the saved share over its point value, from resampling the replayed units of each workflow."""
    _prepare(store, settings)
    units = store.query(_UNITS)
    if units.num_rows == 0:
        return np.ones(draws)
    random = np.random.default_rng(seed)
    current, candidate, weight = (units[name].to_numpy() for name in ("current", "candidate", "weight"))
    point = 1 - float(np.sum(weight * candidate) / np.sum(weight * current))
    if point <= 0:
        return np.ones(draws)
    picks = random.integers(0, units.num_rows, size=(draws, units.num_rows))
    ratios = np.sum((weight * candidate)[picks], axis=1) / np.sum((weight * current)[picks], axis=1)
    return (1 - ratios) / point


LEVER = Lever(
    name="routing",
    title="Smaller model for certified workflows",
    stage="ROUTE",
    order=10,
    evidence="C",
    rewrite="""
WITH routed AS (
    SELECT r.request_id, c.model, c.cost_ratio
    FROM request AS r
    JOIN routing_choice AS c
        ON c.workflow_id = r.workflow_id AND c.current_model = COALESCE(r.response_model, r.request_model)
    WHERE r.status = 'billable' AND r.prompt_key IS NOT NULL AND r.input_tokens <= c.tested_tokens
)
SELECT m.charge_id, m.request_id, m.position, m.sku_meter, m.provider_name, m.model, m.service_tier,
       m.consumed_quantity, m.estimated, m.unit_price_pico
FROM remaining AS m LEFT JOIN routed AS t ON t.request_id = m.request_id WHERE t.request_id IS NULL
UNION ALL
SELECT NULL AS charge_id, m.request_id, NULL AS position, 'stated_cost' AS sku_meter, 'replay' AS provider_name,
       MIN(t.model) AS model, 'standard' AS service_tier, 1 AS consumed_quantity, FALSE AS estimated,
       CAST(ROUND(CAST(SUM(m.cost_pico) AS DOUBLE) * MIN(t.cost_ratio)) AS BIGINT) AS unit_price_pico
FROM remaining AS m JOIN routed AS t ON t.request_id = m.request_id
GROUP BY m.request_id
""",
    effort_days=3,
    risk="medium",
    prepare=_prepare,
    blocked=_blocked,
    shares=_shares,
    conditions=(
        "only workflows whose certificate says safe, and no request longer than those tested or without full text",
        "where the whole is not certified, the shorter prompts that are: a router has to tell them apart by length",
        "the cost is the candidate's own usage in the replay",
        "the certificate holds for this traffic and these model versions; repeat it after 30 days or a change",
        "equivalence to today's model is certified, not correctness",
    ),
    fix="Point these workflows at the certified model; keep the current one as the fallback on errors.",
)
