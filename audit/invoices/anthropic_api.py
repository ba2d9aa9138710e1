"""Answers of Anthropic's cost_report and usage_report endpoints. Amounts of the cost report are cents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from audit.invoices import Invoice, InvoiceLine, Outcome, Page, Record
from audit.invoices import _anthropic as anthropic
from audit.invoices._cells import number, span, text, whole
from audit.invoices._usage import usage_lines
from audit.wire.columns import folded
from audit.wire.usage import Usage


def _detect(record: Record) -> int:
    if isinstance(record.get("results"), list) and "startingat" in record:
        return 30
    buckets = record.get("data")
    if not isinstance(buckets, list):
        return 0
    return 30 if buckets and isinstance(buckets[0], dict) and {"starting_at", "results"} <= buckets[0].keys() else 0


def _read(record: Record) -> Iterator[Outcome]:
    if "data" not in record:
        yield from _bucket(record)
        return
    for bucket in record["data"]:
        yield from _bucket(_folded(bucket))
    yield Page(bool(record.get("hasmore")))


def _bucket(bucket: Record) -> Iterator[Outcome]:
    when = span(bucket, ("startingat",), ("endingat",))
    if not bucket.get("results"):
        yield InvoiceLine(*when, provider_name="anthropic", category="empty")
    for each in bucket.get("results") or []:
        row = _folded(each)
        if "amount" in row:
            yield _cost(when, row)
        else:
            yield from _usage(when, row)


def _cost(when: tuple[int, int], row: Record) -> InvoiceLine:
    cents = number(row.get("amount"), "amount")
    model, cost_type = text(row, "model"), text(row, "costtype")
    meter = anthropic.meter(text(row, "tokentype"), cost_type)
    described = text(row, "description")
    beside = not meter and not model and described != ""
    return InvoiceLine(
        *when,
        provider_name="anthropic",
        model=model,
        sku_meter=meter,
        service_tier=anthropic.tier(row),
        amount=None if cents is None else cents / 100,
        currency=(text(row, "currency") or "USD").upper(),
        category="empty" if cents is None else "other" if beside else "usage",
        label=described if beside else "",
    )


def _usage(when: tuple[int, int], row: Record) -> Iterator[InvoiceLine]:
    writes = row.get("cachecreation") or {}
    tools = row.get("servertooluse") or {}

    def count(holder: Any, name: str) -> int:
        return whole(number(holder.get(name), name), name) or 0

    read = count(row, "cachereadinputtokens")
    short, long = count(writes, "ephemeral_5m_input_tokens"), count(writes, "ephemeral_1h_input_tokens")
    counted = Usage(
        input_tokens=count(row, "uncachedinputtokens") + read + short + long,
        cache_read_input_tokens=read,
        cache_write_5m_input_tokens=short,
        cache_write_1h_input_tokens=long,
        output_tokens=count(row, "outputtokens"),
        tool_calls={"web_search": count(tools, "web_search_requests")},
    )
    yield from usage_lines(when, "anthropic", text(row, "model"), anthropic.tier(row), counted, None)


def _folded(value: Any) -> Record:
    if not isinstance(value, dict):
        raise ValueError("a bucket or result is not an object")
    return {folded(name): cell for name, cell in value.items()}


INVOICE = Invoice(
    name="anthropic_api",
    title="Anthropic cost and usage API (JSON)",
    detect=_detect,
    read=_read,
    origin="GET /v1/organizations/cost_report?group_by[]=description, /v1/organizations/usage_report/messages",
)
