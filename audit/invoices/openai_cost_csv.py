"""OpenAI's cost export of the dashboard: dollars by day and line item."""

from __future__ import annotations

from collections.abc import Iterator

from audit.invoices import Invoice, InvoiceLine, Outcome, Record
from audit.invoices._cells import amount, span, text
from audit.invoices._openai import cost_line


def _detect(record: Record) -> int:
    return 30 if "starttime" in record and "amountvalue" in record else 0


def _read(record: Record) -> Iterator[Outcome]:
    when = span(record, ("starttime", "starttimeiso"), ("endtime", "endtimeiso"))
    value = amount(record, "amountvalue")
    if value is None:
        yield InvoiceLine(*when, provider_name="openai", category="empty")
        return
    yield cost_line(
        when,
        value,
        currency=text(record, "amountcurrency") or "usd",
        line_item=text(record, "lineitem"),
        quantity=amount(record, "quantity"),
        unit=text(record, "quantityunit"),
    )


INVOICE = Invoice(
    name="openai_cost_csv",
    title="OpenAI cost export (CSV)",
    detect=_detect,
    read=_read,
    origin="OpenAI dashboard, Usage, Export, Cost data, grouped by line item",
    bare_cells=4,
)
