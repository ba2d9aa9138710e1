"""DeepSeek's export: a zip of `amount-*.csv` (tokens by key) and `cost-*.csv` (money by model), or one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from audit.invoices import Invoice, InvoiceLine, Outcome, Record
from audit.invoices._cells import amount, day, span, text, whole

_METERS = {
    "input_cache_hit_tokens": "cache_read",
    "input_cache_miss_tokens": "input",
    "input_tokens": "input",
    "output_tokens": "output",
}
_PICO = Decimal("1e-12")


def _detect(record: Record) -> int:
    dated = "utcdate" in record or "starttimeiso" in record
    priced = {"wallettype", "cost", "currency"} <= record.keys() or {"type", "amount", "apikeyname"} <= record.keys()
    return 30 if dated and priced and "model" in record else 0


def _read(record: Record) -> Iterator[Outcome]:
    when = day(record, "utcdate") if "utcdate" in record else span(record, ("starttimeiso",), ("endtimeiso",))
    model = text(record, "model")
    if "cost" in record:
        yield InvoiceLine(
            *when,
            provider_name="deepseek",
            model=model,
            amount=amount(record, "cost") or Decimal(0),
            currency=text(record, "currency").upper() or "USD",
        )
        return
    kind, counted = text(record, "type"), amount(record, "amount")
    if kind == "request_count":
        requests = whole(counted, "amount")
        yield InvoiceLine(
            *when, provider_name="deepseek", model=model, sku_meter="input", quantity=Decimal(0), requests=requests
        )
    elif kind in _METERS:
        price = amount(record, "price")
        # in no currency: the export of tokens does not say in which money its prices are
        derived = counted * price if counted is not None and price else None
        yield InvoiceLine(
            *when,
            provider_name="deepseek",
            model=model,
            sku_meter=_METERS[kind],
            quantity=counted,
            amount=derived,
            currency="",
        )
    else:
        raise ValueError(f"type is {kind[:40]!r}, expected one of {', '.join([*_METERS, 'request_count'])}")


def _settle(lines: list[InvoiceLine]) -> list[InvoiceLine]:
    """Share each day's and model's cost out over its kinds of tokens, so that the sum is the bill's."""
    counted = [line for line in lines if line.quantity is not None]
    billed = [line for line in lines if line.quantity is None]
    if not billed:
        return [replace(line, amount=None, currency="USD") for line in counted]
    groups: dict[tuple[int, int, str], list[InvoiceLine]] = {}
    for line in counted:
        groups.setdefault((line.start_us, line.end_us, line.model), []).append(line)
    bills: dict[tuple[int, int, str, str], InvoiceLine] = {}
    for line in billed:
        key = line.start_us, line.end_us, line.model, line.currency
        before = bills.get(key)
        # granted and paid balances are one cost of the same tokens
        bills[key] = (
            line
            if before is None
            else replace(line, amount=(line.amount or Decimal(0)) + (before.amount or Decimal(0)))
        )
    result: list[InvoiceLine] = []
    for bill in bills.values():
        parts = groups.pop((bill.start_us, bill.end_us, bill.model), [])
        result.extend(_shared(bill, parts))
    for parts in groups.values():
        result.extend(replace(line, amount=None, currency="USD") for line in parts)
    return result


def _shared(bill: InvoiceLine, parts: list[InvoiceLine]) -> list[InvoiceLine]:
    weight = sum((line.amount for line in parts if line.amount is not None), Decimal(0))
    if weight <= 0 or bill.amount is None:
        return [bill, *(replace(line, amount=None, currency="USD") for line in parts)]
    priced = [line for line in parts if line.amount is not None]
    shares = [(bill.amount * line.amount / weight).quantize(_PICO) for line in priced if line.amount is not None]
    shares[-1] += bill.amount - sum(shares)
    paid = [replace(line, amount=share, currency=bill.currency) for line, share in zip(priced, shares, strict=True)]
    return [*paid, *(replace(line, currency="USD") for line in parts if line.amount is None)]


INVOICE = Invoice(
    name="deepseek",
    title="DeepSeek usage export (zip of amount and cost CSV)",
    detect=_detect,
    read=_read,
    origin="DeepSeek platform, Usage, Export",
    time_zone="the days of the export's own offset",
    settle=_settle,
)
