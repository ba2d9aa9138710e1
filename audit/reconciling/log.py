"""What the log holds in the spans of the invoices: tokens and dollars by biller, model, kind of token and tier."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from audit.prices import overlay
from audit.prices.pricing_sql import price_charges
from audit.reconciling.bins import Bin
from audit.store import Store

_BINS = "reconciled_bin"

_SIDE = """
SELECT b.bin, r.provider_name, r.price_provider, r.price_model,
       CASE WHEN r.operation_name = 'embeddings' THEN 'embeddings' ELSE 'chat' END AS operation,
       COALESCE(NULLIF(r.response_model, ''), r.request_model, '') AS model,
       c.sku_meter, COALESCE(c.service_tier, 'standard') AS service_tier,
       CAST(SUM(CASE WHEN c.estimated THEN 0 ELSE c.consumed_quantity END) AS DECIMAL(38, 0)) AS quantity,
       CAST(SUM(CASE WHEN c.estimated THEN c.consumed_quantity ELSE 0 END) AS DECIMAL(38, 0)) AS estimated_quantity,
       CAST(SUM(CASE WHEN c.estimated THEN 0 ELSE COALESCE(c.cost_pico, 0) END) AS DECIMAL(38, 0)) AS cost,
       CAST(SUM(CASE WHEN c.estimated THEN COALESCE(c.cost_pico, 0) ELSE 0 END) AS DECIMAL(38, 0)) AS estimated_cost,
       CAST(SUM(CASE WHEN c.cost_pico IS NULL THEN c.consumed_quantity ELSE 0 END) AS DECIMAL(38, 0)) AS unpriced,
       {listed} AS list_cost
FROM request AS r
JOIN charge AS c ON c.request_id = r.request_id
JOIN reconciled_bin AS b ON r.started_at_us >= b.start_us AND r.started_at_us < b.end_us
{joined}
WHERE r.status = 'billable'
GROUP BY b.bin, r.provider_name, r.price_provider, r.price_model, operation,
         COALESCE(NULLIF(r.response_model, ''), r.request_model, ''), c.sku_meter, COALESCE(c.service_tier, 'standard')
"""
_AS_PRICED = "CAST(SUM(COALESCE(c.cost_pico, 0)) AS DECIMAL(38, 0))"
_AT_LIST = "CAST(SUM(COALESCE(p.list_cost_pico, c.cost_pico, 0)) AS DECIMAL(38, 0))"
_WITH_LIST = f"LEFT JOIN ({price_charges()}) AS p ON p.charge_id = c.charge_id"
_HAS_CONTRACT = "SELECT COUNT(*) FROM price WHERE unit_price_pico <> list_unit_price_pico"

_REQUESTS = """
SELECT b.bin, r.provider_name, r.price_provider, r.price_model,
       CASE WHEN r.operation_name = 'embeddings' THEN 'embeddings' ELSE 'chat' END AS operation,
       COALESCE(NULLIF(r.response_model, ''), r.request_model, '') AS model, COUNT(*) AS requests
FROM request AS r JOIN reconciled_bin AS b ON r.started_at_us >= b.start_us AND r.started_at_us < b.end_us
WHERE r.status = 'billable'
GROUP BY b.bin, r.provider_name, r.price_provider, r.price_model, operation,
         COALESCE(NULLIF(r.response_model, ''), r.request_model, '')
