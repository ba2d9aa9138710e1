"""The stage `uncertainty`: what the spend would be at a second table's prices, and how much of it was compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from audit import figures
from audit.prices.second_table import SecondTable, second_table
from audit.store import Store

_OPEN_US = 2**62

# a biller's own figure and an agreed price are certain; other prices are compared where the one of today holds.
# Tiers and steps are taken in the proportion of the standard price, which is the one that was read.
_SPENT = """
WITH own AS (
    SELECT provider_name, model, sku_meter, MAX(list_unit_price_pico) AS own_pico,
           MIN(valid_from_us) AS valid_from_us, MAX(CASE WHEN source = 'contract price' THEN 1 ELSE 0 END) AS agreed
    FROM price WHERE service_tier = 'standard' AND valid_to_us = $open AND input_threshold < 0
    GROUP BY provider_name, model, sku_meter
)
SELECT c.provider_name AS provider, c.model, c.sku_meter, s.other_pico, o.own_pico,
       CASE WHEN c.sku_meter = 'billed_adjustment' OR COALESCE(r.logged_cost_billed, FALSE) THEN 'billed'
            WHEN COALESCE(o.agreed, 0) = 1 THEN 'agreed'
            WHEN s.model IS NULL OR o.model IS NULL THEN 'unlisted'
            WHEN COALESCE(r.started_at_us, o.valid_from_us) < o.valid_from_us THEN 'past'
            WHEN s.other_pico IS NULL OR s.other_pico = o.own_pico THEN 'same'
            ELSE 'differs' END AS state,
       CAST(SUM(c.cost_pico) AS DECIMAL(38, 0)) AS pico
FROM charge AS c
JOIN request AS r ON r.request_id = c.request_id
LEFT JOIN own AS o ON o.provider_name = c.provider_name AND o.model = c.model AND o.sku_meter = c.sku_meter
LEFT JOIN second_price AS s ON s.provider_name = c.provider_name AND s.model = c.model AND s.sku_meter = c.sku_meter
WHERE r.status = 'billable' AND c.cost_pico IS NOT NULL
GROUP BY c.provider_name, c.model, c.sku_meter, s.other_pico, o.own_pico, state
"""

REASONS = {
    "billed": "reported by whoever sends the bill",
    "agreed": "at a price of [[contract]]",
    "unlisted": "of models and meters the second table was not compared on",
    "past": "at prices that held before today's",
}
"""Why spend was not held against the second table."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A model whose price differs between the tables: its spend on the meters that differ, here and there."""

    provider: str
    model: str
    meters: tuple[str, ...]
    pico: int
    other_pico: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How far the spend depends on which price table is right.

    `compared_pico` is spend whose price was held against the second table, `disagreements` where it differs, and
    `uncompared` the rest by reason (keys of REASONS). All in pico-USD, estimated charges included.
    """

    table: str
    source: str
    checked_on: str
    compared_pico: int
    uncompared: dict[str, int]
    disagreements: tuple[Disagreement, ...]

    @property
    def net_pico(self) -> int:
        """What the spend would change by at the second table's prices."""
        return sum(each.other_pico - each.pico for each in self.disagreements)

    @property
    def gross_pico(self) -> int:
        """The same model by model, without sign."""
        return sum(abs(each.other_pico - each.pico) for each in self.disagreements)

    @property
    def sentence(self) -> str:
        """The price uncertainty in one sentence."""
        compared = figures.money(self.compared_pico)
        if not self.compared_pico:
            return f"Price uncertainty: unknown, {self.table} was compared on none of this spend."
        if not self.disagreements:
            return f"Price uncertainty: none; {self.table} ({self.checked_on}) lists the same for {compared}."
        models = f"{len(self.disagreements)} model{'' if len(self.disagreements) == 1 else 's'}"
        return (
            f"Price uncertainty: {figures.money(self.gross_pico)} of {compared} compared; "
            f"at the prices of {self.table} "
            f"({self.checked_on}) {models} would cost {figures.signed_money(self.net_pico)} in all."
        )

    @property
    def gap(self) -> str:
        """What was not compared, and why; empty when all was."""
        left = [f"{figures.money(pico)} {REASONS[reason]}" for reason, pico in self.uncompared.items() if pico]
        return f"Not compared: {'; '.join(left)}." if left else ""


def uncertainty(store: Store) -> Uncertainty:
    """Price the spend at the second table where it differs; one pass over the charges."""
    table = second_table()
    store.replace("second_price", _rows(table))
    rows = store.rows(_SPENT, open=_OPEN_US)
    notes = {(each.provider_name, each.model): each.note for each in table.conflicts}
    differing: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row["state"] == "differs":
            differing.setdefault((row["provider"], row["model"]), []).append(row)
    found = [
        Disagreement(
            *key,
            meters=tuple(sorted({row["sku_meter"] for row in group})),
            pico=sum(int(row["pico"]) for row in group),
            other_pico=sum(_there(row) for row in group),
            notes=(notes[key],) if key in notes else (),
        )
        for key, group in differing.items()
    ]
    return Uncertainty(
        table=table.name,
        source=table.source,
        checked_on=table.checked_on,
        compared_pico=sum(int(row["pico"]) for row in rows if row["state"] in ("same", "differs")),
        uncompared={
            state: sum(int(row["pico"]) for row in rows if row["state"] == state)
            for state in REASONS
            if any(row["state"] == state for row in rows)
        },
        disagreements=tuple(sorted(found, key=lambda each: (-abs(each.other_pico - each.pico), each.model))),
    )


def _there(row: dict[str, Any]) -> int:
    """The cost at the other table's price, rounded to whole pico-USD."""
    own = int(row["own_pico"])
    return (2 * int(row["pico"]) * int(row["other_pico"]) + own) // (2 * own) if own else 0


def _rows(table: SecondTable) -> pa.Table:
    other = {(each.provider_name, each.model, each.sku_meter): each.other_unit_price_pico for each in table.conflicts}
    keys = sorted(table.compared | other.keys())
    return pa.table(
        {
            "provider_name": pa.array([key[0] for key in keys], pa.string()),
            "model": pa.array([key[1] for key in keys], pa.string()),
            "sku_meter": pa.array([key[2] for key in keys], pa.string()),
            "other_pico": pa.array([other.get(key) for key in keys], pa.int64()),
        }
    )
