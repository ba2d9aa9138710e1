"""Prices over time: windows that never overlap, each with the rates that hold in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from audit.prices.rows import EVER_US, OPEN_US, WEEK_US

Steps = tuple[tuple[int, int], ...]
"""((input threshold, pico-USD per unit), …), ascending, the first for every size (-1)."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, and of the hours of the week inside it."""

    from_us: int = EVER_US
    to_us: int = OPEN_US
    week_from_us: int = 0
    week_to_us: int = WEEK_US


@dataclass(frozen=True, slots=True)
class Rate:
    """What one meter costs, by request size, and who says so."""

    steps: Steps
    source: str
    checked_on: str = ""
    list_steps: Steps = ()
    inferred: bool = False

    @property
    def base(self) -> int:
        """The price of the smallest request."""
        return self.steps[0][1]

    def scaled(self, numerator: int, denominator: int, source: str, inferred: bool = False) -> Rate:
        """Every step times a fraction, rounded half up to whole pico-USD."""
        steps = tuple((threshold, _round(price * numerator, denominator)) for threshold, price in self.steps)
        return replace(self, steps=steps, source=source, inferred=inferred)


def _round(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


Rates = Mapping[str, Rate]
"""Rates by meter."""

Timeline = list[tuple[Window, Rates]]
"""Windows in order with the rates of each."""


def split(timeline: Timeline, cuts: Iterable[int]) -> Timeline:
    """The same prices with a window border at every cut."""
    borders = sorted(set(cuts))
    result: Timeline = []
    for window, rates in timeline:
        inner = [cut for cut in borders if window.from_us < cut < window.to_us]
        edges = [window.from_us, *inner, window.to_us]
        result.extend((replace(window, from_us=start, to_us=end), rates) for start, end in pairwise(edges))
    return result


def overwrite(timeline: Timeline, window: Window, rates: Rates) -> Timeline:
    """The timeline with other rates inside a window of whole weeks; meters that are not tokens stay as they were."""
    cut = split(timeline, (window.from_us, window.to_us))
    outside = [entry for entry in cut if entry[0].to_us <= window.from_us or entry[0].from_us >= window.to_us]
    inside = [entry for entry in cut if entry[0].from_us >= window.from_us and entry[0].to_us <= window.to_us]
    kept = {meter: rate for meter, rate in (inside[0][1] if inside else {}).items() if not is_token_meter(meter)}
    return sorted([*outside, (window, {**kept, **rates})], key=_order)


def merged(entries: Sequence[tuple[Window, Rate]]) -> list[tuple[Window, Rate]]:
    """Neighbouring windows with one and the same rate joined into one."""
    result: list[tuple[Window, Rate]] = []
    for window, rate in sorted(entries, key=_order):
        if result and _continues(result[-1], (window, rate)):
            result[-1] = (replace(result[-1][0], to_us=window.to_us), rate)
        else:
            result.append((window, rate))
    return result


def _continues(last: tuple[Window, Rate], entry: tuple[Window, Rate]) -> bool:
    before, after = last[0], entry[0]
    return (
        before.to_us == after.from_us
        and (before.week_from_us, before.week_to_us) == (after.week_from_us, after.week_to_us)
        and last[1] == entry[1]
    )


def _order(entry: tuple[Window, object]) -> tuple[int, int, int]:
    window = entry[0]
    return window.week_from_us, window.from_us, window.week_to_us


_TOKEN_METERS = frozenset(
    (
        "input",
        "output",
        "cache_read",
        "cache_write_5m",
        "cache_write_1h",
        "input_audio",
        "output_audio",
        "cache_read_audio",
        "input_image",
        "output_image",
        "cache_read_image",
        "input_video",
        "output_video",
        "output_reasoning",
        "output_citation",
    )
)


def is_token_meter(meter: str) -> bool:
    """Whether a meter counts tokens: tier discounts and surcharges hold for tokens, not for calls or pages."""
    return meter in _TOKEN_METERS
