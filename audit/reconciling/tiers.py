"""Tokens billed in another tier than the log says: batch at the standard price, or the reverse."""

from __future__ import annotations

from collections.abc import Iterable

from audit.reconciling.cells import Cell, Tier
from audit.reconciling.unit_prices import TIERS, UnitPrices

_CLOSE = 0.003
_ROUGHLY = 0.005
_LEAST_SHARE = 0.02
_LEAST_PART = 0.1


def tolerance(cell: Cell, share: float = _CLOSE) -> float:
    """How far dollars of a cell may lie apart and still be taken for equal."""
    return cell.tolerance_pico + share * cell.expected_pico


def stated_tiers(cells: Iterable[Cell], prices: UnitPrices) -> None:
    """Where the invoice states tiers: what its mix of tiers makes of the log's tokens."""
    for cell in cells:
        shares = _shares(cell, prices) if cell.both and cell.rest else {}
        if not shares:
            continue
        expected = 0.0
        for (meter, logged), part in cell.parts.items():
            ratios = {tier: prices.ratio(cell.price_key, meter, (logged, tier), cell.bin.start_us) for tier in shares}
            if any(ratio is None for ratio in ratios.values()):
                break
            expected += part.cost_pico * sum(share * (ratios[tier] or 0.0) for tier, share in shares.items())
        else:
            change = round(expected) - sum(part.cost_pico for part in cell.parts.values())
            if abs(change) > 1:
                cell.take("tier", change)


def _shares(cell: Cell, prices: UnitPrices) -> dict[str, float]:
    """Each tier's share of the invoice's tokens; empty when the invoice states none, or the same as the log."""
    if not any(cell.tiers):
        return {}
    stated: dict[str, float] = {}
    for name, tier in cell.tiers.items():
        tokens = _tokens(cell, name or "standard", tier, prices)
        if tokens is None:
            return {}
        stated[name or "standard"] = stated.get(name or "standard", 0.0) + tokens
    total = sum(stated.values())
    logged = {tier for _, tier in cell.parts}
    if total <= 0 or (len(stated) == 1 and stated.keys() == logged):
        return {}
    return {tier: tokens / total for tier, tokens in stated.items() if tokens}


def _tokens(cell: Cell, name: str, tier: Tier, prices: UnitPrices) -> float | None:
    if cell.counted_lines and any(each.counted_quantity for each in cell.tiers.values()):
        return float(tier.counted_quantity)
    if cell.paid_lines and not cell.uncounted_lines:
        return float(tier.paid_quantity)
    meter = next(iter(cell.parts))[0]
    unit = prices.unit(cell.price_key, meter, name, cell.bin.start_us)
    # shares only: a discount on all tiers drops out
    return tier.amount_pico / unit if unit else None


def logged_tiers(cells: Iterable[Cell], prices: UnitPrices, ratio: float = 1.0) -> None:
    """Where it states none: whether all of a model's tokens of a day were billed at one other tier's price.

    `ratio` is the discount on everything this biller asks for; what it explains is left to the contracts.
    """
    for group in _by_model(cells).values():
        wrong = [cell for cell in group if abs(cell.rest) > tolerance(cell)]
        if not wrong or any("tier" in cell.causes for cell in group):
            continue
        for tier in TIERS:
            expected = [(cell, _at_tier(cell, tier, prices)) for cell in group]
            if all(dollars is not None and _fits(cell, ratio * dollars) for cell, dollars in expected) and any(
                abs((dollars or 0.0) - cell.expected_pico) > tolerance(cell) for cell, dollars in expected
            ):
                for cell, dollars in expected:
                    cell.take("tier", round(dollars or 0.0) - cell.expected_pico)
                break


def _fits(cell: Cell, dollars: float) -> bool:
    return abs(cell.priced_pico - dollars) <= cell.tolerance_pico + _CLOSE * dollars


def base_ratio(cells: Iterable[Cell]) -> float:
    """The discount a biller gives on everything, as far as one can tell before looking at tiers: the ratio nearest to
    1 that a model with a part in the bill has."""
    models: dict[str, tuple[int, int]] = {}
    for cell in cells:
        if cell.both and cell.model:
            priced, expected = models.get(cell.model, (0, 0))
            models[cell.model] = priced + cell.priced_pico, expected + cell.expected_pico
    total = sum(expected for _, expected in models.values())
    ratios = [priced / expected for priced, expected in models.values() if expected >= _LEAST_PART * total]
    return min(ratios, key=lambda ratio: abs(ratio - 1), default=1.0)


def _at_tier(cell: Cell, tier: str, prices: UnitPrices) -> float | None:
    """The log's tokens of a cell at one tier's price."""
    total = 0.0
    for (meter, logged), part in cell.parts.items():
        ratio = prices.ratio(cell.price_key, meter, (logged, tier), cell.bin.start_us)
        if ratio is None:
            return None
        total += part.cost_pico * ratio
    return total


def part_of_tier(cells: Iterable[Cell], prices: UnitPrices) -> None:
    """Whether one share of a model's tokens of a day, the same for all kinds, was billed at another tier's price."""
    for group in _by_model(cells).values():
        known = [cell for cell in group if cell.billed_quantity is not None]
        open_ones = [cell for cell in group if abs(cell.rest) > tolerance(cell)]
        if len(known) != len(group) or not open_ones or any("tier" in cell.causes for cell in group):
            continue
        for tier in TIERS[1:]:
            if _is_part(group, tier, prices):
                for cell in group:
                    cell.take("tier", cell.rest)
                break


def _is_part(group: list[Cell], tier: str, prices: UnitPrices) -> bool:
    moved = {id(cell): _at_tier(cell, tier, prices) for cell in group}
    if any(dollars is None for dollars in moved.values()):
        return False
    steps = {id(cell): (moved[id(cell)] or 0.0) - cell.expected_pico for cell in group}
    total = sum(steps.values())
    telling = [cell for cell in group if abs(steps[id(cell)]) > tolerance(cell)]
    if len(telling) < 2 or total == 0:
        return False
    share = sum(cell.rest for cell in group) / total
    return _LEAST_SHARE <= share <= 1 and all(
        abs(cell.rest - share * steps[id(cell)]) <= tolerance(cell, _ROUGHLY) for cell in group
    )


def _by_model(cells: Iterable[Cell]) -> dict[tuple[int, str], list[Cell]]:
    found: dict[tuple[int, str], list[Cell]] = {}
    for cell in cells:
        if cell.both and cell.model:
            found.setdefault((cell.bin.number, cell.model), []).append(cell)
    return found
