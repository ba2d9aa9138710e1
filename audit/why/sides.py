"""What one period holds: per workflow and model, how much of each meter was billed, in which tier, at which price."""

from __future__ import annotations

from dataclasses import dataclass, field

from audit.store import Store
from audit.why.periods import Period

FRESH = ("input", "cache_write_5m", "cache_write_1h")
"""Input computed anew; beside it stands what was read from the provider's cache."""

READ, OUTPUT = "cache_read", "output"

# what a request longer than a step of the price list pays is a tier of its own: no price changed when there are more
_CELLS = """
WITH stepped AS (
    SELECT provider_name, model, sku_meter, service_tier, MIN(input_threshold) AS step
    FROM price WHERE input_threshold > 0 GROUP BY provider_name, model, sku_meter, service_tier
),
tiered AS (
    SELECT c.request_id, c.sku_meter, c.consumed_quantity, c.cost_pico, c.estimated,
           CASE WHEN r.input_tokens > s.step THEN CONCAT(COALESCE(c.service_tier, 'standard'), ', long')
                ELSE COALESCE(c.service_tier, 'standard') END AS service_tier
    FROM charge AS c
    JOIN request AS r ON r.request_id = c.request_id
    LEFT JOIN stepped AS s ON s.provider_name = c.provider_name AND s.model = c.model AND s.sku_meter = c.sku_meter
        AND s.service_tier = COALESCE(c.service_tier, 'standard')
)
SELECT COALESCE(w.name, '(none)') AS workflow, COALESCE(r.response_model, r.request_model, 'unknown') AS model,
       c.sku_meter, c.service_tier,
       CAST(SUM(c.consumed_quantity) AS DOUBLE) AS quantity,
       CAST(SUM(COALESCE(c.cost_pico, 0)) AS DECIMAL(38, 0)) AS cost
FROM request AS r
JOIN tiered AS c ON c.request_id = r.request_id AND c.estimated = FALSE
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
WHERE r.status = 'billable' AND r.day >= $first AND r.day <= $last
GROUP BY COALESCE(w.name, '(none)'), COALESCE(r.response_model, r.request_model, 'unknown'), c.sku_meter, c.service_tier
ORDER BY workflow, model, c.sku_meter, service_tier
"""
_REQUESTS = """
SELECT COALESCE(w.name, '(none)') AS workflow, COALESCE(r.response_model, r.request_model, 'unknown') AS model,
       COUNT(*) AS requests
FROM request AS r LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
WHERE r.status = 'billable' AND r.day >= $first AND r.day <= $last
GROUP BY COALESCE(w.name, '(none)'), COALESCE(r.response_model, r.request_model, 'unknown')
"""

_ACTIVITY = """
WITH daily AS (
    SELECT day, COUNT(DISTINCT user_id) AS users, COUNT(*) AS requests,
           SUM(CASE WHEN user_id IS NULL THEN 1 ELSE 0 END) AS anonymous
    FROM request WHERE status = 'billable' AND day >= $first AND day <= $last GROUP BY day
)
SELECT COUNT(*) AS days, COALESCE(SUM(users), 0) AS user_days, COALESCE(SUM(requests), 0) AS requests,
       COALESCE(SUM(anonymous), 0) AS anonymous
FROM daily
"""

# a task counts where it cost something: the first of its calls may have failed free of charge
_TASKS = """
SELECT COUNT(DISTINCT a.task_id) AS tasks
FROM task_attempt AS a JOIN request AS r ON r.request_id = a.request_id
WHERE r.status = 'billable' AND r.day >= $first AND r.day <= $last
"""

Meter = tuple[str, str]
"""(meter, service tier, apart for requests beyond a step of the price list)."""


@dataclass(slots=True)
class Cell:
    """One workflow on one model: requests, and quantity and cost (pico-USD) by meter and tier."""

    requests: int = 0
    quantity: dict[Meter, float] = field(default_factory=dict)
    cost: dict[Meter, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Its part of the bill."""
        return sum(self.cost.values())

    def of(self, meter: str) -> float:
        """The quantity of a meter in all tiers."""
        return sum(quantity for (name, _), quantity in self.quantity.items() if name == meter)

    @property
    def input(self) -> float:
        """Input tokens, read from the cache or not."""
        return self.of(READ) + self.fresh

    @property
    def fresh(self) -> float:
        """Input tokens that were computed anew."""
        return sum(self.of(meter) for meter in FRESH)

    def tiers(self, meter: str) -> dict[str, float]:
        """Shares of a meter's quantity by tier; empty when it was not billed."""
        own = {tier: quantity for (name, tier), quantity in self.quantity.items() if name == meter and quantity}
        whole = sum(own.values())
        return {tier: quantity / whole for tier, quantity in own.items()} if whole else {}

    def price(self, meter: str, tier: str) -> float | None:
        """The mean price paid per unit, None when nothing was billed so."""
        quantity = self.quantity.get((meter, tier), 0.0)
        return self.cost[meter, tier] / quantity if quantity else None


@dataclass(frozen=True, slots=True)
class Side:
    """One period of the log."""

    cells: dict[tuple[str, str], Cell]
    days: int
    user_days: int
    tasks: int
    requests: int
    known_users: bool
    cost: int


def side(store: Store, chosen: Period) -> Side:
    """Read one period; the caller has sorted the calls into tasks."""
    values = {"first": chosen.first, "last": chosen.last}
    cells = {(row["workflow"], row["model"]): Cell(int(row["requests"])) for row in store.rows(_REQUESTS, **values)}
    for row in store.rows(_CELLS, **values):
        cell, meter = cells[row["workflow"], row["model"]], (row["sku_meter"], row["service_tier"])
        cell.quantity[meter], cell.cost[meter] = float(row["quantity"] or 0), int(row["cost"])
    activity = store.rows(_ACTIVITY, **values)[0]
    return Side(
        cells=cells,
        days=int(activity["days"]),
        user_days=int(activity["user_days"]),
        tasks=max(1, int(store.value(_TASKS, **values))),
        requests=int(activity["requests"]),
        known_users=int(activity["anonymous"]) * 10 <= int(activity["requests"]) and int(activity["user_days"]) > 0,
        cost=sum(cell.total for cell in cells.values()),
    )
