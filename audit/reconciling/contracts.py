"""Prices the invoice charges instead of list: a ratio that is the same on every day is a contract, not usage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from audit.reconciling.cells import Cell
from audit.reconciling.folding import WHOLE
from audit.reconciling.tiers import tolerance

_SAME = 0.003
"""Ratios closer than this are one ratio."""
_SPREAD = 0.005
"""How far a day's ratio may lie from the others' beyond the invoice's rounding."""
_INLIERS = 0.75
_DAYS = 3
"""On how many days a ratio must hold; fewer are enough only where tokens are counted and no day has another ratio."""
_LEAST = 0.002


@dataclass(frozen=True, slots=True)
class Agreed:
    """A price that was found: `ratio` of the invoice's price to the log's, `list_ratio` to list, its range over days.

    `unit_price_pico` is per token, None where the invoice counts none. `from_day` and `to_day` (exclusive) are None
    where the price holds over the whole period.
    """

    model: str
    kind: str
    price_provider: str
    price_model: str
    ratio: float
    list_ratio: float
    low: float
    high: float
    days: int
    unit_price_pico: int | None
    from_day: int | None
    to_day: int | None

    @property
    def key(self) -> tuple[str, str]:
        """(model, kind) it holds for."""
        return self.model, self.kind


def contract_prices(cells: Iterable[Cell]) -> list[Agreed]:
    """Find constant ratios by model and kind and attribute what they explain."""
    series: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        if cell.both:
            series.setdefault((cell.model, cell.kind), []).append(cell)
    found = [_constant(sorted(group, key=lambda cell: cell.bin.start_us)) for group in series.values()]
    return [each for each in found if each is not None]


def _constant(group: list[Cell]) -> Agreed | None:
    off = [cell for cell in group if abs(cell.rest) > tolerance(cell, _LEAST)]
    if not off:
        return None
    ratio = _median([(cell.priced_pico / cell.expected_pico, cell.expected_pico) for cell in off])
    # a day whose rounding hides the difference agrees with any ratio
    inliers = [cell for cell in group if abs(cell.priced_pico - ratio * cell.expected_pico) <= _slack(cell)]
    telling = [cell for cell in inliers if cell in off]
    if not telling or len(telling) < _INLIERS * len(off) or not _contiguous(group, telling, inliers):
        return None
    counted = all(cell.billed_quantity is not None for cell in telling)
    if len(telling) < _DAYS and not (counted and len(off) == len(group)):
        return None
    ratio = sum(cell.priced_pico for cell in telling) / sum(cell.expected_pico for cell in telling)
    if abs(ratio - 1) <= _LEAST:
        return None
    result = _agreed(group, telling, ratio, counted)
    first, last = telling[0].bin.start_us, telling[-1].bin.start_us
    for cell in group:
        if first <= cell.bin.start_us <= last:
            within = abs(cell.priced_pico - ratio * cell.expected_pico) <= _slack(cell)
            cell.take("contract_price", cell.rest if within else round((ratio - 1) * cell.expected_pico))
    return result


def _agreed(group: list[Cell], telling: list[Cell], ratio: float, counted: bool) -> Agreed:
    paid = sum(cell.priced_pico for cell in telling)
    ratios = [cell.priced_pico / cell.expected_pico for cell in telling]
    tokens = sum(cell.logged_quantity for cell in telling)
    begins, ends = telling[0].bin, telling[-1].bin
    key = group[0].price_key or (group[0].provider_name, group[0].model)
    as_priced = sum(cell.logged_pico + cell.estimated_pico for cell in telling)
    at_list = sum(cell.list_pico for cell in telling)
    return Agreed(
        model=group[0].model,
        kind=group[0].kind,
        price_provider=key[0],
        price_model=key[1],
        ratio=ratio,
        list_ratio=ratio * as_priced / at_list if at_list else ratio,
        low=min(ratios),
        high=max(ratios),
        days=sum(cell.bin.days for cell in telling),
        unit_price_pico=round(paid / tokens) if counted and tokens and group[0].kind != WHOLE else None,
        from_day=None if begins is group[0].bin else begins.first_day,
        to_day=None if ends is group[-1].bin else ends.last_day + 1,
    )


def _slack(cell: Cell) -> float:
    return cell.tolerance_pico + _SPREAD * cell.expected_pico


def _contiguous(group: list[Cell], telling: list[Cell], inliers: list[Cell]) -> bool:
    """Whether no day between the first and the last of them is billed at the log's own price."""
    inside = group[group.index(telling[0]) : group.index(telling[-1]) + 1]
    plain = [cell for cell in inside if cell not in inliers and abs(cell.rest) <= tolerance(cell, _LEAST)]
    return not plain


