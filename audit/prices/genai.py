"""The public price data of the installed genai-prices package, as timelines of exact integer prices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from itertools import pairwise
from typing import Any

from audit.prices.rows import ANY_SIZE, DAY_US, EVER_US, OPEN_US, PICO_PER_USD, WEEK_US
from audit.prices.timeline import Rate, Rates, Steps, Timeline, Window

EVERY_DAY = frozenset(range(7))
"""Days of the week, Monday = 0."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WEEKDAY = 3  # the epoch was a Thursday

_PER_MILLION = 1_000_000
_PER_THOUSAND = 1_000
_PER_HOUR = 3_600

_METERS: dict[str, tuple[str, int]] = {
    "input_mtok": ("input", _PER_MILLION),
    "output_mtok": ("output", _PER_MILLION),
    "cache_read_mtok": ("cache_read", _PER_MILLION),
    "cache_write_mtok": ("cache_write_5m", _PER_MILLION),
    "cache_write_5m_mtok": ("cache_write_5m", _PER_MILLION),
    "cache_write_1h_mtok": ("cache_write_1h", _PER_MILLION),
    "input_audio_mtok": ("input_audio", _PER_MILLION),
    "output_audio_mtok": ("output_audio", _PER_MILLION),
    "cache_audio_read_mtok": ("cache_read_audio", _PER_MILLION),
    "input_image_mtok": ("input_image", _PER_MILLION),
    "output_image_mtok": ("output_image", _PER_MILLION),
    "cache_image_read_mtok": ("cache_read_image", _PER_MILLION),
    "input_video_mtok": ("input_video", _PER_MILLION),
    "output_video_mtok": ("output_video", _PER_MILLION),
    "output_reasoning_mtok": ("output_reasoning", _PER_MILLION),
    "output_citation_mtok": ("output_citation", _PER_MILLION),
    "web_searches_kcount": ("web_search", _PER_THOUSAND),
    "storage_searches_kcount": ("file_search", _PER_THOUSAND),
    "social_searches_kcount": ("social_search", _PER_THOUSAND),
    "code_executions_kcount": ("code_execution", _PER_THOUSAND),
    "rerank_searches_kcount": ("rerank_search", _PER_THOUSAND),
    "requests_kcount": ("request", _PER_THOUSAND),
    "input_text_messages_kcount": ("text_message", _PER_THOUSAND),
    "input_document_kpages": ("document_page", _PER_THOUSAND),
    "input_annotated_document_kpages": ("annotated_document_page", _PER_THOUSAND),
    "input_mchars": ("input_character", _PER_MILLION),
    "audio_hours": ("audio_second", _PER_HOUR),
    "input_audio_hours": ("audio_second", _PER_HOUR),
}
"""Price key of genai-prices → our meter and how many units its price is for."""

METERS = tuple(dict.fromkeys(meter for meter, _ in _METERS.values()))
"""Every meter a price can be for."""

# how genai-prices names the context of a request → our tier; its OpenAI `fast` repeats `priority`
_TIERS: dict[tuple[tuple[str, str], ...], str] = {
    (("processing", "batch"),): "batch",
    (("service_tier", "flex"),): "flex",
    (("service_tier", "priority"),): "priority",
    (("speed", "fast"),): "fast",
}


@dataclass(frozen=True, slots=True)
class Variant:
    """Prices of one tier from a day on; meters it does not name keep the standard price."""

    tier: str
    from_us: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """One model of one provider: its standard prices over time, its tiers, and what helps to compare it."""

    provider_name: str
    model: str
    standard: Timeline
    variants: Sequence[Variant] = ()
    context_window: int | None = None
    deprecated: bool = False
    listed: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


@cache
def source() -> str:
    """What rows from this package give as their source."""
    return f"genai-prices {version('genai-prices')}"


def data() -> bytes:
    """The bytes of the price data itself, or its version where the package ships no readable source."""
    try:
        return files("genai_prices").joinpath("data.py").read_bytes()
    except OSError:
        return source().encode()


