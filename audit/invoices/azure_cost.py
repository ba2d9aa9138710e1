"""Azure cost details (`CostInBillingCurrency` by meter and day), and Cost analysis downloads."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from audit.invoices import Category, Invoice, InvoiceLine, Outcome, Record
from audit.invoices import _clouds as clouds
from audit.invoices._cells import amount, day, text

_COSTS = ("costinbillingcurrency", "pretaxcost", "cost", "costusd", "costinusd")
_DATES = ("date", "usagedate", "usagedatetime", "billingdate")


def _detect(record: Record) -> int:
    metered = "metername" in record or "meter" in record
    return 25 if metered and any(x in record for x in _COSTS) and any(x in record for x in _DATES) else 0


def _read(record: Record) -> Iterator[Outcome]:
    when = day(record, *_DATES)
    value, currency = _paid(record)
    if value is None:
        yield InvoiceLine(*when, provider_name="azure", category="empty")
        return
    service = text(record, "metercategory", "servicename", "consumedservice")
    meter = text(record, "metername", "meter")
    described = clouds.azure(service or "cognitive services", meter, text(record, "metersubcategory", "productname"))
    category = _category(text(record, "chargetype").lower(), described)
    usage = category == "usage"
    yield InvoiceLine(
        *when,
        provider_name="azure",
        model=described.model if usage else "",
        sku_meter=described.sku_meter if usage else "",
        service_tier=described.service_tier if usage else "",
        quantity=clouds.counted(described, amount(record, "quantity", "usagequantity")) if usage else None,
        unit=clouds.unit_of(f"{text(record, 'unitofmeasure')} {_per(meter)}"),
        amount=value,
        currency=currency,
        category=category,
        label="" if usage else service or meter,
    )


def _per(meter: str) -> str:
    """The unit a meter names itself (`GPT 5 Inpt Glbl 1M Tokens`)."""
    return next((word for word in meter.split() if word.lower() in ("1m", "1k")), "")


def _paid(record: Record) -> tuple[Decimal | None, str]:
    currency = text(record, "billingcurrencycode", "billingcurrency", "currency", "$").upper() or "USD"
    in_usd = amount(record, "costinusd", "costusd")
    if currency != "USD" and in_usd is not None:
        return in_usd, "USD"
    return amount(record, *_COSTS), currency


def _category(kind: str, described: clouds.Described) -> Category:
    if "tax" in kind:
        return "tax"
    if kind in ("refund", "credit"):
        return "credit"
    return "usage" if described.is_model and kind in ("", "usage") else "other"


INVOICE = Invoice(
    name="azure_cost",
    title="Azure cost details, or a Cost analysis download (CSV)",
    detect=_detect,
    read=_read,
    origin="Azure Cost Management, Exports, Cost and usage details (actual)",
)
