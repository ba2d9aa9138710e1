"""Charges in the shape of the FinOps Open Cost and Usage Specification (FOCUS 1.2), as CSV or Parquet."""

from __future__ import annotations

import json
from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from audit.export.values import inert

PICO = Decimal(10) ** 12
_EPOCH = date(1970, 1, 1)
_TEXT = ("team", "feature", "environment", "workflow")
_LOGGED = (*_TEXT, "organization", "model", "provider_name", "service_tier")


def write(rows: pa.Table, path: Path) -> int:
    """Write chargeback rows to a `.csv` or `.parquet` file and return how many; period ends are exclusive.

    What has no price has a quantity and null costs.

    In CSV, text from a log that a spreadsheet would run as a formula gets a leading apostrophe, and control characters
    are replaced.
    """
    parquet = path.suffix == ".parquet"
    frame = pl.DataFrame([_row(row, safe=not parquet) for row in rows.to_pylist()], schema=_SCHEMA, orient="row")
    if parquet:
        frame.write_parquet(path)
    else:
        frame.write_csv(path)
    return frame.height


_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), pl.Decimal(38, 12)),
    "BillingCurrency": pl.String,
    **dict.fromkeys(
        ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd", "ChargeCategory",
         "ChargeDescription"), pl.String,
    ),
    "ConsumedQuantity": pl.Int64,
    "ConsumedUnit": pl.String,
    **dict.fromkeys(("ListUnitPrice", "ContractedUnitPrice"), pl.Decimal(38, 12)),
    **dict.fromkeys(
        ("ServiceCategory", "ServiceName", "ProviderName", "PublisherName", "InvoiceIssuerName", "SkuId", "SkuMeter",
         "SubAccountId", "Tags", "x_Model", "x_ServiceTier", "x_Workflow"), pl.String,
    ),
    "x_Requests": pl.Int64,
}  # fmt: skip


def _row(row: dict[str, Any], *, safe: bool) -> dict[str, Any]:
    text = {name: inert(row[name]) if safe else row[name] for name in _LOGGED}
    cost, listed = _dollars(row["cost_pico"]), _dollars(row["list_cost_pico"])
    day = None if row["day"] is None else _EPOCH + timedelta(days=row["day"])
    counted = row["sku_meter"] not in ("billed_adjustment", "request") and not row["sku_meter"].startswith("web_")
    return {
        "BilledCost": cost, "EffectiveCost": cost, "ListCost": listed, "ContractedCost": cost,
        "BillingCurrency": "USD",
        "BillingPeriodStart": _stamp(day and day.replace(day=1)),
        "BillingPeriodEnd": _stamp(day and day.replace(day=1) + timedelta(days=monthrange(day.year, day.month)[1])),
        "ChargePeriodStart": _stamp(day), "ChargePeriodEnd": _stamp(day and day + timedelta(days=1)),
        "ChargeCategory": "Adjustment" if row["sku_meter"] == "billed_adjustment" else "Usage",
        "ChargeDescription": f"{text['model']} {row['sku_meter']}",
        "ConsumedQuantity": row["quantity"], "ConsumedUnit": "Tokens" if counted else "Requests",
        "ListUnitPrice": _dollars(row["list_unit_price_pico"]),
        "ContractedUnitPrice": _dollars(row["unit_price_pico"]),
        "ServiceCategory": "AI and Machine Learning", "ServiceName": text["provider_name"],
        "ProviderName": text["provider_name"], "PublisherName": text["provider_name"],
        "InvoiceIssuerName": text["provider_name"],
        "SkuId": f"{text['provider_name']}/{text['model']}/{row['sku_meter']}/{text['service_tier']}",
        "SkuMeter": row["sku_meter"], "SubAccountId": text["organization"],
        "Tags": json.dumps({name: row[name] for name in _TEXT if row[name]}, sort_keys=True),
        "x_Model": text["model"], "x_ServiceTier": text["service_tier"], "x_Workflow": text["workflow"],
        "x_Requests": row["requests"],
    }  # fmt: skip


def _dollars(pico: int | Decimal | None) -> Decimal | None:
    return None if pico is None else Decimal(pico) / PICO


def _stamp(day: date | None) -> str | None:
    return None if day is None else f"{day.isoformat()}T00:00:00Z"
