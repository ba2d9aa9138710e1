"""What OpenAI's cost and usage reports share, whether they come as a table or from the API."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from audit.invoices import InvoiceLine, Record
from audit.invoices._cells import amount, text, whole
from audit.invoices._line_items import parse
from audit.invoices._usage import usage_lines
from audit.wire.counts import service_tier
from audit.wire.usage import Usage

_OPERATIONS = {"completions": "chat", "embeddings": "embeddings"}


def cost_line(
    span: tuple[int, int], value: Decimal, *, currency: str, line_item: str, quantity: Decimal | None, unit: str
) -> InvoiceLine:
    """One charge; without a line item it is the sum of a day."""
    item = parse(line_item) if line_item else None
    beside = item is not None and not item.model and not item.sku_meter
    counted = quantity is not None and item is not None and item.sku_meter != "" and quantity >= 0
    return InvoiceLine(
        *span,
        provider_name="openai",
        model=item.model if item else "",
        sku_meter=item.sku_meter if item else "",
        service_tier=item.service_tier if item else "",
        quantity=quantity if counted else None,
        unit=1 if unit.lower() in ("", "tokens", "token", "requests", "calls") else None,
        amount=value,
        currency=currency.upper(),
        category="other" if beside else "usage",
        label=line_item if beside else "",
    )


def usage_rows(span: tuple[int, int], row: Record) -> Iterator[InvoiceLine]:
    """The lines of one row of a usage report; names are folded."""
    counted = _usage(row)
    requests = _count(row, "nummodelrequests", "numrequests")
    # each endpoint of the usage API counts one kind of call: `organization.usage.completions.result`
    operation = _OPERATIONS.get(text(row, "object").removeprefix("organization.usage.").partition(".")[0], "")
    yield from usage_lines(span, "openai", text(row, "model"), _tier(row), counted, requests, operation)


def _usage(row: Record) -> Usage:
    return Usage(
        input_tokens=_count(row, "inputtokens"),
        cache_read_input_tokens=_count(row, "inputcachedtokens"),
        cache_write_5m_input_tokens=_count(row, "inputcachewritetokens"),
        output_tokens=_count(row, "outputtokens"),
        input_audio_tokens=_count(row, "inputaudiotokens") or 0,
        cache_read_audio_tokens=_count(row, "inputcachedaudiotokens") or 0,
        output_audio_tokens=_count(row, "outputaudiotokens") or 0,
        input_image_tokens=_count(row, "inputimagetokens") or 0,
        cache_read_image_tokens=_count(row, "inputcachedimagetokens") or 0,
        output_image_tokens=_count(row, "outputimagetokens") or 0,
    )


def _count(row: Record, *names: str) -> int | None:
    return whole(amount(row, *names), names[0])


def _tier(row: Record) -> str:
    batch = str(row.get("batch")).strip().lower()
    if batch in ("true", "1"):
        return "batch"
    served = service_tier(row.get("servicetier"))
    return served or ("standard" if batch in ("false", "0") else "")
