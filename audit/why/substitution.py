"""What the new requests would cost with some factors as they were before and others as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audit.why.sides import FRESH, OUTPUT, READ, Cell


@dataclass(frozen=True, slots=True)
class Now:
    """Which factors already have their new value; the others, and every price, have their old one."""

    tokens: bool = False
    reading: bool = False
    writing: bool = False
    extras: bool = False
    tier: bool = False


def substituted(was: Cell | None, now: Cell, new: Now) -> float:
    """Cost of the new requests of one workflow and model; what was not there before costs what it costs."""
    if was is None or not was.requests:
        return float(now.total)
    return sum(
        quantity * share * _price(was, now, meter, tier)
        for meter, quantity in _quantities(was, now, new).items()
        for tier, share in _tiers(was, now, meter, new.tier).items()
    )


def _quantities(was: Cell, now: Cell, new: Now) -> dict[str, float]:
    tokens, reading = now if new.tokens else was, now if new.reading else was
    per_request = now.requests / tokens.requests
    inputs = tokens.input * per_request
    # a side without input tells no shares
    reading = reading if reading.input else (was if was.input else now)
    read_share = reading.of(READ) / reading.input if reading.input else 0.0
    found = {READ: inputs * read_share, OUTPUT: tokens.of(OUTPUT) * per_request}
    writing = now if new.writing else was
    writing = writing if writing.fresh else (was if was.fresh else now)
    for meter in FRESH:
        found[meter] = inputs * (1 - read_share) * writing.of(meter) / writing.fresh if writing.fresh else 0.0
    extras = now if new.extras else was
    for meter in {meter for cell in (was, now) for meter, _ in cell.quantity} - found.keys():
        found[meter] = extras.of(meter) * now.requests / extras.requests
    return found


def _tiers(was: Cell, now: Cell, meter: str, new: bool) -> Mapping[str, float]:
    first, second = (now, was) if new else (was, now)
    return first.tiers(meter) or second.tiers(meter)


def _price(was: Cell, now: Cell, meter: str, tier: str) -> float:
    """The old price, the new one where nothing was paid so before."""
    before = was.price(meter, tier)
    return before if before is not None else now.price(meter, tier) or 0.0
