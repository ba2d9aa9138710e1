"""Ask today's model otherwise (shorter, with less history or effort) where a replay has certified that it serves."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from audit.figures import count, minute, share
from audit.levers import Lever, Settings
from audit.levers._measured import INPUT, find_left, find_media, shares
from audit.statistics.arrays import FloatArray
from audit.statistics.estimation import Measured, ratio
from audit.statistics.verdicts import VALID_DAYS
from audit.store import Store

_DAY_US = 86_400_000_000

# a pair that may go to another model is left to that: both changes together are not certified
_CHOICE = """
CREATE OR REPLACE TEMP TABLE certified_variants_choice AS
WITH ranked AS (
    SELECT v.workflow_id, v.current_model, v.endpoint, v.model, v.variant, v.loss_high, v.n,
           ROW_NUMBER() OVER (
               PARTITION BY v.workflow_id, v.current_model ORDER BY v.cost_ratio, v.endpoint, v.variant
           ) AS place
    FROM verdict AS v
    LEFT JOIN (
        SELECT workflow_id, current_model FROM verdict WHERE verdict = 'safe' AND variant = '' AND cost_ratio < 1
        UNION
        SELECT workflow_id, current_model FROM policy WHERE outcome = 'offered'
    ) AS moved ON moved.workflow_id = v.workflow_id AND moved.current_model = v.current_model
    WHERE v.verdict = 'safe' AND v.variant <> '' AND v.cost_ratio < 1 AND moved.workflow_id IS NULL
)
SELECT * FROM ranked WHERE place = 1
"""

# every prompt drawn, with what it takes asked otherwise; one that was not asked so (nothing of it changes, or no answer
# came) stays as it is
_UNITS = """
CREATE OR REPLACE TEMP TABLE certified_variants_unit AS
WITH drawn AS (
    SELECT prompt_key, MIN(request_id) AS request_id, MAX(requests) AS requests,
           MAX(inclusion_probability) AS chance, MAX(cost_pico) AS cost_pico, COALESCE(MIN(stratum), '') AS stratum,
           COALESCE(MIN(cluster), CAST(prompt_key AS VARCHAR)) AS cluster
    FROM sample GROUP BY prompt_key
),
asked AS (
    SELECT r.workflow_id, COALESCE(r.response_model, r.request_model) AS current_model, r.prompt_key,
           COUNT(*) AS requests
    FROM request AS r JOIN (SELECT DISTINCT request_id FROM remaining) AS m ON m.request_id = r.request_id
    WHERE r.prompt_key IN (SELECT prompt_key FROM sample)
    GROUP BY r.workflow_id, COALESCE(r.response_model, r.request_model), r.prompt_key
),
told AS (
    SELECT c.workflow_id, c.current_model, p.prompt_key, MAX(p.input_tokens) AS input_tokens,
           MAX(p.output_tokens) AS output_tokens, MAX(p.cost_pico) AS cost_pico, MAX(p.started_at_us) AS last_us
    FROM certified_variants_choice AS c
    JOIN replay AS p ON p.workflow_id = c.workflow_id AND p.current_model = c.current_model
        AND p.endpoint = c.endpoint AND p.model = c.model AND p.variant = c.variant
    WHERE p.status = 'ok' AND p.input_tokens IS NOT NULL AND p.output_tokens IS NOT NULL AND p.cost_pico IS NOT NULL
    GROUP BY c.workflow_id, c.current_model, p.prompt_key
)
SELECT c.workflow_id, c.current_model, d.prompt_key, COALESCE(a.requests, 0) / d.chance AS weight, d.chance,
       d.stratum, d.cluster, t.last_us,
       CAST(d.cost_pico AS DOUBLE) / d.requests AS current,
       COALESCE(CAST(t.cost_pico AS DOUBLE), CAST(d.cost_pico AS DOUBLE) / d.requests) AS otherwise,
       CAST(r.input_tokens AS DOUBLE) AS logged_input, CAST(r.output_tokens AS DOUBLE) AS logged_output,
       CAST(COALESCE(t.input_tokens, r.input_tokens) AS DOUBLE) AS input,
       CAST(COALESCE(t.output_tokens, r.output_tokens) AS DOUBLE) AS output,
       CASE WHEN t.prompt_key IS NULL THEN 0 ELSE 1 END AS changed
