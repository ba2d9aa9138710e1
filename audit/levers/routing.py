"""Move a workflow, or a part of it, to a cheaper model where a replay has certified that its answers serve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from audit.figures import count, minute, share
from audit.levers import Lever, Settings
from audit.levers._measured import find_left, find_media, shares
from audit.statistics.arrays import FloatArray
from audit.statistics.estimation import Measured, ratio
from audit.statistics.verdicts import VALID_DAYS
from audit.store import Store

_DAY_US = 86_400_000_000

_TESTED = """
CREATE OR REPLACE TEMP TABLE routing_tested AS
SELECT p.workflow_id, p.current_model, p.endpoint, p.model, MAX(r.input_tokens) AS input_tokens,
       MAX(CASE WHEN m.request_id IS NULL THEN 0 ELSE 1 END) AS media, MAX(p.started_at_us) AS last_us
FROM replay AS p JOIN request AS r ON r.request_id = p.request_id
LEFT JOIN measured_media AS m ON m.request_id = p.request_id
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
           max_input_tokens
    FROM policy WHERE outcome = 'offered'
    UNION ALL
    SELECT r.workflow_id, r.current_model, r.endpoint, r.model, 'whole' AS step, '' AS name, 1.0 AS routed, r.loss_high,
           r.n, r.cost_ratio, 1.0 AS asked, 1.0 AS moved, NULL AS max_input_tokens
    FROM ranked AS r
    LEFT JOIN policy AS o
        ON o.workflow_id = r.workflow_id AND o.current_model = r.current_model AND o.outcome = 'offered'
    WHERE r.place = 1 AND o.workflow_id IS NULL
)
SELECT c.workflow_id, c.current_model, c.endpoint, c.model, c.step, c.name, c.routed, c.loss_high, c.n, c.cost_ratio,
       c.asked, c.moved, t.last_us, t.media,
       COALESCE(c.max_input_tokens, t.input_tokens) AS tested_tokens
FROM chosen AS c
JOIN routing_tested AS t ON t.workflow_id = c.workflow_id AND t.current_model = c.current_model
    AND t.endpoint = c.endpoint AND t.model = c.model
"""

_SCOPE = """
CREATE OR REPLACE TEMP TABLE routing_scope AS
SELECT r.request_id, r.prompt_key, c.workflow_id, c.current_model
FROM request AS r
JOIN routing_choice AS c
    ON c.workflow_id = r.workflow_id AND c.current_model = COALESCE(r.response_model, r.request_model)
LEFT JOIN measured_media AS m ON m.request_id = r.request_id
WHERE r.status = 'billable' AND r.prompt_key IS NOT NULL AND r.input_tokens <= c.tested_tokens
    AND (m.request_id IS NULL OR c.media = 1)
"""

# each drawn prompt with what is left to pay for it, and what the candidate takes for that: requests a cache answers
# count no longer, and a shorter prompt is shorter for both models, while the answer stays
_UNITS = """
CREATE OR REPLACE TEMP TABLE routing_unit AS
WITH prompts AS (
    SELECT s.workflow_id, s.current_model, s.prompt_key, SUM(l.cost) AS cost,
           SUM(l.cost_today * LEAST(1.0, l.input_left)) AS asking,
           SUM(l.cost_today * LEAST(1.0, l.output_left)) AS answering
    FROM routing_scope AS s JOIN measured_left AS l ON l.request_id = s.request_id
    GROUP BY s.workflow_id, s.current_model, s.prompt_key
)
SELECT u.workflow_id, u.current_model, u.prompt_key, u.weight, u.included, u.stratum, u.cluster, u.asked, u.kept,
       p.cost,
       CASE WHEN u.output_ratio IS NULL THEN u.cost_ratio * p.cost
            ELSE (u.cost_ratio - u.output_ratio) * p.asking + u.output_ratio * p.answering END AS candidate
FROM routing_choice AS c
JOIN priced_unit AS u ON u.workflow_id = c.workflow_id AND u.current_model = c.current_model
    AND u.endpoint = c.endpoint AND u.model = c.model
JOIN prompts AS p ON p.workflow_id = c.workflow_id AND p.current_model = c.current_model
    AND p.prompt_key = u.prompt_key
WHERE p.cost > 0
"""

# where no drawn prompt has anything left to pay, what was measured on the whole log stands
_SHARES = """
CREATE OR REPLACE TEMP TABLE routing_share AS
WITH dollars AS (
    SELECT s.workflow_id, s.current_model, SUM(l.cost) AS cost
    FROM routing_scope AS s JOIN measured_left AS l ON l.request_id = s.request_id
    GROUP BY s.workflow_id, s.current_model
),
found AS (
    SELECT workflow_id, current_model, SUM(weight * cost) AS cost, SUM(weight * cost * asked) AS asked,
           SUM(weight * cost * kept) AS kept, SUM(weight * asked * candidate) AS paid
    FROM routing_unit GROUP BY workflow_id, current_model
)
SELECT c.workflow_id, c.current_model, c.model, d.cost,
       COALESCE(f.asked / f.cost, c.asked) AS asked, COALESCE(f.kept / f.cost, c.moved) AS moved,
       CASE WHEN f.asked > 0 THEN f.paid / f.asked ELSE c.cost_ratio END AS cost_ratio
