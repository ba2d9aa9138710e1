"""Answers made shorter: tokens that go from the output of a request (`<lever>_cut`: request_id, cut)."""

from __future__ import annotations

from typing import Any

from audit.store import Store

_FOUND = """
WITH paid AS (
    SELECT m.request_id, SUM(CAST(m.consumed_quantity AS DOUBLE) * m.unit_price_pico) AS cost,
           CAST(SUM(m.consumed_quantity) AS DOUBLE) AS tokens
    FROM charge AS m WHERE m.sku_meter = 'output' AND m.unit_price_pico IS NOT NULL GROUP BY m.request_id
)
SELECT COALESCE(w.name, '(none)') AS workflow, r.workflow_id, COUNT(*) AS requests,
       CAST(SUM(c.cut) AS BIGINT) AS tokens, CAST(SUM(p.cost / p.tokens * c.cut) AS BIGINT) AS saving_pico
FROM {name}_cut AS c
JOIN paid AS p ON p.request_id = c.request_id AND p.tokens > 0
JOIN request AS r ON r.request_id = c.request_id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
WHERE c.cut > 0
GROUP BY COALESCE(w.name, '(none)'), r.workflow_id ORDER BY saving_pico DESC, workflow
"""


def rewrite(name: str) -> str:
    """The SELECT of a lever that shortens answers; several output rows of a request are cut alike."""
    return f"""
WITH output_total AS (
    SELECT m.request_id, SUM(m.consumed_quantity) AS total
    FROM remaining AS m JOIN {name}_cut AS c ON c.request_id = m.request_id
    WHERE m.sku_meter = 'output' GROUP BY m.request_id
),
part AS (
    SELECT c.request_id, CASE WHEN c.cut >= t.total THEN 1.0 ELSE CAST(c.cut AS DOUBLE) / CAST(t.total AS DOUBLE) END
           AS gone
    FROM {name}_cut AS c JOIN output_total AS t ON t.request_id = c.request_id WHERE t.total > 0 AND c.cut > 0
)
SELECT m.charge_id, m.request_id, m.position, m.sku_meter, m.provider_name, m.model, m.service_tier,
       m.consumed_quantity - CASE WHEN p.request_id IS NOT NULL AND m.sku_meter = 'output'
           THEN CAST(ROUND(CAST(m.consumed_quantity AS DOUBLE) * p.gone) AS BIGINT) ELSE 0 END AS consumed_quantity,
       m.estimated, m.unit_price_pico
FROM remaining AS m LEFT JOIN part AS p ON p.request_id = m.request_id
"""


def found(store: Store, name: str) -> list[dict[str, Any]]:
    """What is cut, by workflow, dearest first: workflow, requests, tokens, saving_pico at the prices paid."""
    return store.rows(_FOUND.format(name=name))
