"""A plain table somebody kept or exported: a day or month, an amount, and perhaps a model, a product, a workspace."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime

from audit.invoices import Category, Invoice, InvoiceLine, Outcome, Record
from audit.invoices._cells import amount, day, text

_CURRENCY = "usd|eur|gbp|chf|cny|jpy|inr|cad|aud|sek|nok|dkk|pln"
_AMOUNT = re.compile(
    rf"(?:(?P<before>{_CURRENCY}))?(?:(?:total|net|netto|billed)?(?:amount|cost|costs|spend|charge|charges|price|betrag|kosten)"
    rf"|total|sum|summe|amountdue|costtotal)(?:in)?(?:(?P<after>{_CURRENCY}))?|(?P<alone>{_CURRENCY})"
)
_PART = r"(?:usage|billing|invoice|charge|service)?"
_WHEN = re.compile(rf"{_PART}(?:date|day|month)|period|billingperiod|datum|tag|monat|yearmonth")
_COLUMNS = {
    "model": ("model", "modelname", "modelid", "modell"),
    "product": ("product", "service", "lineitem", "item", "description", "produkt", "beschreibung"),
    "provider": ("provider", "vendor", "supplier", "anbieter"),
    "workspace": ("workspace", "project", "team", "department", "costcenter", "account", "organization"),
    "currency": ("currency", "ccy", "currencycode", "waehrung", "währung"),
}
# who has these keeps requests, not a bill
_REQUESTS = re.compile("prompt|messages|request|response|completion|requestid|traceid|spanid|latency|latencyms")
_MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%b %Y", "%B %Y", "%b-%y", "%b-%Y")
_PARTED = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "CNY", "₹": "INR"}
_TAX = re.compile(r"\b(?:tax|vat|gst|mwst|ust|umsatzsteuer|mehrwertsteuer)\b", re.IGNORECASE)
_CREDIT = re.compile(r"\b(?:credits?|refunds?|gutschrift|erstattung)\b", re.IGNORECASE)
_SUM = re.compile(r"\W*(?:sub|grand)?\s*(?:total|sum|summe|gesamt|zwischensumme)\b", re.IGNORECASE)


def _amounts(record: Record) -> list[str]:
    return [name for name in record if _AMOUNT.fullmatch(name)]


def _dates(record: Record) -> list[str]:
    return [name for name in record if _WHEN.fullmatch(name)]


def _column(record: Record, role: str) -> str:
    """The column that plays a role, "" without one."""
    return next((name for name in _COLUMNS[role] if name in record), "")


def _detect(record: Record) -> int:
    kept = any(_REQUESTS.fullmatch(name) for name in record)
    return 1 if _amounts(record) and _dates(record) and not kept else 0


def _read(record: Record) -> Iterator[Outcome]:
    when, paid = _only(_dates(record), "day or month"), _only(_amounts(record), "amount")
    label = text(record, _column(record, "product"))
    model = text(record, _column(record, "model"))
    if _SUM.match(text(record, when)) or (not text(record, when) and _SUM.match(model or label)):
        return
    currency = _currency(record, paid)
    value = amount(record, paid)
    if value is None:
        raise ValueError(f"{paid} is empty, but the row has a date")
    category: Category = "tax" if _TAX.search(label or model) else "usage"
    if category == "usage" and _CREDIT.search(label or model):
        category = "credit"
    yield InvoiceLine(
        *_span(record, when),
        provider_name=text(record, _column(record, "provider")).lower(),
        model=(model or label) if category == "usage" else "",
        amount=value,
        currency=currency,
        category=category,
        label=label or model,
    )


def _only(names: list[str], what: str) -> str:
    if len(names) > 1:
        raise ValueError(f"{names[0]} and {names[1]} can both be the {what}: rename or delete one of the columns")
    return names[0]


def _currency(record: Record, paid: str) -> str:
    """The currency of a row: its own column, the name of the amount's column, the sign in the header or the cell."""
    found = _AMOUNT.fullmatch(paid)
    named = (found["before"] or found["after"] or found["alone"] or "") if found else ""
    signs = {code for sign, code in _SIGNS.items() if sign in text(record, paid)}
    stated = {named.upper(), text(record, _column(record, "currency")).upper(), *signs} - {""}
    stated = stated or ({str(record["$"])} if record.get("$") else set())
    if len(stated) > 1:
        raise ValueError(f"{paid} is in {' and '.join(sorted(stated))} at once: say which")
    if not stated:
        raise ValueError(f"{paid} is in no stated currency: name the column amount_usd, or add a column currency")
    return stated.pop()


def _span(record: Record, when: str) -> tuple[int, int]:
    """The day or the month a cell names."""
    cell = text(record, when)
    for form in _MONTHS:
        try:
            first = datetime.strptime(cell, form).date()
        except ValueError:
            continue
        last = first.replace(day=monthrange(first.year, first.month)[1])
        return day({when: first.isoformat()}, when)[0], day({when: last.isoformat()}, when)[1]
    return day({when: _written_day(cell, when)}, when)


def _written_day(cell: str, when: str) -> str:
    """A day as ISO has it; ValueError where day and month can't be told apart."""
    parts = _PARTED.fullmatch(cell)
    if parts is None:
        return cell
    first, second, year = int(parts[1]), int(parts[3]), int(parts[4])
    dotted = parts[2] == "."
    if not dotted and first <= 12 and second <= 12 and first != second:
        raise ValueError(f"{when} is {cell!r}, which can be two days (write {year}-12-31)")
    number, month = (first, second) if dotted or first > 12 else (second, first)
    try:
        return date(year, month, number).isoformat()
    except ValueError:
        raise ValueError(f"{when} is {cell!r}, which is not a date") from None


def _taken(record: Record, spelled: dict[str, str]) -> str:
    """Which column was taken for what, in the file's own names."""
    when, paid = _dates(record)[0], _amounts(record)[0]
    used = {when: "the day or month", paid: f"the amount in {_currency(record, paid)}"}
    for role in ("model", "product", "provider", "workspace", "currency"):
        name = _column(record, role)
        if name:
            used[name] = {"workspace": "the workspace, summed over"}.get(role, f"the {role}")
    rest = [name for name in record if name not in used and name != "$"]
    said = ", ".join(f"{spelled.get(name, name)} is {role}" for name, role in used.items())
    return said + (f"; not used: {', '.join(spelled.get(name, name) for name in rest[:8])}" if rest else "")


INVOICE = Invoice(
    name="plain_table",
    title="a plain table (date or month, amount with its currency, perhaps model, product, provider)",
    detect=_detect,
    read=_read,
    origin="a spreadsheet",
    taken=_taken,
)
