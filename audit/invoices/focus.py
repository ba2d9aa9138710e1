"""FOCUS cost and usage tables (1.0 to 1.2) of any provider; BilledCost is what the invoice asks for."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from audit.invoices import Category, Invoice, InvoiceLine, Outcome, Record
from audit.invoices import _clouds as clouds
from audit.invoices._cells import amount, span, text
from audit.invoices._line_items import parse
from audit.invoices._meters import meter_of, tier_of

_CATEGORIES: dict[str, Category] = {
    "usage": "usage",
    "purchase": "other",
    "tax": "tax",
    "credit": "credit",
    "adjustment": "other",
}
_PROVIDERS = (
    ("amazon", "aws"), ("aws", "aws"), ("bedrock", "aws"), ("microsoft", "azure"), ("azure", "azure"),
    ("google", "google"), ("gcp", "google"), ("vertex", "google"), ("anthropic", "anthropic"),
    ("openrouter", "openrouter"), ("openai", "openai"), ("deepseek", "deepseek"), ("mistral", "mistral"),
    ("x.ai", "x-ai"), ("xai", "x-ai"), ("groq", "groq"), ("cohere", "cohere"), ("together", "together"),
    ("fireworks", "fireworks"),
)  # fmt: skip


def _detect(record: Record) -> int:
    return 40 if {"billedcost", "chargeperiodstart"} <= record.keys() else 0


def _read(record: Record) -> Iterator[Outcome]:
    when = span(record, ("chargeperiodstart",), ("chargeperiodend",))
    value = amount(record, "billedcost")
    provider = _provider(record)
    if value is None:
        yield InvoiceLine(*when, provider_name=provider, category="empty")
        return
    currency = text(record, "billingcurrency").upper() or "USD"
    in_usd = amount(record, "xbilledcostinusd")
    if currency != "USD" and in_usd is not None:
        value, currency = in_usd, "USD"
    category = _CATEGORIES.get(text(record, "chargecategory").lower(), "usage")
    described = _described(provider, record)
    if category == "usage" and not described.is_model:
        category = "other"
    usage = category == "usage"
    quantity, unit = _quantity(record)
    yield InvoiceLine(
        *when,
        provider_name=provider,
        model=described.model if usage else "",
        sku_meter=described.sku_meter if usage else "",
        service_tier=described.service_tier if usage else "",
        quantity=clouds.counted(described, quantity) if usage else None,
        unit=unit,
        amount=value,
        currency=currency,
        category=category,
        label="" if usage else text(record, "servicename") or text(record, "chargedescription")[:80],
    )


def _provider(record: Record) -> str:
    for name in ("providername", "serviceprovidername", "hostprovidername", "invoiceissuername", "publishername"):
        words = text(record, name).lower()
        found = next((provider for word, provider in _PROVIDERS if word in words), "")
        if found:
            return found
    return text(record, "providername").lower() or "unknown"


def _described(provider: str, record: Record) -> clouds.Described:
    service, description = text(record, "servicename"), text(record, "chargedescription")
    if provider == "aws":
        usage_type = text(record, "xusagetype", "skumeter", "xskumetername", "skuid")
        return clouds.aws(service, usage_type or description, description)
    if provider == "azure":
        meter = text(record, "xskumetername", "skumeter") or description
        return clouds.azure(f"{service} {text(record, 'xskumetercategory')}", meter, description)
    if provider == "google":
        return clouds.google(service, text(record, "xskudescription") or description or text(record, "skumeter"))
    return _from_vendor(record, description)


def _from_vendor(record: Record, description: str) -> clouds.Described:
    """A model provider's own rows: a model column, else `model, kind` in the description or SKU."""
    words = text(record, "skumeter") or description
    model = text(record, "xmodel", "model", "resourcename")
    if model:
        return clouds.Described(model, meter_of(words), tier_of(words))
    for candidate in (description, text(record, "skuid").rpartition("/")[2], words):
        item = parse(candidate)
        if item.model:
            return clouds.Described(*item)
    return clouds.Described(text(record, "skuid"), meter_of(words), tier_of(words))


def _quantity(record: Record) -> tuple[Decimal | None, int | None]:
    for name in ("consumed", "pricing"):
        found = amount(record, f"{name}quantity")
        if found is not None:
            return found, clouds.unit_of(text(record, f"{name}unit"))
    return None, None


INVOICE = Invoice(
    name="focus",
    title="FOCUS cost and usage (AWS, Google, Azure and others; CSV or Parquet)",
    detect=_detect,
    read=_read,
    origin="the FOCUS export of your cloud's billing service",
)
