"""The input side of the remaining bill as arrays beside the traffic, with the unit prices each request would pay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.promptcache.play import Bools, Ints
from audit.promptcache.traffic import Floats, Traffic
from audit.store import Store

METERS = ("input", "cache_read", "cache_write_5m", "cache_write_1h")
_WEEK_US = 7 * 86_400_000_000

_KINDS = """
SELECT DISTINCT provider_name, model, COALESCE(service_tier, 'standard') AS service_tier FROM remaining
WHERE sku_meter IN ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h')
AND provider_name IS NOT NULL AND model IS NOT NULL
"""

_QUANTITIES = """
SELECT m.request_id, k.kind,
       CAST(SUM(CASE WHEN m.sku_meter = 'input' THEN m.consumed_quantity ELSE 0 END) AS BIGINT) AS input,
       CAST(SUM(CASE WHEN m.sku_meter = 'cache_read' THEN m.consumed_quantity ELSE 0 END) AS BIGINT) AS cache_read,
       CAST(SUM(CASE WHEN m.sku_meter = 'cache_write_5m' THEN m.consumed_quantity ELSE 0 END) AS BIGINT)
           AS cache_write_5m,
       CAST(SUM(CASE WHEN m.sku_meter = 'cache_write_1h' THEN m.consumed_quantity ELSE 0 END) AS BIGINT)
           AS cache_write_1h,
       CAST(SUM(m.cost_pico) AS BIGINT) AS cost_pico
FROM remaining AS m
JOIN {table} AS k ON k.provider_name = m.provider_name AND k.model = m.model
    AND k.service_tier = COALESCE(m.service_tier, 'standard')
WHERE m.sku_meter IN ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h')
GROUP BY m.request_id, k.kind
"""

_PRICES = """
SELECT p.provider_name, p.model, p.sku_meter, p.service_tier, p.valid_from_us, p.valid_to_us, p.week_from_us,
       p.week_to_us, p.input_threshold, p.input_ceiling, p.unit_price_pico
FROM price AS p JOIN (SELECT DISTINCT provider_name, model FROM {table}) AS k
    ON k.provider_name = p.provider_name AND k.model = p.model