def _median(pairs: list[tuple[float, int]]) -> float:
    """Weighted median of (value, weight)."""
    half = sum(weight for _, weight in pairs) / 2
    passed = 0.0
    for value, weight in sorted(pairs):
        passed += weight
        if passed >= half:
            return value
    return sorted(pairs)[-1][0]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A `[[contract]]` that would make the log's prices the invoice's, and what it rests on.

    Either `discount_percent` off list, or prices in USD per million by meter. `ratio_low` and `ratio_high` are the
    smallest and largest ratio of invoice to log on a day, `days` how many days it was seen on.
    """

    provider_name: str
    model: str
    discount_percent: float | None
    usd_per_million: dict[str, float] = field(default_factory=dict)
    from_day: int | None = None
    to_day: int | None = None
    ratio_low: float = 1.0
    ratio_high: float = 1.0
    days: int = 0


def suggestions(agreed: Iterable[Agreed], compared: Iterable[Cell]) -> list[Suggestion]:
    """The fewest contracts that say what was found: one per provider if all its models share one discount."""
    models: dict[tuple[str, str], list[Agreed]] = {}
    for each in agreed:
        models.setdefault((each.price_provider, each.price_model), []).append(each)
    single = [found for group in models.values() if (found := _of_model(group)) is not None]
    result: list[Suggestion] = []
    for provider in dict.fromkeys(each.provider_name for each in single):
        own = [each for each in single if each.provider_name == provider]
        every = {
            cell.price_key[1] for cell in compared if cell.both and cell.price_key and cell.price_key[0] == provider
        }
        result.extend([_for_all(own)] if len(own) > 1 and len(own) == len(every) and _alike(own) else own)
    return result


def _of_model(group: list[Agreed]) -> Suggestion | None:
    ratios = [each.list_ratio for each in group]
    spans = {(each.from_day, each.to_day) for each in group}
    from_day, to_day = next(iter(spans)) if len(spans) == 1 else (None, None)
    same = max(ratios) - min(ratios) <= _SAME
    prices = {
        "cache_write_5m" if each.kind == "cache_write" else each.kind: each.unit_price_pico / 1e6
        for each in group
        if each.unit_price_pico is not None
    }
    if not same and not prices:
        return None
    return Suggestion(
        provider_name=group[0].price_provider,
        model=group[0].price_model,
        discount_percent=_percent(1 - sum(ratios) / len(ratios)) if same else None,
        usd_per_million={} if same else prices,
        from_day=from_day,
        to_day=to_day,
        ratio_low=min(each.low for each in group),
        ratio_high=max(each.high for each in group),
        days=max(each.days for each in group),
    )


def _alike(own: list[Suggestion]) -> bool:
    percents = [each.discount_percent for each in own]
    spans = {(each.from_day, each.to_day) for each in own}
    known = [each for each in percents if each is not None]
    return len(known) == len(own) and max(known) - min(known) <= 100 * _SAME and len(spans) == 1


def _for_all(own: list[Suggestion]) -> Suggestion:
    percents = [each.discount_percent or 0.0 for each in own]
    return Suggestion(
        own[0].provider_name,
        "*",
        _percent(sum(percents) / len(percents) / 100),
        {},
        own[0].from_day,
        own[0].to_day,
        min(each.ratio_low for each in own),
        max(each.ratio_high for each in own),
        max(each.days for each in own),
    )


def _percent(share: float) -> float:
    """A discount in percent, as round as the ratio allows."""
    exact = 100 * share
    return next(
        (round(exact, places) for places in (0, 1) if abs(round(exact, places) - exact) <= 0.02), round(exact, 2)
    )


def as_toml(suggestion: Suggestion, dates: tuple[str, str]) -> str:
    """The lines for audit.toml; `dates` are its first day and the day after its last, "" where it is open."""
    lines = [
        "[[contract]]",
        f"provider = {_quoted(suggestion.provider_name)}",
        f"model = {_quoted(suggestion.model)}",
    ]
    for name, date in zip(("valid_from", "valid_to"), dates, strict=True):
        if date:
            lines.append(f"{name} = {_quoted(date)}")
    if suggestion.discount_percent is not None:
        lines.append(f"discount_percent = {suggestion.discount_percent:g}")
    else:
        prices = ", ".join(f"{meter} = {price:.6g}" for meter, price in suggestion.usd_per_million.items())
        lines.append(f"prices_per_million = {{ {prices} }}")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """A TOML string; names of models come from logs."""
    plain = "".join(char for char in text if char.isprintable())
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