FROM certified_variants_choice AS c
JOIN request AS r ON r.workflow_id = c.workflow_id AND COALESCE(r.response_model, r.request_model) = c.current_model
JOIN drawn AS d ON d.request_id = r.request_id
LEFT JOIN asked AS a ON a.workflow_id = c.workflow_id AND a.current_model = c.current_model
    AND a.prompt_key = d.prompt_key
LEFT JOIN told AS t ON t.workflow_id = c.workflow_id AND t.current_model = c.current_model
    AND t.prompt_key = d.prompt_key
WHERE r.input_tokens > 0 AND r.output_tokens IS NOT NULL
"""

# the ratios over all requests, and those over the ones nobody drew: of these a drawn prompt stands for 1/chance - 1
_RATIOS = """
CREATE OR REPLACE TEMP TABLE certified_variants_ratio AS
WITH tested AS (
    SELECT workflow_id, current_model, MAX(logged_input) AS tokens
    FROM certified_variants_unit WHERE changed = 1 GROUP BY workflow_id, current_model
),
added AS (
    SELECT u.workflow_id, u.current_model, t.tokens, SUM(u.weight) AS weight, SUM(u.weight * u.changed) AS changed,
           SUM(u.weight * u.input) AS input, SUM(u.weight * u.logged_input) AS logged_input,
           SUM(u.weight * u.output) AS output, SUM(u.weight * u.logged_output) AS logged_output,
           SUM(u.weight * (1 - u.chance) * u.input) AS rest_input,
           SUM(u.weight * (1 - u.chance) * u.logged_input) AS rest_logged_input,
           SUM(u.weight * (1 - u.chance) * u.output) AS rest_output,
           SUM(u.weight * (1 - u.chance) * u.logged_output) AS rest_logged_output, MAX(u.last_us) AS last_us
    FROM certified_variants_unit AS u
    JOIN tested AS t ON t.workflow_id = u.workflow_id AND t.current_model = u.current_model
    WHERE u.logged_input <= t.tokens
    GROUP BY u.workflow_id, u.current_model, t.tokens
)
SELECT workflow_id, current_model, tokens AS tested_tokens, changed / weight AS changed, last_us,
       input / logged_input AS input_ratio, output / GREATEST(logged_output, 1.0) AS output_ratio,
       CASE WHEN rest_logged_input > 0 THEN rest_input / rest_logged_input ELSE input / logged_input END
           AS rest_input_ratio,
       CASE WHEN rest_logged_output > 0 THEN rest_output / rest_logged_output
            ELSE output / GREATEST(logged_output, 1.0) END AS rest_output_ratio
FROM added WHERE weight > 0
"""

# a drawn prompt takes what it was measured to take
_SCOPE = """
CREATE OR REPLACE TEMP TABLE certified_variants_scope AS
SELECT r.request_id, COALESCE(u.input / u.logged_input, t.rest_input_ratio) AS input_ratio,
       COALESCE(u.output / GREATEST(u.logged_output, 1.0), t.rest_output_ratio) AS output_ratio
FROM certified_variants_ratio AS t
JOIN request AS r ON r.workflow_id = t.workflow_id
    AND COALESCE(r.response_model, r.request_model) = t.current_model
LEFT JOIN certified_variants_unit AS u ON u.workflow_id = t.workflow_id AND u.current_model = t.current_model
    AND u.prompt_key = r.prompt_key
LEFT JOIN measured_media AS m ON m.request_id = r.request_id
WHERE r.status = 'billable' AND r.prompt_key IS NOT NULL AND r.input_tokens <= t.tested_tokens
    AND m.request_id IS NULL
"""

# what earlier levers took off a request counts towards what the variant takes off it, so that nothing counts twice
_REQUESTS = """
CREATE OR REPLACE TEMP TABLE certified_variants_request AS
SELECT s.request_id,
       CASE WHEN s.input_ratio >= 1 OR l.input_left <= 0 THEN s.input_ratio
            ELSE LEAST(1.0, s.input_ratio / l.input_left) END AS input_kept,
       CASE WHEN s.output_ratio >= 1 OR l.output_left <= 0 THEN s.output_ratio
            ELSE LEAST(1.0, s.output_ratio / l.output_left) END AS output_kept