FROM routing_choice AS c
JOIN dollars AS d ON d.workflow_id = c.workflow_id AND d.current_model = c.current_model
LEFT JOIN found AS f ON f.workflow_id = c.workflow_id AND f.current_model = c.current_model
"""

# which requests a router would send, or a verifier accept, the log can't say: the shares of dollars are drawn by the
# hash of the prompt, so that repeated prompts go one way and what survives keeps its place in the provider's caches
_REQUESTS = """
CREATE OR REPLACE TEMP TABLE routing_request AS
WITH placed AS (
    SELECT s.request_id, t.model, t.cost_ratio, t.asked * t.cost AS asked, t.moved * t.cost AS moved,
           SUM(l.cost) OVER (
               PARTITION BY s.workflow_id, s.current_model ORDER BY s.prompt_key, s.request_id
               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
           ) - l.cost / 2 AS middle
    FROM routing_scope AS s
    JOIN measured_left AS l ON l.request_id = s.request_id
    JOIN routing_share AS t ON t.workflow_id = s.workflow_id AND t.current_model = s.current_model
)
SELECT request_id, model, cost_ratio, CASE WHEN middle <= moved THEN TRUE ELSE FALSE END AS moves
FROM placed WHERE middle <= asked
"""

_DRAWN = """
SELECT u.*, s.cost AS dollars
FROM routing_unit AS u
JOIN routing_share AS s ON s.workflow_id = u.workflow_id AND s.current_model = u.current_model
ORDER BY u.workflow_id, u.current_model, u.prompt_key
"""

_UNPRICED = """
SELECT COUNT(*) FROM routing_choice AS c
LEFT JOIN (SELECT DISTINCT workflow_id, current_model, endpoint, model FROM priced_unit) AS u
    ON u.workflow_id = c.workflow_id AND u.current_model = c.current_model AND u.endpoint = c.endpoint
    AND u.model = c.model
WHERE u.workflow_id IS NULL
"""

_FOUND = """
SELECT COALESCE(w.name, '(none)') AS workflow, c.*
FROM routing_choice AS c LEFT JOIN workflow AS w ON w.workflow_id = c.workflow_id
ORDER BY workflow, c.current_model
"""


def _choose(store: Store) -> int:
    find_media(store)
    store.run(_TESTED)
    store.run(_CHOICE)
    return int(store.value("SELECT COUNT(*) FROM routing_choice"))


def _prepare(store: Store, settings: Settings) -> None:
    del settings
    _choose(store)
    store.run(_SCOPE)
    find_left(store, "routing_scope")
    for statement in (_UNITS, _SHARES, _REQUESTS):
        store.run(statement)


def _blocked(store: Store, settings: Settings) -> str | None:
    del settings
    if not store.value("SELECT COUNT(*) FROM verdict WHERE variant = ''"):
        return "no cheaper model was tested on this log: run `audit replay --sample 500`"
    if not _choose(store):
        return "no tested candidate was certified safe for a workflow: see the verdicts of `audit replay`"
    if store.value(_UNPRICED):
        return "an earlier version made the verdicts: the same `audit replay` again decides anew and asks nothing"
    return None


def _shares(store: Store, settings: Settings, draws: int, seed: int) -> FloatArray:
    _prepare(store, settings)
    return shares(_savings(pl.DataFrame(store.query(_DRAWN))), draws, seed)


def _savings(drawn: pl.DataFrame) -> Iterator[tuple[float, Measured]]:
    """The dollars of each workflow, and the share of them that is saved."""
    for units in drawn.partition_by("workflow_id", "current_model"):
        cost = units["cost"].to_numpy()
        saved = (units["kept"] * units["cost"] - units["asked"] * units["candidate"]).to_numpy()
        design = (units[name].to_numpy() for name in ("weight", "included", "stratum", "cluster"))
        yield units["dollars"][0], ratio(saved, cost, *design)


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
        "which requests a router sends, or a verifier keeps, is drawn as the measured share of the dollars left",
        "a cascade pays both models for what its verifier sends back, and those answers come later",
        "the cost is the candidate's own usage in the replay",
        "the certificate holds for this traffic and these model versions; repeat it after 30 days or a change",
        "equivalence to today's model is certified, not correctness",
    ),
    fix="Point these workflows at the certified model; keep the current one as the fallback on errors.",
)
