"""Price rows of a model, and the Arrow table the price join reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from audit.prices import contracts as agreed
from audit.prices.genai import ModelPrices
from audit.prices.overlay import Overlay
from audit.prices.rows import NO_CEILING, Contract, PriceRow
from audit.prices.tiers import all_tiers
from audit.prices.timeline import Rate, Timeline, Window, merged

_COLUMNS: dict[str, pa.DataType] = {
    "provider_name": pa.string(),
    "model": pa.string(),
    "sku_meter": pa.string(),
    "service_tier": pa.string(),
    "valid_from_us": pa.int64(),
    "valid_to_us": pa.int64(),
    "week_from_us": pa.int64(),
    "week_to_us": pa.int64(),
    "input_threshold": pa.int64(),
    "input_ceiling": pa.int64(),
    "unit_price_pico": pa.int64(),
    "list_unit_price_pico": pa.int64(),
    "inferred": pa.bool_(),
    "source": pa.string(),
    "checked_on": pa.string(),
}

SCHEMA = pa.schema(_COLUMNS)
"""Columns of the `price` table."""


def rows_of(model: ModelPrices, overlay: Overlay, contracts: Sequence[Contract]) -> list[PriceRow]:
    """Every tier's rows of one model, contracts applied, neighbours with one price joined."""
    rows: list[PriceRow] = []
    for tier, line in all_tiers(model, overlay.tiers, overlay.surcharges).items():
        line = agreed.apply(tier, line, model.provider_name, model.model, contracts)
        for meter, entries in _by_meter(line).items():
            for window, rate in merged(entries):
                rows.extend(_rows(model, meter, tier, window, rate))
    return rows


def _by_meter(line: Timeline) -> dict[str, list[tuple[Window, Rate]]]:
    meters: dict[str, list[tuple[Window, Rate]]] = {}
    for window, rates in line:
        for meter, rate in rates.items():
            meters.setdefault(meter, []).append((window, rate))
    return meters


def _rows(model: ModelPrices, meter: str, tier: str, window: Window, rate: Rate) -> Iterator[PriceRow]:
    listed = dict(rate.list_steps)
    ceilings = [threshold for threshold, _ in rate.steps[1:]] + [NO_CEILING]
    for (threshold, price), ceiling in zip(rate.steps, ceilings, strict=True):
        yield PriceRow(
            provider_name=model.provider_name,
            model=model.model,
            sku_meter=meter,
            service_tier=tier,
            valid_from_us=window.from_us,
            valid_to_us=window.to_us,
            input_threshold=threshold,
            unit_price_pico=price,
            source=rate.source,
            checked_on=rate.checked_on,
            input_ceiling=ceiling,
            week_from_us=window.week_from_us,
            week_to_us=window.week_to_us,
            list_unit_price_pico=listed.get(threshold, rate.list_steps[-1][1] if rate.list_steps else price),
            inferred=rate.inferred,
        )


def to_arrow(rows: Sequence[PriceRow]) -> pa.Table:
    """Rows as the `price` table."""
    return pa.table(
        {name: pa.array([getattr(row, name) for row in rows], SCHEMA.field(name).type) for name in SCHEMA.names},
        schema=SCHEMA,
    )