WHERE p.sku_meter IN ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h')
"""


@dataclass(frozen=True, slots=True)
class UnitPrices(Mapping[str, Floats]):
    """Pico-USD per token of each meter for each request, NaN where there is no price; few differ, so they are kept
    once, and per request their places."""

    prices: Floats
    places: Mapping[str, NDArray[np.int16]]

    def __getitem__(self, meter: str) -> Floats:
        return np.asarray(self.prices[self.places[meter]])

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True, slots=True)
class Bill:
    """What each request of the traffic still pays for its prompt; zero where it pays nothing any more.

    `alive` requests still go to the model whose cache they share; `priced` ones can be rewritten (all their input is
    on one model and tier). `quantity` are tokens by meter, `price` pico-USD per token (NaN = no such price), `cost`
    what the tokens cost now, in pico-USD. `tiers[kind]` is the service tier of a request.
    """

    alive: Bools
    priced: Bools
    quantity: Mapping[str, Ints]
    price: Mapping[str, Floats]
    cost: Floats
    kind: NDArray[np.int16]
    tiers: list[str]
    estimated: bool

    @property
    def total(self) -> Ints:
        """All input tokens."""
        return np.asarray(sum(each.astype(np.int64) for each in self.quantity.values()))

    def cost_of(self, quantity: Mapping[str, Ints]) -> Floats:
        """Pico-USD of other quantities at the prices of each request; NaN where a meter used has no price."""
        total = np.zeros(len(self.cost))
        for meter, tokens in quantity.items():
            total += np.where(tokens > 0, tokens * self.price[meter], 0.0)
        return total


def bill_of(store: Store, traffic: Traffic, table: str) -> Bill:
    """Read the remaining bill; `table` names the temporary table for the combinations of model and tier in it."""
    kinds = store.rows(_KINDS)
    names = ("provider_name", "model", "service_tier")
    columns: dict[str, Any] = {name: pa.array([kind[name] for kind in kinds], pa.string()) for name in names}
    store.replace(table, pa.table({**columns, "kind": pa.array(range(len(kinds)), pa.int64())}))
    size = len(traffic)
    largest = int(store.value("SELECT MAX(consumed_quantity) FROM remaining") or 0)
    kept = np.int32 if largest < 2**29 else np.int64
    quantity: dict[str, Any] = {meter: np.zeros(size, dtype=kept) for meter in METERS}
    cost, times, of_kind = np.zeros(size), np.zeros(size, dtype=np.int16), np.full(size, -1, dtype=np.int16)
    for rows in store.stream(_QUANTITIES.format(table=table)):
        rank, kind = traffic.ranks_of(rows["request_id"].to_numpy()), rows["kind"].to_numpy()
        own = _own(traffic, kinds, rank, kind)
        rank = rank[own]
        for meter in METERS:
            np.add.at(quantity[meter], rank, rows[meter].to_numpy()[own].astype(kept))
        np.add.at(cost, rank, rows["cost_pico"].to_numpy()[own].astype(np.float64))
        np.add.at(times, rank, 1)
        of_kind[rank] = kind[own]
    return Bill(
        alive=times > 0,
        priced=times == 1,
        quantity=quantity,
        price=_prices(store.rows(_PRICES.format(table=table)), kinds, of_kind, traffic),
        cost=cost,
        kind=of_kind,
        tiers=[each["service_tier"] for each in kinds],
        estimated=bool(store.value("SELECT MAX(CASE WHEN estimated THEN 1 ELSE 0 END) FROM remaining")),
    )


def _own(traffic: Traffic, kinds: list[dict[str, Any]], rank: Ints, kind: Ints) -> Bools:
    """Which rows belong to the model whose rule the traffic knows the request by."""
    models = sorted({(rule.provider_name, rule.model) for rule in traffic.rules})
    number = {name: place for place, name in enumerate(models)}
    of_kind = np.array([number.get((each["provider_name"], each["model"]), -1) for each in kinds] or [-1])
    of_rule = np.array([number[(rule.provider_name, rule.model)] for rule in traffic.rules] or [-2])
    own = rank >= 0
    own[own] = of_rule[traffic.rule[rank[own]]] == of_kind[kind[own]]
    return own


def _prices(
    rows: list[dict[str, Any]], kinds: list[dict[str, Any]], of_kind: NDArray[np.int16], traffic: Traffic
) -> UnitPrices:
    """Unit price of each meter for each request, by the same rules as the price join of the bill."""
    known = sorted({row["unit_price_pico"] for row in rows if row["unit_price_pico"] is not None})
    place = {price: number for number, price in enumerate(known, start=1)}
    found = {meter: np.zeros(len(traffic), dtype=np.int16) for meter in METERS}
    for number, kind in enumerate(kinds):
        mine = np.flatnonzero(of_kind == number)
        at, tokens = traffic.start[mine] * 1000, traffic.input_tokens[mine]
        for meter in METERS:
            listed = [
                row
                for row in rows
                if (row["provider_name"], row["model"], row["sku_meter"])
                == (kind["provider_name"], kind["model"], meter)
            ]
            tier = _tier_in_use(kind["service_tier"], {row["service_tier"] for row in listed})
            for row in listed:
                if row["service_tier"] == tier and len(mine):
                    found[meter][mine[_holds(row, at, tokens)]] = place.get(row["unit_price_pico"], 0)
    return UnitPrices(np.array([np.nan, *known], dtype=np.float64), found)


def _tier_in_use(tier: str, listed: set[str]) -> str:
    """A tier's own rows, else the standard tier under the same surcharge, else the plain standard tier."""
    surcharged = "standard" + tier[tier.index("+") :] if "+" in tier else "standard"
    return next((name for name in (tier, surcharged) if name in listed), "standard")


def _holds(row: dict[str, Any], at_us: Ints, input_tokens: Any) -> Bools:
    week = at_us % _WEEK_US
    return np.asarray(
        (at_us >= row["valid_from_us"])
        & (at_us < row["valid_to_us"])
        & (week >= row["week_from_us"])
        & (week < row["week_to_us"])
        & (input_tokens > row["input_threshold"])
        & (input_tokens <= row["input_ceiling"]),
        dtype=np.bool_,
    )
