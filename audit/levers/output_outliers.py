"""Stop answers that run away: the part of a cut-off answer far beyond what its workflow needs."""

from __future__ import annotations

from audit.levers import Lever

LEVER = Lever(
    name="output_outliers",
    title="Runaway answers",
    stage="SHRINK",
    order=50,
    evidence="B",
    rewrite="""
WITH runaway AS (
    SELECT o.request_id, CAST(o.median * $keep_medians AS BIGINT) AS kept
    FROM outlier AS o JOIN request AS r ON r.request_id = o.request_id
    WHERE o.meter = 'output' AND r.finish_reason IN ('length', 'max_tokens', 'MAX_TOKENS', 'max_output_tokens')
)
SELECT m.charge_id, m.request_id, m.position, m.sku_meter, m.provider_name, m.model, m.service_tier,
       CASE WHEN w.request_id IS NOT NULL AND m.sku_meter = 'output' AND m.consumed_quantity > w.kept
            THEN w.kept ELSE m.consumed_quantity END AS consumed_quantity,
       m.estimated, m.unit_price_pico
FROM remaining AS m
LEFT JOIN runaway AS w ON w.request_id = m.request_id
""",
    effort_days=1,
    risk="low",
    needs=("usage",),
    settings={"keep_medians": 3.0},
    conditions=(
        "only answers that hit the output limit and are more than three times their workflow's median",
        "{keep_medians} medians of each are kept; long answers that ended by themselves are left alone",
    ),
    fix="Set max tokens near the workflow's 99th percentile and stop sequences; find what makes the answer loop.",
)
