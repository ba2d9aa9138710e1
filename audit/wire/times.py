"""Points in time and durations in every spelling that logs use."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

EARLIEST_US = 1_577_836_800_000_000
"""2020-01-01, before any model was sold by the token: an earlier time is a default of some program (1970, 2000)."""
LATEST_US = 4_102_444_800_000_000
"""2100-01-01."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_TICKS_AT_EPOCH = 621_355_968_000_000_000
_SLASHED = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4}),?\s+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*([AaPp][Mm])?\s*Z?$"
)
_ISO_TAIL = re.compile(r"(\.\d+)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$", re.IGNORECASE)
_FORMATS = (
    "%d/%b/%Y:%H:%M:%S %z",
    "%b %d, %Y @ %H:%M:%S.%f",
    "%b %d, %Y, %I:%M:%S %p",
    "%b %d, %Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S.%f",
    "%d.%m.%Y %H:%M:%S",
)


def to_us(value: Any) -> int | None:
    """UTC epoch microseconds of `value`; None when it is no time, or one before 2020 or after 2100.

    Takes ISO 8601 (a time without zone is UTC), epoch seconds, milliseconds, microseconds or nanoseconds (told apart by
    size), .NET ticks, US and HTTP dates, `… UTC`, datetimes, and `{"seconds", "nanos"}` objects.
    """
    if type(value) is str:
        found = _from_text(value)
    elif type(value) is int or type(value) is float:
        found = _from_number(value)
    elif isinstance(value, datetime):
        found = _from_datetime(value)
    elif isinstance(value, date):
        found = _from_datetime(datetime(value.year, value.month, value.day, tzinfo=UTC))
    elif isinstance(value, dict):
        found = _from_object(value)
    else:
        return None
    return found if found is not None and EARLIEST_US <= found < LATEST_US else None


def first_time(flags: list[str], *values: Any) -> int | None:
    """The first of `values` that is a time of a model call, None when none is.

    Leaves `naive_time` in `flags` when it was written without a zone, and `implausible_time` when something was written
    and none of it can be right.
    """
    written = False
    for value in values:
        found = to_us(value)
        if found is not None:
            if is_naive(value):
                flags.append("naive_time")
            return found
        written = written or not (value is None or value == "")
    if written:
        flags.append("implausible_time")
    return None


def is_naive(value: Any) -> bool:
    """Whether `value` is a written time without a zone, so that reading it as UTC was an assumption."""
    if type(value) is not str or len(value) < 16 or not value[0].isdigit() or value[4:5] != "-" or value[-1] == "Z":
        return False
    tail = _ISO_TAIL.search(value.strip())
    return not (tail and tail.group(2))


def _from_datetime(moment: datetime) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _US


def _from_number(value: float) -> int | None:
    if not 0 < value < 1e21:
        return None
    if value < 1e11:
        return round(value * 1e6)
    if value < 1e14:
        return round(value * 1e3)
    if value < 1e17:
        return int(value)
    if 6.3e17 <= value <= 6.5e17:
        return (int(value) - _TICKS_AT_EPOCH) // 10
    return int(value) // 1000


def _from_object(value: dict[Any, Any]) -> int | None:
    for name in ("$date", "$numberLong", "$numberInt", "$numberDouble"):
        if name in value:
            return to_us(value[name])
    seconds: Any = value.get("seconds", value.get("_seconds"))
    nanos: Any = value.get("nanos", value.get("_nanoseconds"))
    try:
        return int(seconds) * 1_000_000 + int(nanos or 0) // 1000
    except (TypeError, ValueError, OverflowError):
        return None


def _from_text(text: str) -> int | None:
    try:
        # the common case: ISO 8601, also with more than six digits of a second
        return _from_datetime(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        pass
    text = text.strip().strip('"').strip()
    if not text or len(text) > 64:
        return None
    try:
        return _from_number(float(text))
    except ValueError:
        pass
    return _from_words(text)


def _from_words(text: str) -> int | None:
    if (slashed := _SLASHED.match(text)) is not None:
        return _from_slashed(slashed)
    if text[-3:].upper() in ("UTC", "GMT") and text[:4].isdigit():
        text = text[:-3].rstrip() + "+00:00"
    try:
        return _from_datetime(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        pass
    for shape in _FORMATS:
        try:
            return _from_datetime(datetime.strptime(text, shape))
        except ValueError:
            continue
    try:
        return _from_datetime(parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _from_slashed(found: re.Match[str]) -> int | None:
    first, second, year, hour, minute, second_of, fraction, half = found.groups()
    month, day, hours = int(first), int(second), int(hour)
    if month > 12:
        month, day = day, month
    if half:
        hours = hours % 12 + (12 if half.upper() == "PM" else 0)
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    try:
        moment = datetime(int(year), month, day, hours, int(minute), int(second_of or 0), micro, tzinfo=UTC)
    except ValueError:
        return None
    return _from_datetime(moment)


_UNITS = (("milliseconds", 1e-3), ("microseconds", 1e-6), ("seconds", 1.0), ("msec", 1e-3), ("secs", 1.0))
_SHORT_UNITS = (("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("ns", 1e-9), ("sec", 1.0), ("min", 60.0), ("s", 1.0))


def number(value: Any) -> float | None:
    """A finite number, also from its text; None for anything else."""
    if type(value) is str:
        text = value.strip()
        if not text or len(text) > 40 or "_" in text:
            return None
        try:
            value = float(text)
        except ValueError:
            return None
    if type(value) is int or type(value) is float:
        return float(value) if abs(value) < 1e300 else None
    return None


def seconds(value: Any, per_second: float | None = 1.0) -> float | None:
    """A duration in seconds; `per_second` is how many of its units make one (1000 for ms), None when nobody said.

    Without a unit, a number of 300 or more, or a whole one of 50 or more, is taken as milliseconds. Negative → None.
    """
    found = number(value)
    if found is None:
        return _with_unit(value) if type(value) is str else None
    if found < 0:
        return None
    if per_second is None:
        per_second = 1000.0 if found >= 300 or (found >= 50 and found == int(found)) else 1.0
    return found / per_second


_MIXED = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(\d+(?:\.\d+)?)s")


def _with_unit(text: str) -> float | None:
    text = text.strip().lower()
    if (mixed := _MIXED.fullmatch(text)) and len(text) < 40:
        hours, minutes, rest = mixed.groups()
        return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest)
    for unit, factor in (*_UNITS, *_SHORT_UNITS):
        if text.endswith(unit):
            found = number(text[: -len(unit)])
            return found * factor if found is not None and found >= 0 else None
    return None


def between(started_us: int | None, ended_us: int | None) -> float | None:
    """Seconds from start to end; None when one is missing or the end comes first."""
    if started_us is None or ended_us is None or ended_us < started_us:
        return None
    return (ended_us - started_us) / 1e6
