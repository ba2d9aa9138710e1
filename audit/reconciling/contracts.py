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
_MATTERS = 0.001
"""The least part of a provider's bill that a suggested contract must move."""
_COVERED = 0.99
"""What part of a model's spend must be billed at one ratio for a discount on all of it."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """A price that was found: `ratio` of the invoice's price to the log's, `list_ratio` to list, its range over days.

    `weight_pico` is what the log prices its tokens at, `slack` how far the invoice's rounding may have moved the ratio;
    `unit_price_pico` is dollars of the invoice per token of the log, None where it bills no kind of token. `from_day`
    and `to_day` (exclusive) are None where the price holds over the whole period.
    """

    model: str
    kind: str
    price_provider: str
    price_model: str
    ratio: float
    list_ratio: float
    low: float
    high: float
    weight_pico: int
    slack: float
    days: int
    unit_price_pico: int | None
    from_day: int | None
    to_day: int | None


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
    # nobody's contract is free of charge: what costs nothing on the invoice stands somewhere else on it
    if abs(ratio - 1) <= _LEAST or ratio <= 0:
        return None
    result = _agreed(group, telling, ratio)
    first, last = telling[0].bin.start_us, telling[-1].bin.start_us
    for cell in group:
        if first <= cell.bin.start_us <= last:
            within = abs(cell.priced_pico - ratio * cell.expected_pico) <= _slack(cell)
            cell.take("contract_price", cell.rest if within else round((ratio - 1) * cell.expected_pico))
    return result


def _agreed(group: list[Cell], telling: list[Cell], ratio: float) -> Agreed:
    paid = sum(cell.priced_pico for cell in telling)
    expected = sum(cell.expected_pico for cell in telling)
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
        weight_pico=expected,
        slack=sum(cell.tolerance_pico for cell in telling) / expected,
        days=sum(cell.bin.days for cell in telling),
        unit_price_pico=round(paid / tokens) if tokens and group[0].kind != WHOLE else None,
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
    found, held = list(agreed), [cell for cell in compared if cell.both and cell.price_key]
    result: list[Suggestion] = []
    for provider in dict.fromkeys(each.price_provider for each in found):
        own = [each for each in found if each.price_provider == provider]
        spend = _spend([cell for cell in held if cell.price_key and cell.price_key[0] == provider])
        if sum(abs(each.ratio - 1) * each.weight_pico for each in own) < _MATTERS * sum(spend.values()):
            continue
        every = {model for model, _ in spend}
        ratio = _one_ratio(own)
        one_span = len({(each.from_day, each.to_day) for each in own}) == 1
        whole = all(_covers([each for each in own if each.price_model == model], model, spend) for model in every)
        if ratio is not None and one_span and whole and len(every) > 1:
            result.append(_suggested(own, "*", ratio, {}))
            continue
        for name in dict.fromkeys(each.price_model for each in own):
            group = [each for each in own if each.price_model == name]
            single = _of_model(group, _covers(group, name, spend))
            result.extend([single] if single else [])
    return result


def _spend(cells: Iterable[Cell]) -> dict[tuple[str, str], int]:
    """What the log prices each model and kind at."""
    found: dict[tuple[str, str], int] = {}
    for cell in cells:
        if cell.price_key:
            key = cell.price_key[1], cell.kind
            found[key] = found.get(key, 0) + cell.expected_pico
    return found


def _covers(group: list[Agreed], model: str, spend: dict[tuple[str, str], int]) -> bool:
    """Whether what was found is about nearly all of a model's spend, not about one kind of its tokens."""
    whole = sum(pico for (name, _), pico in spend.items() if name == model)
    kinds = {each.kind for each in group}
    return sum(pico for (name, kind), pico in spend.items() if name == model and kind in kinds) >= _COVERED * whole


def _of_model(group: list[Agreed], covers: bool) -> Suggestion | None:
    same = _one_ratio(group) if covers else None
    prices = {
        "cache_write_5m" if each.kind == "cache_write" else each.kind: each.unit_price_pico / 1e6
        for each in group
        if each.unit_price_pico is not None
    }
    if same is None and not prices:
        return None
    return _suggested(group, group[0].price_model, same, {} if same is not None else prices)


def _suggested(group: list[Agreed], model: str, ratio: float | None, prices: dict[str, float]) -> Suggestion:
    spans = {(each.from_day, each.to_day) for each in group}
    from_day, to_day = next(iter(spans)) if len(spans) == 1 else (None, None)
    # days of cents say little about a ratio
    widest = [each for each in group if 10 * each.weight_pico >= max(every.weight_pico for every in group)]
    return Suggestion(
        provider_name=group[0].price_provider,
        model=model,
        discount_percent=None if ratio is None else _percent(1 - ratio),
        usd_per_million=prices,
        from_day=from_day,
        to_day=to_day,
        ratio_low=min(each.low for each in widest),
        ratio_high=max(each.high for each in widest),
        days=max(each.days for each in group),
    )


def _one_ratio(group: list[Agreed]) -> float | None:
    """The ratio to list that all of them share, None when they don't within what rounding allows."""
    total = sum(each.weight_pico for each in group)
    mean = sum(each.list_ratio * each.weight_pico for each in group) / total
    fits = all(abs(each.list_ratio - mean) <= _SAME + 2 * each.slack for each in group)
    return mean if fits else None


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
