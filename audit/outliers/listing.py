"""The outliers worth a look, dearest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit.store import Store
from audit.store.naming import REQUEST_NAME

_LISTED = f"""
SELECT {REQUEST_NAME} AS external_id,
       COALESCE(w.name, '(none)') AS workflow,
       o.model, o.meter, o.tokens, o.median, o.z, o.excess_cost_pico, o.cause, r.user_id
FROM outlier AS o
JOIN request AS r ON r.request_id = o.request_id
LEFT JOIN workflow AS w ON w.workflow_id = o.workflow_id
WHERE o.listed
ORDER BY o.excess_cost_pico DESC, o.tokens DESC, o.request_id, o.meter
"""
_COUNTED = """
SELECT COUNT(*) AS counted, CAST(COALESCE(SUM(excess_cost_pico), 0) AS DECIMAL(38, 0)) AS excess FROM outlier
"""


@dataclass(frozen=True, slots=True)
class Outliers:
    """`rows` are those above 0.1 % of their workflow's dollars; `counted` and the excess cover all."""

    rows: list[dict[str, Any]]
    counted: int
    excess_cost_pico: int


def listed(store: Store) -> Outliers:
    """Read the table `outlier`."""
    totals = store.rows(_COUNTED)[0]
    return Outliers(store.rows(_LISTED), totals["counted"], int(totals["excess"]))
