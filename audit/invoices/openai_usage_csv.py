"""OpenAI's usage export of the dashboard: tokens and requests by model, no dollars."""

from __future__ import annotations

from collections.abc import Iterator

from audit.invoices import Invoice, Outcome, Record
from audit.invoices._cells import span
from audit.invoices._openai import usage_rows


def _detect(record: Record) -> int:
    return 30 if {"starttime", "inputtokens", "nummodelrequests"} <= record.keys() else 0


def _read(record: Record) -> Iterator[Outcome]:
    yield from usage_rows(span(record, ("starttime", "starttimeiso"), ("endtime", "endtimeiso")), record)


INVOICE = Invoice(
    name="openai_usage_csv",
    title="OpenAI usage export (CSV, tokens without dollars)",
    detect=_detect,
    read=_read,
    origin="OpenAI dashboard, Usage, Export, Usage data, grouped by model",
    bare_cells=4,
)
