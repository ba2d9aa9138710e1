"""Anthropic's cost export of the console: dollars by day, model and kind of token."""

from __future__ import annotations

from collections.abc import Iterator

from audit.invoices import Invoice, InvoiceLine, Outcome, Record
from audit.invoices import _anthropic as anthropic
from audit.invoices._cells import amount, day, text


def _detect(record: Record) -> int:
    return 30 if {"usagedateutc", "costusd"} <= record.keys() else 0


def _read(record: Record) -> Iterator[Outcome]:
    when = day(record, "usagedateutc")
    value = amount(record, "costusd")
    if value is None:
        yield InvoiceLine(*when, provider_name="anthropic", category="empty")
        return
    cost_type = text(record, "costtype")
    meter = anthropic.meter(text(record, "tokentype"), cost_type)
    model = text(record, "model")
    beside = not meter and (not model or cost_type.lower() not in ("", "token", "tokens"))
    yield InvoiceLine(
        *when,
        provider_name="anthropic",
        model="" if beside else model,
        sku_meter=meter,
        service_tier=anthropic.tier(record),
        amount=value,
        category="other" if beside else "usage",
        label=(cost_type or text(record, "tokentype") or "not a model") if beside else "",
    )


INVOICE = Invoice(
    name="anthropic_cost_csv",
    title="Anthropic cost export (CSV)",
    detect=_detect,
    read=_read,
    origin="Claude console, Cost, Export",
)