"""
_RANGE = """
SELECT MIN(started_at_us) AS start_us, MAX(started_at_us) AS end_us, COUNT(started_at_us) AS requests
FROM request WHERE status <> 'not_billable'
"""
_DAYS = """
SELECT DISTINCT provider_name, price_provider, day FROM request WHERE status = 'billable' AND day IS NOT NULL
"""
_TOTALS = """
SELECT r.provider_name, r.price_provider, r.day, CAST(SUM(c.cost_pico) AS DECIMAL(38, 0)) AS cost
FROM request AS r JOIN request_cost AS c ON c.request_id = r.request_id
WHERE r.status = 'billable' GROUP BY r.provider_name, r.price_provider, r.day
"""
_SAMPLED = "SELECT MIN(sample_rate) FROM request WHERE sample_rate < 1 AND status = 'billable'"

# their bills are their own, whoever made the model
_RESELLERS = frozenset({"openrouter", "azure", "aws", "google", "databricks", "github-copilot", "cloudflare"})


@dataclass(frozen=True, slots=True)
class LogRow:
    """Tokens (or calls) of one kind in one span. `told` says that the log itself names the biller; `origin` is the
    biller as the log and the price list have it, whatever invoice the row is held against."""

    bin: int
    provider_name: str
    origin: str
    told: bool
    model: str
    price_model: str | None
    price_provider: str | None
    sku_meter: str
    service_tier: str
    quantity: int
    estimated_quantity: int
    cost_pico: int
    estimated_cost_pico: int
    unpriced_quantity: int
    list_cost_pico: int
    operation: str = "chat"


@dataclass(frozen=True, slots=True)
class LogDay:
    """What the log spent at one biller on one UTC day, None for requests without a time."""

    provider_name: str
    day: int | None
    cost_pico: int


def biller(provider_name: str | None, price_provider: str | None) -> tuple[str, bool]:
    """Who bills a request, and whether the log says so itself."""
    known = overlay.shipped().provider_names
    name = (provider_name or "").strip().lower()
    logged = known.get(name) or known.get(name.replace("/", ".").split(".", 1)[0])
    if price_provider is None:
        return logged or name or "unknown", logged is not None
    if logged is not None and logged != price_provider and logged in _RESELLERS:
        return logged, True
    return price_provider, logged is not None


def place_bins(store: Store, bins: Iterable[Bin]) -> None:
    """Put the spans where the queries below find them."""
    found = list(bins)
    columns = {
        "bin": [each.number for each in found],
        "start_us": [each.start_us for each in found],
        "end_us": [each.end_us for each in found],
    }
    store.replace(_BINS, pa.table({name: pa.array(values, pa.int64()) for name, values in columns.items()}))


def log_rows(store: Store) -> list[LogRow]:
    """The log by span, biller, model, kind and tier; list prices beside the prices of contracts."""
    contracts = bool(store.value(_HAS_CONTRACT))
    if contracts:
        newest = store.value("SELECT MAX(started_at_us) FROM request") or 0
        rows = store.rows(_SIDE.format(listed=_AT_LIST, joined=_WITH_LIST), undated_us=newest)
    else:
        rows = store.rows(_SIDE.format(listed=_AS_PRICED, joined=""))
    return [_row(row) for row in rows]


def _row(row: dict[str, Any]) -> LogRow:
    provider, told = biller(row["provider_name"], row["price_provider"])
    return LogRow(
        bin=row["bin"],
        provider_name=provider,
        origin=provider,
        told=told,
        model=row["model"],
        price_model=row["price_model"],
        price_provider=row["price_provider"],
        sku_meter=row["sku_meter"],
        service_tier=row["service_tier"],
        quantity=int(row["quantity"]),
        estimated_quantity=int(row["estimated_quantity"]),
        cost_pico=int(row["cost"]),
        estimated_cost_pico=int(row["estimated_cost"]),
        unpriced_quantity=int(row["unpriced"]),
        list_cost_pico=int(row["list_cost"]),
        operation=row["operation"],
    )


@dataclass(frozen=True, slots=True)
class LogRequests:
    """Billable requests of one model in one span."""

    bin: int
    provider_name: str
    told: bool
    model: str
    price_model: str | None
    requests: int
    operation: str = "chat"


def log_requests(store: Store) -> list[LogRequests]:
    """Billable requests by span, biller and model."""
    return [
        LogRequests(
            row["bin"],
            *biller(row["provider_name"], row["price_provider"]),
            row["model"],
            row["price_model"],
            row["requests"],
            row["operation"],
        )
        for row in store.rows(_REQUESTS)
    ]


def log_range(store: Store) -> tuple[int, int] | None:
    """First and last moment of the log, None when no request has a time."""
    row = store.rows(_RANGE)[0]
    return None if row["start_us"] is None else (row["start_us"], row["end_us"])


def mean_gap_us(store: Store) -> int:
    """The mean time between two requests of the log: shorter silences at its ends say nothing."""
    row = store.rows(_RANGE)[0]
    return 0 if row["start_us"] is None else int((row["end_us"] - row["start_us"]) // max(1, row["requests"] - 1))


def active_days(store: Store) -> dict[str, set[int]]:
    """UTC days with a billable request, by biller."""
    found: dict[str, set[int]] = {}
    for row in store.rows(_DAYS):
        provider, _ = biller(row["provider_name"], row["price_provider"])
        found.setdefault(provider, set()).add(row["day"])
    return found


def log_days(store: Store) -> list[LogDay]:
    """The spend of the whole log by biller and day, without estimates."""
    return [
        LogDay(biller(row["provider_name"], row["price_provider"])[0], row["day"], int(row["cost"]))
        for row in store.rows(_TOTALS)
    ]


def day_costs(days: Iterable[LogDay], estimated_share: float = 0.0) -> dict[int, int]:
    """What each day with a time cost in all (pico-USD), with what estimates add to it."""
    found: dict[int, int] = {}
    for each in days:
        if each.day is not None:
            found[each.day] = found.get(each.day, 0) + round(each.cost_pico * (1 + estimated_share))
    return found


def sampled_share(store: Store) -> float | None:
    """The smallest share of traffic a part of the log says it holds, None when it says it holds all."""
    found: float | None = store.value(_SAMPLED)
    return found
