"""Move a workflow, or a part of it, to a cheaper model where a replay has certified that its answers serve."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from audit.figures import count, minute, share
from audit.levers import Lever, Settings
from audit.statistics.verdicts import VALID_DAYS
from audit.store import Store

_DAY_US = 86_400_000_000

_MEDIA = """
CREATE OR REPLACE TEMP TABLE routing_media AS
SELECT DISTINCT request_id FROM segment WHERE direction = 'input' AND kind = 'media'
"""

_TESTED = """
CREATE OR REPLACE TEMP TABLE routing_tested AS
SELECT p.workflow_id, p.current_model, p.endpoint, p.model, MAX(r.input_tokens) AS input_tokens,
       MAX(CASE WHEN m.request_id IS NULL THEN 0 ELSE 1 END) AS media, MAX(p.started_at_us) AS last_us
FROM replay AS p JOIN request AS r ON r.request_id = p.request_id
LEFT JOIN routing_media AS m ON m.request_id = p.request_id
WHERE p.status = 'ok' AND COALESCE(p.attempt, 1) = 1 AND COALESCE(p.variant, '') = ''
GROUP BY p.workflow_id, p.current_model, p.endpoint, p.model
"""

# a part is offered only where it saves more than any whole that is certified; where length tells it, it is known
# request by request, else as a share of the dollars
_CHOICE = """
CREATE OR REPLACE TEMP TABLE routing_choice AS
WITH ranked AS (
    SELECT workflow_id, current_model, endpoint, model, cost_ratio, loss_high, n,
           ROW_NUMBER() OVER (
               PARTITION BY workflow_id, current_model ORDER BY cost_ratio, endpoint, model
           ) AS place
    FROM verdict
    WHERE verdict = 'safe' AND variant = '' AND cost_ratio IS NOT NULL AND cost_ratio < 1
),
chosen AS (
    SELECT workflow_id, current_model, endpoint, model, step, name, routed, loss_high, n, cost_ratio,
           CASE WHEN max_input_tokens IS NULL THEN asked ELSE 1.0 END AS asked,
           CASE WHEN max_input_tokens IS NULL THEN moved ELSE moved / asked END AS moved,
           max_input_tokens, saving, saving_error
    FROM policy WHERE outcome = 'offered'
    UNION ALL
    SELECT r.workflow_id, r.current_model, r.endpoint, r.model, 'whole' AS step, '' AS name, 1.0 AS routed, r.loss_high,
           r.n, r.cost_ratio, 1.0 AS asked, 1.0 AS moved, NULL AS max_input_tokens, NULL AS saving, NULL AS saving_error
    FROM ranked AS r
    LEFT JOIN policy AS o
        ON o.workflow_id = r.workflow_id AND o.current_model = r.current_model AND o.outcome = 'offered'
    WHERE r.place = 1 AND o.workflow_id IS NULL
)
SELECT c.workflow_id, c.current_model, c.endpoint, c.model, c.step, c.name, c.routed, c.loss_high, c.n, c.cost_ratio,
       c.asked, c.moved, c.saving, c.saving_error, t.last_us, t.media,
       COALESCE(c.max_input_tokens, t.input_tokens) AS tested_tokens
FROM chosen AS c
JOIN routing_tested AS t ON t.workflow_id = c.workflow_id AND t.current_model = c.current_model
    AND t.endpoint = c.endpoint AND t.model = c.model
"""

# which requests a router would send, or a verifier accept, the log can't say: the shares of dollars are drawn by the
# hash of the prompt, so that repeated prompts go one way and what survives keeps its place in the provider's caches
_REQUESTS = """
CREATE OR REPLACE TEMP TABLE routing_request AS
WITH bill AS (
    SELECT request_id, CAST(SUM(cost_pico) AS DOUBLE) AS cost FROM remaining GROUP BY request_id
),
scope AS (
    SELECT r.request_id, r.prompt_key, c.workflow_id, c.current_model, c.model, c.cost_ratio, c.asked, c.moved, b.cost
    FROM request AS r
    JOIN routing_choice AS c
        ON c.workflow_id = r.workflow_id AND c.current_model = COALESCE(r.response_model, r.request_model)
    JOIN bill AS b ON b.request_id = r.request_id
    LEFT JOIN routing_media AS m ON m.request_id = r.request_id
    WHERE r.status = 'billable' AND r.prompt_key IS NOT NULL AND r.input_tokens <= c.tested_tokens
        AND (m.request_id IS NULL OR c.media = 1)
),
total AS (
    SELECT workflow_id, current_model, SUM(cost) AS cost FROM scope GROUP BY workflow_id, current_model
),
placed AS (
    SELECT s.request_id, s.model, s.cost_ratio, s.cost, s.asked * t.cost AS asked, s.moved * t.cost AS moved,
           SUM(s.cost) OVER (
               PARTITION BY s.workflow_id, s.current_model ORDER BY s.prompt_key, s.request_id
               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
           ) - s.cost / 2 AS middle
    FROM scope AS s
    JOIN total AS t ON t.workflow_id = s.workflow_id AND t.current_model = s.current_model
)
SELECT request_id, model, cost_ratio, CASE WHEN middle <= moved THEN TRUE ELSE FALSE END AS moves
FROM placed WHERE middle <= asked
"""

_UNITS = """
SELECT c.workflow_id, c.current_model, c.saving, c.saving_error, CAST(p.cost_pico AS DOUBLE) AS candidate,
       CAST(s.cost_pico AS DOUBLE) / s.requests AS current, s.requests / s.inclusion_probability AS weight
