"""The running bill: apply levers to the charges one after another and see what is left to pay."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.errors import PriceError
from audit.levers import Lever, Settings
from audit.prices.pricing_sql import price_charges
from audit.projection import settlement
from audit.projection.blocks import Blocks
from audit.store import Store

Pico = NDArray[np.object_]
"""Exact money per block of time: Python integers, so that sums are exact at any size."""

_COLUMNS = (
    "charge_id, request_id, position, sku_meter, provider_name, model, service_tier, consumed_quantity, estimated,"
    " unit_price_pico"
)

# a record that names no tier was served in the standard one; levers compare tiers, so the bill says so
_START = """
SELECT charge_id, request_id, position, sku_meter, provider_name, model,
       COALESCE(service_tier, 'standard') AS service_tier, consumed_quantity, estimated, unit_price_pico, cost_pico
FROM charge WHERE cost_pico IS NOT NULL AND estimated = $estimated
"""
_ONLY = (
    "SELECT m.* FROM remaining AS m JOIN request AS r ON r.request_id = m.request_id WHERE r.workflow_id = $workflow"
)

# a charge of unknown unit price is one that a lever moved
_REWRITTEN = f"""
CREATE OR REPLACE TEMP TABLE rewritten AS
SELECT {_COLUMNS}, CAST(consumed_quantity * unit_price_pico AS BIGINT) AS cost_pico FROM ({{lever}}) AS lever_rows
"""

_MOVED = """
CREATE OR REPLACE TEMP TABLE moved_charge AS
SELECT ROW_NUMBER() OVER (ORDER BY request_id, sku_meter, position, charge_id) AS charge_id, request_id, position,
       sku_meter, provider_name, model, service_tier, consumed_quantity, estimated
FROM rewritten WHERE unit_price_pico IS NULL
"""

# what a meter without a price row falls back to: cached tokens are plain input to a model without a cache price
_AS_INPUT = """
CREATE OR REPLACE TEMP TABLE moved_unpriced AS
SELECT m.charge_id, m.request_id, m.position, 'input' AS sku_meter, m.provider_name, m.model, m.service_tier,
       m.consumed_quantity, m.estimated
FROM moved_charge AS m JOIN moved_price AS p ON p.charge_id = m.charge_id
WHERE p.unit_price_pico IS NULL AND m.sku_meter LIKE 'cache_%'
"""

_REPRICED = f"""
CREATE OR REPLACE TEMP TABLE repriced AS
SELECT CAST(NULL AS BIGINT) AS charge_id, m.request_id, m.position, m.sku_meter, m.provider_name, m.model,
       m.service_tier, m.consumed_quantity, m.estimated,
       COALESCE(p.unit_price_pico, f.unit_price_pico) AS unit_price_pico,
       CAST(m.consumed_quantity * COALESCE(p.unit_price_pico, f.unit_price_pico) AS BIGINT) AS cost_pico
FROM moved_charge AS m
JOIN moved_price AS p ON p.charge_id = m.charge_id
LEFT JOIN moved_fallback AS f ON f.charge_id = m.charge_id
UNION ALL
SELECT {_COLUMNS}, cost_pico FROM rewritten WHERE unit_price_pico IS NOT NULL
"""

_BLOCKS = """
SELECT COALESCE(r.started_at_us - r.started_at_us % $width, -1) AS block,
       CAST(SUM(m.cost_pico) AS DECIMAL(38, 0)) AS cost
