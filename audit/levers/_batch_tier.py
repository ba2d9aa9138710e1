"""Standard charges of some requests moved to the batch tier, where their model is offered in it."""

from __future__ import annotations


def rewrite(table: str) -> str:
    """The SELECT of a lever that moves the requests in `table` to the batch tier."""
    return f"""
WITH offered AS (
    SELECT DISTINCT provider_name, model, sku_meter FROM price WHERE service_tier = 'batch' AND inferred = FALSE
)
SELECT m.charge_id, m.request_id, m.position, m.sku_meter, m.provider_name, m.model,
       CASE WHEN o.request_id IS NOT NULL AND b.model IS NOT NULL THEN 'batch' ELSE m.service_tier END
           AS service_tier,
       m.consumed_quantity, m.estimated,
       CASE WHEN o.request_id IS NOT NULL AND b.model IS NOT NULL THEN NULL ELSE m.unit_price_pico END
           AS unit_price_pico
FROM remaining AS m
LEFT JOIN {table} AS o ON o.request_id = m.request_id AND m.service_tier = 'standard'
LEFT JOIN offered AS b
    ON b.provider_name = m.provider_name AND b.model = m.model AND b.sku_meter = m.sku_meter
"""
