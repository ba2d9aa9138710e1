"""A second price table: where it was compared with the prices in use, and where it differs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from audit.errors import PriceError
from audit.prices.overlay import Conflict, conflict, shipped

SHIPPED = Path(__file__).with_name("second_table.toml")
"""The comparison that comes with the package."""


@dataclass(frozen=True, slots=True)
class SecondTable:
    """What another table was read for: `compared` holds (provider, price model, meter), `conflicts` what differs.

    A meter that was compared and has no conflict has the same price in both tables. Standard tier, smallest request
    size, prices of the day `checked_on`.
    """

    name: str
    source: str
    checked_on: str
    compared: frozenset[tuple[str, str, str]]
    conflicts: Sequence[Conflict]


@cache
def second_table() -> SecondTable:
    """The shipped comparison; PriceError when its file can't be read."""
    try:
        return _parse(tomllib.loads(SHIPPED.read_text(encoding="utf-8"), parse_float=Decimal))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PriceError(f"price table {SHIPPED.name} can't be read: {error!r}") from error


def _parse(data: Mapping[str, Any]) -> SecondTable:
    compared = frozenset(
        (entry["provider"], model, meter)
        for entry in data["compared"]
        for model in entry["models"]
        for meter in entry["meters"]
    )
    conflicts = [conflict(entry) for entry in data.get("conflict", ())]
    # known disagreements between a provider's own words are price uncertainty of the same kind
    own = [each for each in shipped().conflicts if not any(_same(each, other) for other in conflicts)]
    return SecondTable(data["name"], data["source"], data["checked_on"], compared, [*conflicts, *own])


def _same(first: Conflict, second: Conflict) -> bool:
    names = ((each.provider_name, each.model, each.sku_meter) for each in (first, second))
    return next(names) == next(names)
