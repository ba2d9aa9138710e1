"""OpenRouter's activity: dollars and tokens by day and model, or one row per generation."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from audit.invoices import Invoice, InvoiceLine, Outcome, Record
from audit.invoices._cells import amount, day, moment, text, whole
from audit.wire.columns import folded

_ROW = {"date", "usage", "requests"}


def _detect(record: Record) -> int:
    if {"generationid", "costtotal"} <= record.keys() or (record.keys() >= _ROW and "model" in record):
        return 30
    rows = record.get("data")
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], dict):
        return 0
    return 30 if rows[0].keys() >= _ROW else 0


def _read(record: Record) -> Iterator[Outcome]:
    rows = record.get("data")
    if not isinstance(rows, list):
        yield _generation(record) if "generationid" in record else _row(record)
        return
    for each in rows:
        if not isinstance(each, dict):
            raise ValueError("a row of the activity is not an object")
        yield _row({folded(name): cell for name, cell in each.items()})


def _row(row: Record) -> InvoiceLine:
    # what was paid with one's own key at the model's provider is on that provider's bill
    prompt, completion = amount(row, "prompttokens"), amount(row, "completiontokens")
    return InvoiceLine(
        *day(row, "date"),
        provider_name="openrouter",
        model=text(row, "model", "modelpermaslug"),
        quantity=_tokens(prompt, completion),
        requests=whole(amount(row, "requests"), "requests"),
        amount=amount(row, "usage") or Decimal(0),
    )


def _generation(row: Record) -> InvoiceLine:
    prompt, completion = amount(row, "tokensprompt"), amount(row, "tokenscompletion")
    start_us = moment(row.get("createdat"), "created_at")
    return InvoiceLine(
        start_us,
        start_us + 1,
        provider_name="openrouter",
        model=text(row, "modelpermaslug", "model"),
        quantity=_tokens(prompt, completion),
        requests=1,
        amount=amount(row, "costtotal"),
    )


def _tokens(prompt: Decimal | None, completion: Decimal | None) -> Decimal | None:
    if prompt is None and completion is None:
        return None
    return (prompt or Decimal(0)) + (completion or Decimal(0))


INVOICE = Invoice(
    name="openrouter_activity",
    title="OpenRouter activity (API JSON, or CSV)",
    detect=_detect,
    read=_read,
    origin="GET https://openrouter.ai/api/v1/activity with a management key, or Activity, Export",
)