FROM certified_variants_scope AS s JOIN measured_left AS l ON l.request_id = s.request_id
"""

_DRAWN = """
SELECT u.*
FROM certified_variants_unit AS u
JOIN certified_variants_ratio AS t ON t.workflow_id = u.workflow_id AND t.current_model = u.current_model
WHERE u.logged_input <= t.tested_tokens AND u.current > 0
ORDER BY u.workflow_id, u.current_model, u.prompt_key
"""

_FOUND = """
SELECT COALESCE(w.name, '(none)') AS workflow, c.*, t.input_ratio, t.output_ratio, t.changed, t.last_us
FROM certified_variants_choice AS c
JOIN certified_variants_ratio AS t ON t.workflow_id = c.workflow_id AND t.current_model = c.current_model
LEFT JOIN workflow AS w ON w.workflow_id = c.workflow_id
ORDER BY workflow, c.current_model
"""


def _choose(store: Store) -> int:
    for statement in (_CHOICE, _UNITS, _RATIOS):
        store.run(statement)
    return int(store.value("SELECT COUNT(*) FROM certified_variants_ratio"))


def _prepare(store: Store, settings: Settings) -> None:
    del settings
    _choose(store)
    find_media(store)
    store.run(_SCOPE)
    find_left(store, "certified_variants_scope")
    store.run(_REQUESTS)


def _blocked(store: Store, settings: Settings) -> str | None:
    del settings
    if not store.value("SELECT COUNT(*) FROM verdict WHERE variant <> ''"):
        return "no changed request was tried on this log: run `audit replay --variant concise`, or another variant"
    if not _choose(store):
        return "no variant was certified safe and cheaper where no other model is: see the verdicts of `audit replay`"
    return None


def _shares(store: Store, settings: Settings, draws: int, seed: int) -> FloatArray:
    del settings
    _choose(store)
    return shares(_savings(pl.DataFrame(store.query(_DRAWN))), draws, seed)


def _savings(drawn: pl.DataFrame) -> Iterator[tuple[float, Measured]]:
    """The dollars of each workflow, and the share of them that is saved."""
    for units in drawn.partition_by("workflow_id", "current_model"):
        current, otherwise = units["current"].to_numpy(), units["otherwise"].to_numpy()
        weight, *design = (units[name].to_numpy() for name in ("weight", "chance", "stratum", "cluster"))
        yield float(weight @ current), ratio(current - otherwise, current, weight, *design)


def _findings(store: Store, settings: Settings) -> list[str]:
    del settings
    return [
        f"{row['workflow']}: {row['current_model']} asked with `{row['variant']}`, which changes "
        f"{share(row['changed'], 0)} of requests: input {row['input_ratio']:.3g}×, output {row['output_ratio']:.3g}× "
        f"over all of them; loss at most {share(row['loss_high'])} (n {count(row['n'])}), certificate until "
        f"{minute(row['last_us'] + VALID_DAYS * _DAY_US)} UTC"
        for row in store.rows(_FOUND)
    ]


LEVER = Lever(
    name="certified_variants",
    title="Requests changed as a replay certified",
    stage="SHRINK",
    order=90,
    evidence="C",
    rewrite=f"""
SELECT m.charge_id, m.request_id, m.position, m.sku_meter, m.provider_name, m.model, m.service_tier,
       CASE WHEN p.request_id IS NULL THEN m.consumed_quantity
            WHEN m.sku_meter IN {INPUT}
            THEN CAST(ROUND(CAST(m.consumed_quantity AS DOUBLE) * p.input_kept) AS BIGINT)
            WHEN m.sku_meter = 'output'
            THEN CAST(ROUND(CAST(m.consumed_quantity AS DOUBLE) * p.output_kept) AS BIGINT)
            ELSE m.consumed_quantity END AS consumed_quantity,
       m.estimated, m.unit_price_pico
FROM remaining AS m LEFT JOIN certified_variants_request AS p ON p.request_id = m.request_id
""",
    effort_days=2,
    risk="medium",
    needs=("usage",),
    prepare=_prepare,
    blocked=_blocked,
    shares=_shares,
    findings=_findings,
    conditions=(
        "only workflows whose certificate says safe; no request longer than those tested, without full text or with "
        "images, sound or files",
        "of several safe variants the cheapest; none where another model is certified, since both together are not",
        "tokens as the replay used them, prompt by prompt where it asked and in the ratio of these elsewhere, a prompt "
        "the variant does not change at what it takes today; what the levers above took off a request counts towards "
        "it, so that nothing counts twice",
        "the certificate holds for this traffic and this model version; repeat it after 30 days or a change",
    ),
    fix="Change these requests as the variant does; docs/replay.md says what each one changes.",
)
