"""How single values are written in `--json` documents."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

Document = dict[str, Any]

_DANGEROUS = ("=", "+", "-", "@")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def usd(pico: int | float | Decimal | None) -> float | None:
    """USD of an amount in pico-USD; None stays None."""
    return None if pico is None else float(Decimal(pico) / 1_000_000_000_000)


def utc(us: int | None) -> str | None:
    """ISO time ending in `Z` of UTC epoch microseconds."""
    if us is None:
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    return moment.isoformat().replace("+00:00", "Z")


def day(number: int | None) -> str | None:
    """ISO date of a day number since 1970-01-01."""
    return None if number is None else (date(1970, 1, 1) + timedelta(days=number)).isoformat()


def measure_row(row: Mapping[str, Any]) -> Document:
    """One row of a measure for programs: `*_pico` becomes `*_usd`, `*_us` a time."""
    document: Document = {}
    for name, value in row.items():
        if name.endswith("_pico"):
            document[name.removesuffix("_pico") + "_usd"] = usd(value)
        elif name.endswith("_us"):
            document[name.removesuffix("_us")] = utc(value)
        else:
            document[name] = int(value) if isinstance(value, Decimal) else value
    if isinstance(row.get("key"), int):
        document["key"] = day(row["key"])
    return document


def inert(text: str | None, *, lines: bool = False) -> str | None:
    """Text of a log for a cell of CSV: what a spreadsheet would run as a formula gets a leading apostrophe.

    Control characters are replaced; with `lines`, line breaks and tabs stay.
    """
    if text is None:
        return None
    plain = _CONTROL.sub(lambda found: found[0] if lines and found[0] in "\n\t" else "\ufffd", text)
    return f"'{plain}" if plain.lstrip().startswith(_DANGEROUS) else plain
