"""Anthropic's usage export of the console: tokens by day and model, no dollars."""

from __future__ import annotations

from collections.abc import Iterator

from audit.invoices import Invoice, Outcome, Record
from audit.invoices import _anthropic as anthropic
from audit.invoices._cells import amount, day, text, whole
from audit.invoices._usage import usage_lines
from audit.wire.usage import Usage


def _detect(record: Record) -> int:
    return 30 if {"usagedateutc", "usageoutputtokens"} <= record.keys() else 0


def _read(record: Record) -> Iterator[Outcome]:
    def count(*names: str) -> int:
        return whole(amount(record, *names), names[0]) or 0

    read = count("usageinputtokenscacheread")
    short = count("usageinputtokenscachewrite5m", "usageinputtokenscachewrite")
    long = count("usageinputtokenscachewrite1h")
    counted = Usage(
        input_tokens=count("usageinputtokensnocache") + read + short + long,
        cache_read_input_tokens=read,
        cache_write_5m_input_tokens=short,
        cache_write_1h_input_tokens=long,
        output_tokens=count("usageoutputtokens"),
        tool_calls={"web_search": count("websearchcount")},
    )
    model = text(record, "modelversion", "model")
    yield from usage_lines(day(record, "usagedateutc"), "anthropic", model, anthropic.tier(record), counted, None)


INVOICE = Invoice(
    name="anthropic_usage_csv",
    title="Anthropic usage export (CSV, tokens without dollars)",
    detect=_detect,
    read=_read,
    origin="Claude console, Usage, Export",
)