FROM remaining AS m JOIN request AS r ON r.request_id = m.request_id
GROUP BY COALESCE(r.started_at_us - r.started_at_us % $width, -1)
"""

# a charge that is left as it was keeps its id and its cost; only requests with another one are added up
_TOUCHED = """
WITH moved AS (
    SELECT b.request_id FROM {snapshot} AS b
    LEFT JOIN remaining AS n ON n.charge_id = b.charge_id AND n.cost_pico = b.cost_pico
    WHERE n.request_id IS NULL
    UNION
    SELECT request_id FROM remaining WHERE charge_id IS NULL
),
before AS (
    SELECT b.request_id, SUM(b.cost_pico) AS cost
    FROM {snapshot} AS b JOIN moved AS m ON m.request_id = b.request_id GROUP BY b.request_id
),
now AS (
    SELECT n.request_id, SUM(n.cost_pico) AS cost
    FROM remaining AS n JOIN moved AS m ON m.request_id = n.request_id GROUP BY n.request_id
)
SELECT COUNT(*) FROM before AS b LEFT JOIN now AS n ON n.request_id = b.request_id
WHERE COALESCE(n.cost, 0) <> b.cost
"""

# levers of these stages take requests away from the model that answered them
_REMOVING = ("WASTE", "CACHE", "ROUTE")
_PAYING = "SELECT COUNT(DISTINCT request_id) FROM remaining WHERE sku_meter IN ('input', 'cache_read')"


@dataclass
class Bench:
    """The charges still to pay, as `remaining`, and the levers' settings.

    Costs come in blocks of time (days; shorter blocks where a log holds fewer than five days), because traffic of
    one day hangs together and only whole blocks may be resampled. Each state of the bill is a temporary table that is
    never written to again, and `remaining` a view of one of them: keeping a state and going back to it copy nothing.
    """

    store: Store
    settings: dict[str, Settings]
    now_us: int
    estimated: bool = False
    _state: str = ""
    _made: int = 0
    _kept: dict[str, str] = field(default_factory=dict)
    _tables: set[str] = field(default_factory=set)

    def start(self) -> None:
        """Begin with today's bill."""
        self._make(_START, estimated=self.estimated)
        self.blocks = Blocks.of(self.store)

    def only(self, workflow_id: int) -> None:
        """Leave the charges of other workflows out."""
        self._make(_ONLY, workflow=workflow_id)

    def apply(self, lever: Lever) -> None:
        """Rewrite the remaining charges by one lever, price what it moved and settle what survivors lose."""
        settings = self.settings[lever.name]
        if lever.prepare:
            lever.prepare(self.store, settings)
        values = {name: value for name, value in settings.items() if re.search(rf"\${name}\b", lever.rewrite)}
        before = self._requests() if lever.stage in _REMOVING else 0
        self._rewrite(lever.rewrite, f"lever {lever.name}", values)
        if lever.stage in _REMOVING and self._requests() < before and settlement.find_losses(self.store):
            self._rewrite(settlement.REWRITE, "the settlement of prompt caches", {})

    def _requests(self) -> int:
        """Requests that still pay for input by the token."""
        return int(self.store.value(_PAYING))

    def _rewrite(self, sql: str, who: str, values: Mapping[str, Any]) -> None:
        self.store.run(_REWRITTEN.format(lever=sql), **values)
        if self.store.value("SELECT COUNT(*) FROM rewritten WHERE unit_price_pico IS NULL"):
            self._price()
            self.store.run("DROP TABLE rewritten")
            self.store.run("ALTER TABLE repriced RENAME TO rewritten")
        unpriced = self.store.value("SELECT COUNT(*) FROM rewritten WHERE unit_price_pico IS NULL")
        if unpriced:
            raise PriceError(f"{who} moved {unpriced} charges to where no price is known")
        self._adopt("rewritten")

    def _price(self) -> None:
        """Price the moved charges at the day and size of their requests; the rest keep their price."""
        self.store.run(_MOVED)
        self.store.run(f"CREATE OR REPLACE TEMP TABLE moved_price AS {price_charges('moved_charge')}", **self._dated)
        self.store.run(_AS_INPUT)
        self.store.run(
            f"CREATE OR REPLACE TEMP TABLE moved_fallback AS {price_charges('moved_unpriced')}", **self._dated
        )
        self.store.run(_REPRICED)

    @property
    def _dated(self) -> dict[str, int]:
        return {"undated_us": self.now_us}

    def cost(self) -> Pico:
        """What remains to pay, by block of time, in pico-USD."""
        costs: Pico = np.array([0] * self.blocks.count, dtype=object)
        for row in self.store.rows(_BLOCKS, width=self.blocks.width_us):
            costs[self.blocks.places[row["block"]]] += int(row["cost"])
        return costs

    def touched(self, snapshot: str) -> int:
        """Requests that pay another sum now than in a kept state."""
        if self._kept[snapshot] == self._state:
            return 0
        return int(self.store.value(_TOUCHED.format(snapshot=self._kept[snapshot])))

    def save(self, name: str) -> str:
        """Keep the present state under a name, which is returned."""
        self._kept[name] = self._state
        self._forget()
        return name

    def restore(self, kept: str) -> None:
        """Go back to a kept state."""
        self._show(self._kept[kept])

    def drop(self, kept: str) -> None:
        """Forget a kept state."""
        self._kept.pop(kept, None)
        self._forget()

    def _make(self, sql: str, **values: Any) -> None:
        self.store.run(f"CREATE OR REPLACE TEMP TABLE rewritten AS {sql}", **values)
        self._adopt("rewritten")

    def _adopt(self, table: str) -> None:
        """Take a temporary table for the present state."""
        self._made += 1
        name = f"bill_{self._made}"
        self.store.run(f"DROP TABLE IF EXISTS {name}")
        self.store.run(f"ALTER TABLE {table} RENAME TO {name}")
        self._tables.add(name)
        self._show(name)

    def _show(self, name: str) -> None:
        self._state = name
        self.store.run(f"CREATE OR REPLACE TEMP VIEW remaining AS SELECT * FROM {name}")
        self._forget()

    def _forget(self) -> None:
        """Drop the states that are neither shown nor kept."""
        for name in self._tables - {self._state, *self._kept.values()}:
            self.store.run(f"DROP TABLE {name}")
            self._tables.discard(name)


def settings_of(levers: Sequence[Lever], overrides: dict[str, Any]) -> dict[str, Settings]:
    """Each lever's settings: its defaults under what the configuration says; a name alone is a list of one."""
    found: dict[str, Settings] = {}
    for lever in levers:
        given: dict[str, Any] = {**lever.settings, **overrides.get(lever.name, {})}
        for name, default in lever.settings.items():
            if isinstance(default, list | tuple) and isinstance(given[name], str):
                given[name] = [given[name]]
        found[lever.name] = given
    return found
