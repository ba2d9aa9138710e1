"""The stage `chargeback`: what was charged, by day, model, meter and who used it, ready for a finance system."""

from __future__ import annotations

import pyarrow as pa

from audit.store import Store

_UNPRICED = "c.cost_pico IS NULL AND c.consumed_quantity > 0 AND r.status = 'billable' AND p.unpriced = 1"
_ROWS = f"""
WITH listed AS (
    SELECT provider_name, model, sku_meter, service_tier, unit_price_pico, MAX(list_unit_price_pico) AS list_price
    FROM price GROUP BY provider_name, model, sku_meter, service_tier, unit_price_pico
)
SELECT r.day, COALESCE(c.provider_name, r.provider_name, 'unknown') AS provider_name,
       COALESCE(c.model, r.response_model, r.request_model, 'unknown') AS model, c.sku_meter,
       COALESCE(c.service_tier, 'standard') AS service_tier,
       COALESCE(r.organization, '') AS organization, COALESCE(r.team, '') AS team, COALESCE(r.feature, '') AS feature,
       COALESCE(r.environment, '') AS environment, COALESCE(w.name, '') AS workflow,
       COUNT(DISTINCT r.request_id) AS requests, CAST(SUM(c.consumed_quantity) AS BIGINT) AS quantity,
       c.unit_price_pico, COALESCE(l.list_price, c.unit_price_pico) AS list_unit_price_pico,
       CAST(SUM(c.cost_pico) AS DECIMAL(38, 0)) AS cost_pico,
       CAST(SUM(c.consumed_quantity * COALESCE(l.list_price, c.unit_price_pico)) AS DECIMAL(38, 0)) AS list_cost_pico
FROM charge AS c
JOIN request AS r ON r.request_id = c.request_id
JOIN request_cost AS p ON p.request_id = c.request_id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
LEFT JOIN listed AS l ON l.provider_name = c.provider_name AND l.model = c.model AND l.sku_meter = c.sku_meter
    AND l.service_tier = COALESCE(c.service_tier, 'standard') AND l.unit_price_pico = c.unit_price_pico
WHERE c.estimated = FALSE AND (c.cost_pico IS NOT NULL OR ({_UNPRICED}))
GROUP BY r.day, COALESCE(c.provider_name, r.provider_name, 'unknown'),
         COALESCE(c.model, r.response_model, r.request_model, 'unknown'), c.sku_meter,
         COALESCE(c.service_tier, 'standard'), COALESCE(r.organization, ''), COALESCE(r.team, ''),
         COALESCE(r.feature, ''), COALESCE(r.environment, ''), COALESCE(w.name, ''), c.unit_price_pico,
         COALESCE(l.list_price, c.unit_price_pico)
ORDER BY day, provider_name, model, sku_meter, service_tier, organization, team, feature, environment, workflow,
         unit_price_pico
"""
_UNPRICED_REQUESTS = f"""
SELECT COUNT(DISTINCT c.request_id) FROM charge AS c JOIN request AS r ON r.request_id = c.request_id
JOIN request_cost AS p ON p.request_id = c.request_id WHERE c.estimated = FALSE AND {_UNPRICED}
"""


def chargeback(store: Store) -> pa.Table:
    """One row per day, model, meter, tier and owner; money in pico-USD, null without a price, estimates left out."""
    return store.query(_ROWS)


def unpriced(store: Store) -> int:
    """How many requests have quantities without a price in these rows."""
    return int(store.value(_UNPRICED_REQUESTS))
