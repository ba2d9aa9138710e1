"""How figures are written for people; the one place where money is rounded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

PICO = 1_000_000_000_000


def money(pico: int | float | Decimal | None) -> str:
    """Dollars with cents; below ten cents three significant digits; `–` when unknown."""
    if pico is None:
        return "–"
    dollars = Decimal(pico) / PICO
    sign = "−" if dollars < 0 else ""
    size = abs(dollars)
    if size == 0:
        return "$0.00"
    if size >= Decimal("0.0995"):
        return f"{sign}${size:,.2f}"
    digits = 2 - size.adjusted()
    return f"{sign}${size:.{min(digits, 12)}f}"


def spend(pico: int, unpriced: int) -> str:
    """Dollars of some requests of which so many have no known price: never `$0.00` for what is unknown."""
    if not unpriced:
        return money(pico)
    requests = f"{unpriced:,} unpriced request{'' if unpriced == 1 else 's'}"
    return f"{money(pico)} and {requests}" if pico else requests


def money_range(interval: tuple[int, int] | None) -> str:
    """An interval of dollars, `low – high`."""
    return "–" if interval is None else f"{money(interval[0])} – {money(interval[1])}"


def count(number: int | float | Decimal | None) -> str:
    """A whole number with thousands separators."""
    return "–" if number is None else f"{int(number):,}"


def things(number: int | float | Decimal | None, noun: str) -> str:
    """A number with its noun: `1 day`, `30 days`."""
    return f"{count(number)} {noun if count(number) == '1' else noun + 's'}"


def tokens(number: int | float | Decimal | None) -> str:
    """A token count, in thousands or millions where that is shorter to read."""
    if number is None:
        return "–"
    size = float(number)
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e4, "k")):
        if abs(size) >= limit:
            scaled = size / (1e3 if unit == "k" else limit)
            return f"{scaled:,.1f}{unit}"
    return f"{int(size):,}"


def share(value: float | None, digits: int = 1) -> str:
    """A share as a percentage."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def seconds(value: float | None) -> str:
    """A duration in the unit that reads best."""
    if value is None:
        return "–"
    if value < 1:
        return f"{1000 * value:.0f} ms"
    return f"{value:.2f} s" if value < 60 else f"{value / 60:.1f} min"


def day(number: int | None) -> str:
    """ISO date of a day number since 1970-01-01; `no date` when unknown."""
    return "no date" if number is None else (date(1970, 1, 1) + timedelta(days=number)).isoformat()


def minute(us: int | None) -> str:
    """UTC minute of epoch microseconds."""
    if us is None:
        return "–"
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)).strftime("%Y-%m-%d %H:%M")


def path(name: str | None) -> str:
    """A file's name as a reader would type it: from the working folder or from home; addresses stay as they are."""
    if not name or "://" in name:
        return name or ""
    for base, sign in ((Path.cwd(), ""), (Path.home(), "~/")):
        if Path(name).is_relative_to(base):
            return sign + Path(name).relative_to(base).as_posix()
    return name


def cell(value: Any, unit: str, name: str = "") -> str:
    """One cell of a measure, written by its unit."""
    if name.endswith("_us"):
        return minute(value)
    writers = {
        "pico": money, "count": count, "tokens": tokens, "share": share, "seconds": seconds, "day": day, "path": path,
    }  # fmt: skip
    if unit in writers:
        return str(writers[unit](value))  # type: ignore[operator]
    if unit == "ratio":
        return "–" if value is None else f"{value:.3g}×"
    return "" if value is None else str(value)


def signed_money(pico: int | float | Decimal) -> str:
    """Dollars with an explicit sign."""
    return ("+" if pico > 0 else "") + money(pico)


def payback(months: float | None) -> str:
    """Months until an effort is paid back, in words where the number would only look exact."""
    if months is None:
        return "–"
    if months > 24:
        return "over 2 years"
    return f"{months:.1f} months" if months >= 1 else f"{months * 30.4:.0f} days"


def change(difference: int, base: int) -> str:
    """A change relative to its base, with sign; `new` from nothing."""
    return "new" if base == 0 else f"{100 * difference / base:+.0f} %".replace("-", "−")


def listing(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(([", ".join(words[:-1])] if len(words) > 1 else []) + list(words[-1:]))
