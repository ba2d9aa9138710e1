"""Google Cloud billing: the export to BigQuery (UTC hours) and the console's cost tables (US Pacific days)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from audit.invoices import Category, Invoice, InvoiceLine, Outcome, Record
from audit.invoices import _clouds as clouds
from audit.invoices._cells import amount, day, number, span, text

_PACIFIC = "America/Los_Angeles"
_PRICE_CREDIT = re.compile(r"discount|negotiated|reseller", re.IGNORECASE)
_COSTS = ("unroundedsubtotal", "subtotal", "unroundedcost", "cost")


def _detect(record: Record) -> int:
    if "skudescription" in record and "servicedescription" in record:
        return 30 if any(name in record for name in _COSTS) else 0
    nested = isinstance(record.get("sku"), Mapping) and isinstance(record.get("service"), Mapping)
    return 30 if nested and "cost" in record else 0


def _read(record: Record) -> Iterator[Outcome]:
    service = _inner(record, "service", "description") or text(record, "servicedescription")
    sku = _inner(record, "sku", "description") or text(record, "skudescription")
    if not service and not sku:
        return  # a total below the table
    when = _span(record)
    value = amount(record, *_COSTS)
    if value is None:
        yield InvoiceLine(*when, provider_name="google", category="empty")
        return
    described = clouds.google(service, sku)
    category = _category(record, described)
    currency = text(record, "currency").upper() or text(record, "$") or "USD"
    yield _line(when, record, described, category, value, currency, service or sku)
    for credit in _credits(record):
        kind = "discount" if _PRICE_CREDIT.search(f"{credit.get('type')} {credit.get('name')}") else "credit"
        paid_back = number(credit.get("amount"), "credits.amount") or Decimal(0)
        fits: Category = "credit" if kind == "credit" or category != "usage" else "discount"
        yield _line(when, {}, described, fits, paid_back, currency, service)


def _line(
    when: tuple[int, int], record: Record, described: clouds.Described, category: Category, value: Decimal,
    currency: str, label: str,
) -> InvoiceLine:  # fmt: skip
    compared = category in ("usage", "discount")
    quantity, unit = _quantity(record)
    return InvoiceLine(
        *when,
        provider_name="google",
        model=described.model if compared else "",
        sku_meter=described.sku_meter if compared else "",
        service_tier=described.service_tier if compared else "",
        quantity=clouds.counted(described, quantity) if category == "usage" else None,
        unit=unit,
        amount=value,
        currency=currency,
        category=category,
        label="" if compared else label,
    )


def _category(record: Record, described: clouds.Described) -> Category:
    kind, credit = text(record, "costtype").lower(), text(record, "credittype")
    if "tax" in kind:
        return "tax"
    if credit and not _PRICE_CREDIT.search(credit):
        return "credit"
    if not described.is_model or kind in ("adjustment", "rounding_error"):
        return "other"
    return "discount" if credit else "usage"


def _span(record: Record) -> tuple[int, int]:
    if "usagestarttime" in record:
        return span(record, ("usagestarttime",), ("usageendtime",))
    if "usagestartdate" in record:
        # both days are included
        first, last = (day(record, name, zone=_PACIFIC) for name in ("usagestartdate", "usageenddate"))
        return first[0], last[1]
    return day(record, "date", "usagedate", "day", zone=_PACIFIC)


def _quantity(record: Record) -> tuple[Decimal | None, int | None]:
    usage = record.get("usage")
    if isinstance(usage, Mapping):
        return number(usage.get("amount"), "usage.amount"), clouds.unit_of(str(usage.get("unit") or ""))
    return amount(record, "usageamount"), clouds.unit_of(text(record, "usageunit"))


def _inner(record: Record, name: str, field: str) -> str:
    value = record.get(name)
    return str(value.get(field) or "").strip() if isinstance(value, Mapping) else ""


def _credits(record: Record) -> list[Mapping[str, Any]]:
    found = record.get("credits")
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


INVOICE = Invoice(
    name="gcp_billing",
    title="Google Cloud billing (BigQuery export, or the console's cost table as CSV)",
    detect=_detect,
    read=_read,
    origin="Google Cloud Billing, Reports or Cost table, Download CSV; or the BigQuery export",
    time_zone="US Pacific days in the console's tables, UTC in the BigQuery export",
)
