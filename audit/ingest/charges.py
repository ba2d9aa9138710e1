"""What the calls of a run cost: price models, charges with their price, what the biller says beyond the table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import pyarrow as pa

from audit.ingest.cache_rules import cache_rule_rows
from audit.prices.catalogue import NOT_BILLABLE, Catalogue, load
from audit.prices.pricing_sql import price_charges
from audit.store import Store

Key = tuple[str, str]
_HASH = "price_hash"
_MOMENT = "undated_priced_us"

_NEW_CHARGE = """
CREATE OR REPLACE TEMP TABLE new_charge AS
SELECT s.charge_id, s.request_id, s.sku_meter, r.price_provider AS provider_name, r.price_model AS model,
       r.service_tier, s.consumed_quantity, s.estimated, r.started_at_us IS NULL AS undated
FROM staged_charge AS s JOIN request AS r ON r.request_id = s.request_id
"""
_PER_REQUEST = """
INSERT INTO new_charge
SELECT $first + ROW_NUMBER() OVER (ORDER BY c.request_id), c.request_id, 'request', MIN(c.provider_name), MIN(c.model),
       MIN(c.service_tier), 1, FALSE, FALSE
FROM new_charge AS c JOIN metered AS m ON m.provider_name = c.provider_name AND m.model = c.model
WHERE m.sku_meter = 'request'
GROUP BY c.request_id
"""
_REASONING = """
INSERT INTO new_charge
SELECT $first + ROW_NUMBER() OVER (ORDER BY c.charge_id), c.request_id, 'output_reasoning', c.provider_name, c.model,
       c.service_tier, LEAST(r.reasoning_output_tokens, c.consumed_quantity), c.estimated, FALSE
FROM new_charge AS c
JOIN metered AS m ON m.provider_name = c.provider_name AND m.model = c.model
JOIN request AS r ON r.request_id = c.request_id
WHERE m.sku_meter = 'output_reasoning' AND c.sku_meter = 'output' AND r.reasoning_output_tokens > 0
"""
_LESS_REASONING = """
UPDATE new_charge SET consumed_quantity = new_charge.consumed_quantity - apart.consumed_quantity
FROM new_charge AS apart
WHERE apart.request_id = new_charge.request_id AND apart.sku_meter = 'output_reasoning'
AND new_charge.sku_meter = 'output'
"""
_INSERT = f"""
INSERT INTO charge (charge_id, request_id, sku_meter, provider_name, model, service_tier, consumed_quantity, estimated,
                    unit_price_pico, cost_pico, tier_fallback)
SELECT c.charge_id, c.request_id, c.sku_meter, c.provider_name, c.model, c.service_tier, c.consumed_quantity,
       c.estimated, p.unit_price_pico, p.cost_pico, p.tier_fallback
FROM new_charge AS c JOIN ({price_charges("new_charge")}) AS p ON p.charge_id = c.charge_id
"""
_TOUCHED = """
CREATE OR REPLACE TEMP TABLE priced_request AS
SELECT request_id FROM new_charge UNION SELECT request_id FROM request WHERE request_id >= $low
UNION SELECT request_id FROM touched_request
"""
# the biller's word beats the table; where the table has no word, or no tokens are known, a tool's own figure is better
# than none
_ADJUSTMENT = """
INSERT INTO charge (charge_id, request_id, sku_meter, provider_name, model, service_tier, consumed_quantity, estimated,
                    unit_price_pico, cost_pico, tier_fallback)
WITH listed AS (
    SELECT c.request_id, SUM(COALESCE(c.cost_pico, 0)) AS cost_pico,
           MAX(CASE WHEN c.cost_pico IS NULL THEN 1 ELSE 0 END) AS unpriced
    FROM charge AS c JOIN priced_request AS p ON p.request_id = c.request_id
    GROUP BY c.request_id
)
SELECT $first + ROW_NUMBER() OVER (ORDER BY r.request_id), r.request_id, 'billed_adjustment', r.price_provider,
       r.price_model, r.service_tier, 1, FALSE, CAST(r.logged_cost_pico - COALESCE(l.cost_pico, 0) AS BIGINT),
       CAST(r.logged_cost_pico - COALESCE(l.cost_pico, 0) AS BIGINT), FALSE
