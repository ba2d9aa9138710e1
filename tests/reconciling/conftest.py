"""A small log with real models and prices, and what providers would bill for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit import store as stores
from audit.prices.catalogue import Catalogue, load
from audit.prices.rows import Contract
from audit.store import Store

DAY = 86_400_000_000
FIRST = 20_500
"""2026-02-16"""


def date(day: int) -> str:
    """ISO date of a day of the log, the first one being 0."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=FIRST + day)).date().isoformat()


@dataclass(frozen=True)
class Usage:
    """One request's tokens of one kind, with its cost."""

    day: int
    provider: str
    model: str
    meter: str
    tier: str
    quantity: int
    cost_pico: int


@dataclass
class Log:
    """An audit file with requests priced like ingest prices them; `usage` is what went in, for writing invoices."""

    catalogue: Catalogue
    store: Store = field(default_factory=lambda: stores.open(":memory:", create=True))
    usage: list[Usage] = field(default_factory=list)
    requests: int = 0
    charges: int = 0

    def price(self, provider: str, model: str, meter: str, tier: str, at_us: int) -> int:
        match = self.catalogue.resolve(provider, model)
        assert match is not None, (provider, model)
        for row in self.catalogue.rows_for(match.provider_name, match.model):
            if (row.sku_meter, row.service_tier) == (meter, tier) and row.valid_from_us <= at_us < row.valid_to_us:
                return row.unit_price_pico
        raise AssertionError(f"no price of {provider} {model} {meter} {tier}")

    def call(
        self, day: int, model: str, *, provider: str = "openai", tier: str = "standard", hour: float = 12.0,
        estimated: bool = False, priced: bool = True, named: bool = True, **tokens: int,
    ) -> None:  # fmt: skip
        """Add one request; `tokens` are quantities by meter. `named` = the log says who billed it."""
        at_us = (FIRST + day) * DAY + round(hour * DAY / 24)
        self.requests += 1
        match = self.catalogue.resolve(provider, model) if priced else None
        self.store.write_rows(
            "request",
            [
                {
                    "request_id": self.requests, "status": "billable", "started_at_us": at_us, "day": at_us // DAY,
                    "provider_name": provider if named else None, "request_model": model,
                    "price_provider": match.provider_name if match else None,
                    "price_model": match.model if match else None, "service_tier": tier,
                    "usage_source": "estimated" if estimated else "logged",
                }
            ],
        )  # fmt: skip
        for meter, quantity in tokens.items():
            self.charges += 1
            unit = self.price(provider, model, meter, tier, at_us) if priced else None
            cost = None if unit is None else unit * quantity
            self.store.write_rows(
                "charge",
                [
                    {
                        "charge_id": self.charges, "request_id": self.requests, "sku_meter": meter,
                        "provider_name": match.provider_name if match else None,
                        "model": match.model if match else None, "service_tier": tier,
                        "consumed_quantity": quantity, "estimated": estimated, "unit_price_pico": unit,
                        "cost_pico": cost, "tier_fallback": False,
                    }
                ],
            )  # fmt: skip
            self.usage.append(Usage(day, provider, model, meter, tier, quantity, cost or 0))

    def sums(self, provider: str, **only: Any) -> dict[tuple[int, str, str, str], tuple[int, int]]:
        """(day, model, meter, tier) → (tokens, pico-USD) of one provider."""
        found: dict[tuple[int, str, str, str], tuple[int, int]] = {}
        for each in self.usage:
            if each.provider == provider and all(getattr(each, name) == value for name, value in only.items()):
                key = each.day, each.model, each.meter, each.tier
                quantity, cost = found.get(key, (0, 0))
                found[key] = quantity + each.quantity, cost + each.cost_pico
        return found

    def fill(self, days: int = 6, models: tuple[str, ...] = ("gpt-4.1-2025-04-14", "gpt-5-mini-2025-08-07")) -> Log:
        """Some traffic on every day, of two models, never the same twice."""
        for day in range(days):
            for place, model in enumerate(models):
                for hour in (0.5, 9.0, 23.5):
                    self.call(
                        day, model, hour=hour, input=90_000 + 1_000 * day + round(hour * 10), cache_read=20_000 * place,
                        output=7_000 + 13 * day + 900 * place,
                    )  # fmt: skip
        return self


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load()


@pytest.fixture(scope="session")
def discounted() -> Catalogue:
    """Ten percent off everything of OpenAI's."""
    return load(contracts=[Contract("openai", discount_percent=10.0)])


@pytest.fixture
def log(catalogue: Catalogue) -> Iterator[Log]:
    made = Log(catalogue)
    yield made
    made.store.close()
