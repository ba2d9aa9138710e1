"""Rate-limit headers: how long an allowance that is used up takes to fill again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite

_REMAINING = (
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def exhausted_for(headers: Mapping[str, str]) -> float | None:
    """Seconds until an allowance that the rate-limit headers call used up is filled again; None when there is room."""
    waits = [
        wait
        for remaining, reset in _REMAINING
        if headers.get(remaining) == "0" and (wait := _until(headers.get(reset, ""))) is not None
    ]
    return max(waits, default=None)


def _until(value: str) -> float | None:
    """Seconds of `1s`, `6m0s`, `120ms`, `12.5`, or until an RFC 3339 time."""
    try:
        seconds = float(value)
        return max(0.0, seconds) if isfinite(seconds) else None
    except ValueError:
        pass
    if parts := _SPAN.findall(value):
        return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