FROM priced_request AS p JOIN request AS r ON r.request_id = p.request_id
LEFT JOIN listed AS l ON l.request_id = r.request_id
WHERE r.status = 'billable' AND r.logged_cost_pico IS NOT NULL
AND (r.logged_cost_billed OR (COALESCE(l.unpriced, 1) = 1 AND r.logged_cost_pico > 0))
AND r.logged_cost_pico <> COALESCE(l.cost_pico, 0)
"""
_UNADJUST = """
DELETE FROM charge WHERE sku_meter = 'billed_adjustment'
AND request_id IN (SELECT request_id FROM priced_request)
"""
_NOTHING_STAGED = """
CREATE OR REPLACE TEMP TABLE staged_charge (
    charge_id BIGINT, request_id BIGINT, sku_meter VARCHAR, consumed_quantity BIGINT, estimated BOOLEAN
)
"""
_NO_REQUEST = 2**62
_ALL = "TRUE"
_UNDATED = "request_id IN (SELECT r.request_id FROM request AS r WHERE r.started_at_us IS NULL)"
_METERS = ("request", "output_reasoning")
_PAIRS = """
SELECT DISTINCT provider_name, COALESCE(NULLIF(response_model, ''), request_model) AS model FROM request
"""
_RESOLVE = """
UPDATE request SET price_provider = m.price_provider, price_model = m.price_model
FROM resolved_model AS m
WHERE COALESCE(m.provider_name, '') = COALESCE(request.provider_name, '')
AND COALESCE(m.model, '') = COALESCE(NULLIF(request.response_model, ''), request.request_model, '')
"""
_STAGE_AGAIN = """
CREATE OR REPLACE TEMP TABLE staged_charge AS
SELECT MIN(charge_id) AS charge_id, request_id,
       CASE sku_meter WHEN 'output_reasoning' THEN 'output' ELSE sku_meter END AS sku_meter,
       CAST(SUM(consumed_quantity) AS BIGINT) AS consumed_quantity, estimated
