"""AWS Cost and Usage Reports, legacy (`lineItem/UnblendedCost`) and 2.0 (`line_item_unblended_cost`)."""

from __future__ import annotations

from collections.abc import Iterator

from audit.invoices import Category, Invoice, InvoiceLine, Outcome, Record
from audit.invoices import _clouds as clouds
from audit.invoices._cells import amount, span, text


def _detect(record: Record) -> int:
    return 30 if {"lineitemunblendedcost", "lineitemusagestartdate"} <= record.keys() else 0


def _category(kind: str) -> Category:
    plain = kind.lower()
    if plain in ("", "usage", "discountedusage", "savingsplancoveredusage"):
        return "usage"
    if plain.endswith("discount"):
        return "discount"
    if plain == "tax":
        return "tax"
    return "credit" if plain in ("credit", "refund") else "other"


def _read(record: Record) -> Iterator[Outcome]:
    when = span(record, ("lineitemusagestartdate",), ("lineitemusageenddate",))
    value = amount(record, "lineitemunblendedcost")
    if value is None:
        yield InvoiceLine(*when, provider_name="aws", category="empty")
        return
    service = text(record, "productproductname", "productservicename", "productservicecode", "lineitemproductcode")
    description = f"{text(record, 'lineitemlineitemdescription')} {text(record, 'lineitemproductcode')}"
    described = clouds.aws(service, text(record, "lineitemusagetype"), description)
    category = _category(text(record, "lineitemlineitemtype"))
    if category in ("usage", "discount") and not described.is_model:
        category = "other"
    compared = category in ("usage", "discount")
    yield InvoiceLine(
        *when,
        provider_name="aws",
        model=described.model if compared else "",
        sku_meter=described.sku_meter if compared else "",
        service_tier=described.service_tier if compared else "",
        quantity=clouds.counted(described, amount(record, "lineitemusageamount")) if category == "usage" else None,
        unit=clouds.unit_of(text(record, "pricingunit")),
        amount=value,
        currency=text(record, "lineitemcurrencycode").upper() or "USD",
        category=category,
        label="" if compared else service,
    )


INVOICE = Invoice(
    name="aws_cur",
    title="AWS Cost and Usage Report (CSV or Parquet)",
    detect=_detect,
    read=_read,
    origin="AWS Billing, Data Exports, Standard data export (CUR 2.0)",
)
