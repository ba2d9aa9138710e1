"""What a call costs: exact integer pico-USD from price rows, or from the prices an endpoint is configured with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.config import EndpointConfig
from audit.prices.catalogue import Catalogue
from audit.prices.rows import WEEK_US, PriceRow
from audit.wire.usage import INPUT_METERS, OUTPUT_METERS, Usage, charges

PICO_PER_TOKEN = 1_000_000
"""Pico-USD per token of a price of 1 USD per million tokens."""


@dataclass(frozen=True, eq=False)
class Rates:
    """Prices of one model in one tier at one moment, by meter: (input threshold, ceiling, pico-USD per unit)."""

    meters: Mapping[str, Sequence[tuple[int, int, int]]]

    def cost(self, usage: Usage) -> int:
        """Cost of one call by its own usage."""
        given = usage.input_tokens or 0
        total = self._price("request", given)
        for meter, quantity in charges(usage, "output_reasoning" in self.meters):
            total += quantity * self._price(meter, given)
        return total

    def output(self, usage: Usage) -> int:
        """What of that cost is for the answer."""
        given = usage.input_tokens or 0
        found = charges(usage, "output_reasoning" in self.meters)
        return sum(quantity * self._price(meter, given) for meter, quantity in found if meter in OUTPUT_METERS)

    def of(self, usage: Usage | None) -> int | None:
        """Cost of one call by its own usage; None where that does not count both input and output."""
        if usage is None or usage.input_tokens is None or usage.output_tokens is None:
            return None
        return self.cost(usage)

    def record(self) -> dict[str, list[list[int]]]:
        """The prices as plain JSON values."""
        return {meter: [list(row) for row in rows] for meter, rows in self.meters.items()}

    @classmethod
    def recorded(cls, found: Mapping[str, Sequence[Sequence[int]]]) -> Rates:
        """The prices `record` wrote."""
        return cls({meter: [(row[0], row[1], row[2]) for row in rows] for meter, rows in found.items()})

    def usd_per_million(self, meter: str) -> float:
        """Price of a million tokens of a meter in a short request."""
        return self._price(meter, 1) / PICO_PER_TOKEN

    def expected(self, input_tokens: int, output_tokens: int) -> int:
        """Cost of a call without cached tokens."""
        return self.cost(Usage(input_tokens=input_tokens, output_tokens=output_tokens))

    def worst(self, input_tokens: int, output_tokens: int) -> int:
        """Most a call of at most so many tokens can cost: the dearest input and output meters and size step."""
        dearest_in = self._dearest(("input", "cache_write_5m", "cache_write_1h"))
        dearest_out = self._dearest(("output", "output_reasoning"))
        return self._dearest(("request",)) + input_tokens * dearest_in + output_tokens * dearest_out

    def _price(self, meter: str, input_tokens: int) -> int:
        rows = self.meters.get(meter)
        if rows is None:
            plain = "input" if meter in INPUT_METERS else "output" if meter in OUTPUT_METERS else ""
            rows = self.meters.get(plain, ())
        return max((price for low, high, price in rows if low < max(1, input_tokens) <= high), default=0)

    def _dearest(self, meters: Sequence[str]) -> int:
        return max((price for meter in meters for _, _, price in self.meters.get(meter, ())), default=0)


def rates_of(catalogue: Catalogue, price: tuple[str, str] | None, at_us: int, tier: str = "standard") -> Rates | None:
    """Rates of a price model at a moment in a service tier; None when that has no price for input and output."""
    if price is None:
        return None
    meters: dict[str, list[tuple[int, int, int]]] = {}
    for row in catalogue.rows_for(*price):
        if row.service_tier == tier and _holds(row, at_us):
            meters.setdefault(row.sku_meter, []).append((row.input_threshold, row.input_ceiling, row.unit_price_pico))
    return Rates(meters) if "input" in meters and "output" in meters else None


def _holds(row: PriceRow, at_us: int) -> bool:
    week = at_us % WEEK_US
    return row.valid_from_us <= at_us < row.valid_to_us and row.week_from_us <= week < row.week_to_us


def configured(endpoint: EndpointConfig) -> Rates | None:
    """Rates of an endpoint's own prices (USD per million tokens); None when it states none."""
    if endpoint.input_per_million is None and endpoint.output_per_million is None:
        return None
    prices = {"input": endpoint.input_per_million or 0.0, "output": endpoint.output_per_million or 0.0}
    return Rates({meter: ((0, 2**62, round(usd * PICO_PER_TOKEN)),) for meter, usd in prices.items()})
