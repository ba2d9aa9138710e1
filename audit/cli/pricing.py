"""The price catalogue a configuration asks for, and what `audit prices` shows of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from audit.errors import ConfigError, PriceError

if TYPE_CHECKING:
    from audit.config import Config
    from audit.prices.catalogue import Catalogue
    from audit.prices.rows import PriceRow

_OPEN_US = 2**62


def catalogue(config: Config) -> Catalogue:
    """Prices with the configuration's contracts and aliases."""
    from audit.prices.catalogue import load
    from audit.prices.rows import Contract

    contracts = [
        Contract(
            provider_name=each.provider,
            model=each.model,
            valid_from_us=_day_us(each.valid_from, 0),
            valid_to_us=_day_us(each.valid_to, _OPEN_US),
            discount_percent=each.discount_percent,
            usd_per_million=each.prices_per_million,
        )
        for each in config.contract
    ]
    return load(contracts=contracts, aliases=dict(config.aliases))


def _day_us(text: str, otherwise: int) -> int:
    if not text:
        return otherwise
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000
    except ValueError as error:
        raise ConfigError(f"[[contract]]: {text!r} is not a date", "write YYYY-MM-DD") from error


def price_rows(model: str | None, db: str | None, config: Config) -> list[dict[str, Any]]:
    """Rows for `audit prices`: of one model by any spelling, else of every model the audit file met.

    Raises PriceError for a model no price is known of.
    """
    prices = catalogue(config)
    if model is not None:
        match = prices.resolve(None, model)
        if match is None:
            raise PriceError(
                f"no price is known for {model!r}",
                "map it with [aliases] in audit.toml, or state its price with [[contract]]",
            )
        return [_row(row) for row in prices.rows_for(match.provider_name, match.model)]
    from audit.cli.options import open_store
    from audit.ledger import price_models

    with open_store(db) as store:
        keys = price_models(store)
    return [_row(row) for key in keys for row in prices.rows_for(*key) if row.service_tier == "standard"]


def _row(row: PriceRow) -> dict[str, Any]:
    return {
        "provider_name": row.provider_name,
        "model": row.model,
        "sku_meter": row.sku_meter,
        "service_tier": row.service_tier,
        "valid_from": _date(row.valid_from_us, 0),
        "valid_to": _date(row.valid_to_us, _OPEN_US),
        "input_threshold": max(0, row.input_threshold),
        "usd_per_million": row.unit_price_pico / 1e6,
        "list_usd_per_million": (row.list_unit_price_pico or row.unit_price_pico) / 1e6,
        "inferred": row.inferred,
        "source": row.source,
        "checked_on": row.checked_on,
    }


def _date(us: int, otherwise: int) -> str | None:
    return None if us == otherwise else datetime.fromtimestamp(us / 1e6, UTC).date().isoformat()
