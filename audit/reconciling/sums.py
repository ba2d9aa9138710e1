"""Invoice lines added up as they are read: a bill of a million rows says the same few things over and over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from audit.errors import ConfigError
from audit.invoices import Category, InvoiceLine

PICO = Decimal(10**12)
_WHOLE = Decimal(1)


@dataclass(slots=True)
class BilledLine:
    """Lines of one file that say the same but for their amounts, added up; money in pico-USD, None = not billed.

    `quantity` counts tokens or calls where `unit_known`, else units of a size that is not told.
    """

    start_us: int
    end_us: int
    provider_name: str
    model: str
    sku_meter: str
    service_tier: str
    category: Category
    label: str
    amount_pico: int | None = None
    quantity: Decimal | None = None
    unit_known: bool = True
    requests: int | None = None
    lines: int = 0
    operation: str = ""


class Sums:
    """The lines of one file, added up; `rates` are USD per unit of another currency."""

    def __init__(self, name: str, rates: Mapping[str, Decimal]) -> None:
        self._name = name
        self._rates = rates
        self._lines: dict[tuple[Any, ...], BilledLine] = {}
        self._places = 0
        self.currencies: set[str] = set()

    @property
    def lines(self) -> list[BilledLine]:
        """What was added up."""
        return list(self._lines.values())

    @property
    def step_pico(self) -> int:
        """The smallest step of the file's amounts in pico-USD: what its rounding can hide per line, twice over."""
        rate = max((self._rate(currency) for currency in self.currencies), default=Decimal(1))
        return int(PICO.scaleb(-min(self._places, 12)) * rate)

    def add(self, line: InvoiceLine) -> None:
        """Add a line; ConfigError when its currency has no rate."""
        key = (
            line.start_us, line.end_us, line.provider_name, line.model, line.sku_meter, line.service_tier,
            line.category, line.label, line.amount is None, line.quantity is None, line.unit is None,
            line.operation,
        )  # fmt: skip
        total = self._lines.get(key)
        if total is None:
            total = self._lines[key] = BilledLine(*key[:8], unit_known=line.unit is not None, operation=line.operation)
        total.lines += 1
        if line.amount is not None:
            usd = line.amount * self._rate(line.currency)
            total.amount_pico = (total.amount_pico or 0) + int((usd * PICO).quantize(_WHOLE, ROUND_HALF_EVEN))
            exponent = line.amount.as_tuple().exponent
            if isinstance(exponent, int):
                self._places = max(self._places, -exponent)
            self.currencies.add(line.currency)
        if line.quantity is not None:
            total.quantity = (total.quantity or Decimal(0)) + line.quantity * (line.unit or 1)
        if line.requests is not None:
            total.requests = (total.requests or 0) + line.requests

    def _rate(self, currency: str) -> Decimal:
        if currency == "USD":
            return _WHOLE
        if currency not in self._rates:
            raise ConfigError(
                f"{self._name} bills in {currency or 'no stated currency'}, not USD",
                f"say what one {currency or 'unit'} is in USD: --rate {currency or 'EUR'}=1.08",
            )
        return self._rates[currency]