FROM charge AS c WHERE sku_meter NOT IN ('billed_adjustment', 'request') AND {scope}
GROUP BY request_id, CASE sku_meter WHEN 'output_reasoning' THEN 'output' ELSE sku_meter END, estimated
"""


class Pricing:
    """Prices the calls of one run; the catalogue (the shipped one without `given`) is loaded when one needs it.

    With `anew`, or with other prices than the audit file was made with, the calls that are there are priced again too.
    """

    def __init__(self, store: Store, given: Callable[[], Catalogue] | None = None, *, anew: bool = False) -> None:
        self._store = store
        self._load = given or load
        self._loaded: Catalogue | None = None
        self._met: set[Key] = set()
        self._listed: set[Key] = set()
        self._stale = anew
        self._next_charge: int | None = None
        self._moments: set[int] = set()

    @property
    def catalogue(self) -> Catalogue:
        """The price catalogue of the run."""
        if self._loaded is None:
            self._loaded = self._load()
            before = self._store.meta(_HASH)
            self._stale = self._stale or (before is not None and before != self._loaded.snapshot_hash)
            rows = self._store.rows("SELECT DISTINCT provider_name, model FROM price")
            self._listed = {(row["provider_name"], row["model"]) for row in rows}
        return self._loaded

    def price_model(self, provider_name: str | None, model: str | None) -> tuple[str | None, str | None]:
        """The price model of a logged model, (None, None) where no price is known."""
        if model is None or model.strip() in NOT_BILLABLE:
            return None, None
        match = self.catalogue.resolve(provider_name, model)
        if match is None:
            return None, None
        self._met.add((match.provider_name, match.model))
        return match.provider_name, match.model

    def charge_ids(self, count: int) -> int:
        """The first of so many unused charge ids."""
        if self._next_charge is None:
            self._next_charge = self._last_charge("charge") + 1
        first = self._next_charge
        self._next_charge += count
        return first

    def _numbered(self, sql: str, table: str) -> None:
        """Run an insert that numbers its rows upwards from `$first`, exclusive."""
        first = self.charge_ids(0)
        self._store.run(sql, first=first - 1)
        self._next_charge = max(first, self._last_charge(table) + 1)

    def write_charges(self, low: int, touched: Iterable[int] = ()) -> None:
        """Price what `staged_charge` holds.

        `low` is the first of the new request ids, `touched` are older requests whose logged cost may have changed.
        """
        store = self._store
        moment = self._undated_us()
        self._list_prices(moment)
        store.run(_NEW_CHARGE)
        if store.value("SELECT COUNT(*) FROM new_charge WHERE undated"):
            self._moments.add(moment)
        self._special_meters()
        store.run(_INSERT, undated_us=moment)
        store.replace("touched_request", pa.table({"request_id": pa.array(list(touched), pa.int64())}))
        store.run(_TOUCHED, low=low)
        store.run(_UNADJUST)
        self._numbered(_ADJUSTMENT, "charge")
        for table in ("new_charge", "priced_request", "touched_request", "staged_charge"):
            store.run(f"DROP TABLE {table}")

    def adjust(self, touched: Sequence[int]) -> None:
        """Take the logged cost of older calls that have one now and no price."""
        if touched:
            self._store.run(_NOTHING_STAGED)
            self.write_charges(_NO_REQUEST, touched)

    def finish(self) -> None:
        """Price anew what was priced otherwise: everything after a change of prices, calls without a time when the
        newest time of the log moved on."""
        if self._stale:
            self.reprice()
        elif self._moved_on():
            self._price_again(_UNDATED)
        if self._loaded is not None:
            self._store.set_meta("price_version", self._loaded.version)
            self._store.set_meta(_HASH, self._loaded.snapshot_hash)

    def _moved_on(self) -> bool:
        """Whether calls without a time are priced at another moment than the newest of the log, by this run or an
        earlier one; notes at which they are."""
        before = self._store.meta(_MOMENT)
        moments = self._moments | ({int(before)} if before else set())
        newest = self._store.value("SELECT MAX(started_at_us) FROM request")
        if newest is None or not moments:
            return len(moments) > 1
        self._store.set_meta(_MOMENT, str(newest))
        return moments != {newest}

    def _list_prices(self, on_us: int) -> None:
        """Put the prices and cache rules of models newly met, and of cheaper ones, into the audit file."""
        if not self._met - self._listed:
            return
        wanted = self.catalogue.with_candidates(self._met, on_us)
        new = [key for key in wanted if key not in self._listed]
        self._listed.update(new)
        self._store.write("price", self.catalogue.arrow(new))
        self._store.write_rows("cache_rule", cache_rule_rows(self.catalogue, new))

    def reprice(self) -> None:
        """Resolve all models and price all charges anew."""
        store = self._store
        self.charge_ids(0)
        pairs = store.rows(_PAIRS)
        for pair in pairs:
            pair["price_provider"], pair["price_model"] = self.price_model(pair["provider_name"], pair["model"])
        if not pairs:
            return
        names = ("provider_name", "model", "price_provider", "price_model")
        table = pa.table({name: pa.array([pair[name] for pair in pairs], pa.string()) for name in names})
        store.replace("resolved_model", table)
        store.run(_RESOLVE)
        for table_name in ("price", "cache_rule"):
            store.run(f"DELETE FROM {table_name}")
        self._listed.clear()
        self._price_again(_ALL)

    def _price_again(self, scope: str) -> None:
        self._store.run(_STAGE_AGAIN.format(scope=scope))
        self._store.run(f"DELETE FROM charge WHERE {scope}")
        self.write_charges(0 if scope == _ALL else _NO_REQUEST)

    def _undated_us(self) -> int:
        """When a call without a time is taken to have been made: with the newest of the log, else now."""
        newest = self._store.value("SELECT MAX(started_at_us) FROM request")
        return int(newest) if newest is not None else time.time_ns() // 1000

    def _special_meters(self) -> None:
        """Charges that only models with such a price have: a fee per request, reasoning at its own price."""
        metered = [(*key, meter) for key in sorted(self._met) for meter in _METERS if self._has_meter(key, meter)]
        if not metered:
            return
        names = ("provider_name", "model", "sku_meter")
        table = pa.table({name: [row[place] for row in metered] for place, name in enumerate(names)})
        self._store.replace("metered", table)
        self._numbered(_PER_REQUEST, "new_charge")
        self._numbered(_REASONING, "new_charge")
        self._store.run(_LESS_REASONING)
        self._store.run("DELETE FROM new_charge WHERE consumed_quantity = 0")

    def _has_meter(self, key: Key, meter: str) -> bool:
        return self._loaded is not None and self._loaded.has_meter(*key, meter)

    def _last_charge(self, table: str) -> int:
        return int(self._store.value(f"SELECT MAX(charge_id) FROM {table}") or 0)
