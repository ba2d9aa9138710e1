"""List prices of single tokens, for quantities the log holds no price of."""

from __future__ import annotations

from audit.prices.catalogue import Catalogue, PriceRow

Key = tuple[str, str]
TIERS = ("standard", "batch", "flex", "priority")


class UnitPrices:
    """Prices of the smallest request, by model, meter, tier and moment; contracts are in them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._rows: dict[Key, dict[tuple[str, str], list[PriceRow]]] = {}

    def unit(self, key: Key | None, meter: str, tier: str, at_us: int) -> int | None:
        """pico-USD per token or call; None when the list has no price."""
        if key is None:
            return None
        if key not in self._rows:
            found: dict[tuple[str, str], list[PriceRow]] = {}
            for row in self._catalogue.rows_for(*key):
                found.setdefault((row.sku_meter, row.service_tier), []).append(row)
            self._rows[key] = found
        name = "cache_write_5m" if meter == "cache_write" else meter
        rows = self._rows[key].get((name, tier), [])
        valid = [row for row in rows if row.valid_from_us <= at_us < row.valid_to_us]
        return min(valid, key=lambda row: row.input_threshold).unit_price_pico if valid else None

    def ratio(self, key: Key | None, meter: str, tiers: tuple[str, str], at_us: int) -> float | None:
        """The price of the second tier over that of the first; None when one of them has no price."""
        if tiers[0] == tiers[1]:
            return 1.0
        old, new = (self.unit(key, meter, tier, at_us) for tier in tiers)
        return None if old is None or new is None or old == 0 else new / old
