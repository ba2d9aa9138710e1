"""Cells of invoices as exact numbers and moments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from audit.wire.times import to_us

DAY_US = 86_400_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_SIGNS = "$€£¥₹"
_DATES = ("%Y-%m-%d", "%Y%m%d", "%m/%d/%Y", "%Y/%m/%d")
_LONGEST_DATE = 10
_WINTER_HOURS = {"America/Los_Angeles": -8}
_LARGEST = Decimal(10) ** 15


def number(value: Any, name: str) -> Decimal | None:
    """An exact number; None for an empty cell. ValueError names the column of a cell that is no number.

    `1,234.56` and `$12` are read; `12,34` is refused, because it could be either of two numbers.
    """
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        value = repr(value)
    text = str(value).strip().replace("\u2212", "-")
    for sign in _SIGNS:
        text = text.replace(sign, "")
    text = text.replace(" ", "").replace("\u00a0", "")
    if not text or text.lower() in ("null", "none", "n/a", "-"):
        return None
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"{name} is {str(value)[:40]!r}, which is not a number (write 1234.56)")
    found = Decimal(text)
    if abs(found) >= _LARGEST:
        raise ValueError(f"{name} is {text[:40]!r}, which no invoice can hold")
    return found


def first(record: Mapping[str, Any], *names: str) -> Any:
    """The first cell under one of the names that is not empty, None without one."""
    for name in names:
        value = record.get(name)
        if value is not None and value != "":
            return value
    return None


def text(record: Mapping[str, Any], *names: str) -> str:
    """The first cell under one of the names as text, "" without one."""
    value = first(record, *names)
    return "" if value is None else str(value).strip()


def amount(record: Mapping[str, Any], *names: str) -> Decimal | None:
    """The first number under one of the names."""
    for name in names:
        found = number(record.get(name), name)
        if found is not None:
            return found
    return None


def whole(value: Decimal | None, name: str) -> int | None:
    """A count; ValueError when it is negative or has a fraction."""
    if value is None:
        return None
    if value < 0 or value != value.to_integral_value():
        raise ValueError(f"{name} is {value}, which is not a count")
    return int(value)


def moment(value: Any, name: str) -> int:
    """UTC epoch microseconds of a time or date; ValueError when it is none."""
    found = _written(value) if isinstance(value, str) else to_us(value)
    if found is None:
        raise ValueError(f"{name} is {str(value)[:40]!r}, which is not a date")
    return found


@lru_cache(maxsize=65536)
def _written(text: str) -> int | None:
    """A written time or date; the rows of a table repeat a few."""
    plain = text.strip()
    found = _day(plain)
    if found is not None:
        return (datetime(found.year, found.month, found.day, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
    return to_us(int(plain) if plain.isdigit() else plain)


def span(record: Mapping[str, Any], start: tuple[str, ...], end: tuple[str, ...]) -> tuple[int, int]:
    """The span between two columns, a day where there is no second one."""
    first_us = moment(first(record, *start), start[0])
    last = first(record, *end)
    last_us = first_us + DAY_US if last is None else moment(last, end[0])
    return first_us, max(last_us, first_us + 1)


def day(record: Mapping[str, Any], *names: str, zone: str = "UTC") -> tuple[int, int]:
    """The span of a calendar day in a time zone."""
    value = first(record, *names)
    found = _day(str(value).strip()[:10].rstrip("T ")) if value is not None else None
    if found is None:
        return span(record, names, ())
    return _midnight(found, zone), _midnight(found + timedelta(days=1), zone)


@lru_cache(maxsize=4096)
def _midnight(day: date, zone: str) -> int:
    """UTC epoch microseconds of the beginning of a day in a time zone."""
    try:
        place: tzinfo = ZoneInfo(zone)
    except ZoneInfoNotFoundError:
        # a system without time zone data knows no summer time: days then begin an hour late in summer
        place = timezone(timedelta(hours=_WINTER_HOURS.get(zone, 0)))
    start = datetime(day.year, day.month, day.day, tzinfo=place)
    return (start - _EPOCH) // timedelta(microseconds=1)


@lru_cache(maxsize=65536)
def _day(value: str) -> date | None:
    if not value or len(value) > _LONGEST_DATE:
        return None
    for pattern in _DATES:
        try:
            return datetime.strptime(value, pattern).date()
        except ValueError:
            continue
    return None
