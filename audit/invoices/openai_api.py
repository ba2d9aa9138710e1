"""Answers of OpenAI's organization/costs and organization/usage endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from audit.invoices import Invoice, InvoiceLine, Outcome, Page, Record
from audit.invoices._cells import number, span, text
from audit.invoices._openai import cost_line, usage_rows
from audit.wire.columns import folded


def _detect(record: Record) -> int:
    if isinstance(record.get("results"), list) and "starttime" in record:
        return 30
    buckets = record.get("data")
    if not isinstance(buckets, list):
        return 0
    return 30 if buckets and isinstance(buckets[0], dict) and {"start_time", "results"} <= buckets[0].keys() else 0


def _read(record: Record) -> Iterator[Outcome]:
    if "data" not in record:
        yield from _bucket(record)
        return
    for bucket in record["data"]:
        yield from _bucket(_folded(bucket))
    yield Page(bool(record.get("hasmore")))


def _bucket(bucket: Record) -> Iterator[Outcome]:
    when = span(bucket, ("starttime",), ("endtime",))
    results = bucket.get("results") or bucket.get("result") or []
    if not results:
        yield InvoiceLine(*when, provider_name="openai", category="empty")
    for each in results:
        row = _folded(each)
        if "amount" in row:
            yield _cost(when, row)
        else:
            yield from usage_rows(when, row)


def _cost(when: tuple[int, int], row: Record) -> Outcome:
    paid = row["amount"] if isinstance(row["amount"], dict) else {}
    value = number(paid.get("value"), "amount.value")
    if value is None:
        return InvoiceLine(*when, provider_name="openai", category="empty")
    return cost_line(
        when,
        value,
        currency=str(paid.get("currency") or "usd"),
        line_item=text(row, "lineitem"),
        quantity=number(row.get("quantity"), "quantity"),
        unit=text(row, "quantityunit"),
    )


def _folded(value: Any) -> Record:
    if not isinstance(value, dict):
        raise ValueError("a bucket or result is not an object")
    return {folded(name): cell for name, cell in value.items()}


INVOICE = Invoice(
    name="openai_api",
    title="OpenAI costs and usage API (JSON)",
    detect=_detect,
    read=_read,
    origin="GET /v1/organization/costs?group_by=line_item, /v1/organization/usage/completions?group_by=model",
)