FROM routing_choice AS c
JOIN replay AS p ON p.workflow_id = c.workflow_id AND p.current_model = c.current_model
    AND p.endpoint = c.endpoint AND p.model = c.model AND p.status = 'ok' AND p.cost_pico IS NOT NULL
JOIN sample AS s ON s.prompt_key = p.prompt_key
JOIN request AS r ON r.request_id = p.request_id
WHERE c.saving IS NOT NULL OR r.input_tokens <= c.tested_tokens
ORDER BY c.workflow_id, c.current_model, p.prompt_key
"""

_FOUND = """
SELECT COALESCE(w.name, '(none)') AS workflow, c.*
FROM routing_choice AS c LEFT JOIN workflow AS w ON w.workflow_id = c.workflow_id
ORDER BY workflow, c.current_model
"""


def _choose(store: Store) -> int:
    store.run(_MEDIA)
    store.run(_TESTED)
    store.run(_CHOICE)
    return int(store.value("SELECT COUNT(*) FROM routing_choice"))


def _prepare(store: Store, settings: Settings) -> None:
    del settings
    _choose(store)
    store.run(_REQUESTS)


def _blocked(store: Store, settings: Settings) -> str | None:
    del settings
    if not store.value("SELECT COUNT(*) FROM verdict WHERE variant = ''"):
        return "no cheaper model was tested on this log: run `audit replay --sample 500`"
    if not _choose(store):
        return "no tested candidate was certified safe for a workflow: see the verdicts of `audit replay`"
    return None


def _shares(store: Store, settings: Settings, draws: int, seed: int) -> Any:
    """Draws of the saved share over its point value.

    The replayed units of each whole workflow are drawn again, the saving of a part is drawn from its standard error.
    """
    del settings
    _choose(store)
    random = np.random.default_rng(seed)
    point, drawn = 0.0, np.zeros(draws)
    for units in pl.DataFrame(store.query(_UNITS)).partition_by("workflow_id", "current_model"):
        current, candidate, weight = (units[name].to_numpy() for name in ("current", "candidate", "weight"))
        spent = weight * current
        saving, error = units["saving"][0], units["saving_error"][0]
        if saving is not None:
            point += float(spent.sum()) * saving
            drawn += float(spent.sum()) * random.normal(saving, error, draws)
            continue
        picks = random.integers(0, len(units), size=(draws, len(units)))
        saved = spent - weight * candidate
        point += float(saved.sum())
        drawn += float(spent.sum()) * saved[picks].sum(axis=1) / spent[picks].sum(axis=1)
    return drawn / point if point > 0 else np.ones(draws)


def _findings(store: Store, settings: Settings) -> list[str]:
    del settings
    return [_sentence(row) for row in store.rows(_FOUND)]


def _sentence(row: dict[str, Any]) -> str:
    where = f"{row['workflow']}: {row['current_model']} to {row['endpoint']}/{row['model']}"
    how = {
        "whole": "the whole workflow",
        "rule": f"by a rule ({row['name']}), {share(row['routed'])} of requests",
        "router": f"by a trained router ({row['name']}), {share(row['routed'])} of requests",
        "cascade": f"as a cascade (check: {row['name']}), {share(row['routed'])} of its answers are kept",
    }[row["step"]]
    return (
        f"{where}, {how}; loss at most {share(row['loss_high'])} of all requests (n {count(row['n'])}), certificate "
        f"until {minute(row['last_us'] + VALID_DAYS * _DAY_US)} UTC"
    )


LEVER = Lever(
    name="routing",
    title="Smaller model for certified workflows",
    stage="ROUTE",
    order=10,
    evidence="C",
    rewrite="""
SELECT m.charge_id, m.request_id, m.position, m.sku_meter, m.provider_name, m.model, m.service_tier,
       m.consumed_quantity, m.estimated, m.unit_price_pico
FROM remaining AS m LEFT JOIN routing_request AS t ON t.request_id = m.request_id AND t.moves
WHERE t.request_id IS NULL
UNION ALL
SELECT NULL AS charge_id, m.request_id, NULL AS position, 'stated_cost' AS sku_meter, 'replay' AS provider_name,
       MIN(t.model) AS model, 'standard' AS service_tier, 1 AS consumed_quantity, FALSE AS estimated,
       CAST(ROUND(CAST(SUM(m.cost_pico) AS DOUBLE) * MIN(t.cost_ratio)) AS BIGINT) AS unit_price_pico
FROM remaining AS m JOIN routing_request AS t ON t.request_id = m.request_id
GROUP BY m.request_id
""",
    effort_days=3,
    risk="medium",
    prepare=_prepare,
    blocked=_blocked,
    shares=_shares,
    findings=_findings,
    conditions=(
        "only workflows whose certificate says safe; no request longer than those tested, without full text, or with "
        "images, sound or files where none were tested",
        "where the whole is not certified, the part that is: a rule, a router or a verifier has to tell it apart",
        "which requests a router sends, or a verifier keeps, is drawn as the measured share of the dollars",
        "a cascade pays both models for what its verifier sends back, and those answers come later",
        "the cost is the candidate's own usage in the replay",
        "the certificate holds for this traffic and these model versions; repeat it after 30 days or a change",
        "equivalence to today's model is certified, not correctness",
    ),
    fix="Point these workflows at the certified model; keep the current one as the fallback on errors.",
)