def to_pico(price: Decimal, units: int) -> int:
    """USD for `units` units → pico-USD per unit, rounded to the nearest whole."""
    return int((price * PICO_PER_USD / units).to_integral_value(ROUND_HALF_EVEN))


def from_model(provider_name: str, model: Any, weekdays: frozenset[int] = EVERY_DAY) -> ModelPrices:
    """Flatten a genai-prices model into windows; `weekdays` limits its peak hours to some days of the week."""
    entries = model.prices if isinstance(model.prices, list) else [None]
    if entries == [None]:
        standard: Timeline = [(Window(), _rates(model.prices))]
    else:
        standard = list(_flatten(entries, weekdays))
    variants = [
        Variant(_TIERS[key], _start(variant.constraint), _rates(variant.prices))
        for variant in model.price_variants or ()
        if (key := tuple(sorted(variant.when.items()))) in _TIERS
    ]
    return ModelPrices(
        provider_name=provider_name,
        model=model.id,
        standard=standard,
        variants=variants,
        context_window=model.context_window,
        deprecated=bool(model.deprecated),
        listed=any(variant.tier == "batch" for variant in variants),
    )


def _flatten(entries: Sequence[Any], weekdays: frozenset[int]) -> Iterator[tuple[Window, Rates]]:
    known = [_rates(entry.prices) for entry in entries]
    dates = sorted({EVER_US, OPEN_US, *(_start(entry.constraint) for entry in entries)})
    hours = sorted({0, WEEK_US, *(edge for entry in entries for edge in _edges(entry.constraint, weekdays))})
    for from_us, to_us in pairwise(dates):
        opened: tuple[Window, int] | None = None
        for week_from_us, week_to_us in pairwise(hours):
            # later entries take precedence; without any that holds, the first is the price
            chosen = next(
                (
                    i
                    for i in reversed(range(len(entries)))
                    if _holds(entries[i].constraint, from_us, week_from_us, weekdays)
                ),
                0,
            )
            if opened and opened[1] == chosen:
                opened = (Window(from_us, to_us, opened[0].week_from_us, week_to_us), chosen)
                continue
            if opened:
                yield opened[0], known[opened[1]]
            opened = (Window(from_us, to_us, week_from_us, week_to_us), chosen)
        if opened:
            yield opened[0], known[opened[1]]


def _holds(constraint: Any, from_us: int, week_us: int, weekdays: frozenset[int]) -> bool:
    if constraint is None:
        return True
    if hasattr(constraint, "start_date"):
        return from_us >= _start(constraint)
    if (week_us // DAY_US + _EPOCH_WEEKDAY) % 7 not in weekdays:
        return False
    return bool(constraint.active(_EPOCH + timedelta(microseconds=week_us % DAY_US)))


def _start(constraint: Any) -> int:
    if constraint is None or not hasattr(constraint, "start_date"):
        return EVER_US
    day = constraint.start_date
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def _edges(constraint: Any, weekdays: frozenset[int]) -> Iterator[int]:
    if constraint is None or hasattr(constraint, "start_date"):
        return
    for day in range(7):
        yield day * DAY_US
        for edge in (constraint.start_time, constraint.end_time):
            yield day * DAY_US + _time_of_day(edge)


def _time_of_day(edge: time) -> int:
    moment = datetime.combine(_EPOCH.date(), edge if edge.tzinfo else edge.replace(tzinfo=UTC)).astimezone(UTC)
    return ((moment - _EPOCH) // timedelta(microseconds=1)) % DAY_US


def _rates(prices: Any) -> Rates:
    rates: dict[str, Rate] = {}
    name = source()
    for key, value in vars(prices).items():
        if value is None or key not in _METERS:
            continue
        meter, units = _METERS[key]
        rates[meter] = Rate(_steps(value, units), name)
    return rates


def _steps(value: Any, units: int) -> Steps:
    if isinstance(value, Decimal):
        return ((ANY_SIZE, to_pico(value, units)),)
    above = tuple((tier.start, to_pico(tier.price, units)) for tier in value.tiers)
    return ((ANY_SIZE, to_pico(value.base, units)), *above)
