"""What a price row, a cache rule and a contract are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

EVER_US = 0
"""Valid from the beginning."""

OPEN_US = 2**62
"""Valid without an end."""

DAY_US = 86_400_000_000

WEEK_US = 7 * DAY_US
"""Weeks are counted from the epoch, so they start on Thursday, 00:00 UTC."""

ANY_SIZE = -1
"""The input threshold of a price that holds for every request."""

NO_CEILING = 2**62
"""The input ceiling of a price without a dearer step above it."""

PICO_PER_USD = 10**12

CacheMatch = Literal["longest_prefix", "exact_breakpoint", "breakpoints"]
BatchStack = Literal["multiply", "max", "none"]


@dataclass(frozen=True, slots=True)
class PriceRow:
    """The price of one meter of one model in one tier, for a span of time and of request size.

    Prices are integer pico-USD per token (or per call, page, second), so quantity × price is exact in 64 bits;
    `list_unit_price_pico` is the price before a contract. `valid_from_us` is inclusive, `valid_to_us` exclusive (UTC
    epoch microseconds); `week_from_us`/`week_to_us` bound the part of the week (time modulo WEEK_US) it holds for, for
    providers with peak hours. A row prices requests with more than `input_threshold` and at most `input_ceiling`
    input tokens in total: crossing a step re-prices the whole request. `inferred` marks a tier the provider does not
    list for this model; such a row prices what a log says was served and must not be offered as a choice.
    """

    provider_name: str
    model: str
    sku_meter: str
    service_tier: str
    valid_from_us: int
    valid_to_us: int
    input_threshold: int
    unit_price_pico: int
    source: str
    checked_on: str = ""
    input_ceiling: int = NO_CEILING
    week_from_us: int = 0
    week_to_us: int = WEEK_US
    list_unit_price_pico: int = 0
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class CacheRule:
    """How a provider's prompt cache behaves for the models a pattern covers, in a span of time.

    `min_tokens` is the shortest prefix that is cached, `step` the granularity above it (1 = exact). `ttl_s` is the
    life after the last use (`sliding`) or the write, `ttl_long_s` the longer life on offer (0 = none), both seconds.
    `max_breakpoints`/`lookback` bound marked prefixes and how many blocks before one are matched (0 = not applicable).
    `write_premium` says whether a write costs more than plain input. `reliability` is the share of theoretical hits to
    expect when the log can't calibrate it. `batch_stack` says how a batch discount and a cache read combine.
    """

    provider_name: str
    model_pattern: str
    valid_from_us: int
    valid_to_us: int
    min_tokens: int
    step: int
    match: CacheMatch
    ttl_s: int
    ttl_long_s: int
    sliding: bool
    max_breakpoints: int
    lookback: int
    write_premium: bool
    reliability: float
    batch_stack: BatchStack
    source: str


@dataclass(frozen=True, slots=True)
class Contract:
    """A negotiated price: a percentage off list, or prices in USD per million by meter, for models of a provider.

    `model` is a shell-style pattern over the price model (`claude-*`); times are UTC epoch microseconds. A percentage
    holds for every tier, prices hold for the standard tier and leave the other tiers at list. The closest name wins, of
    equals the later contract.
    """

    provider_name: str
    model: str = "*"
    valid_from_us: int = EVER_US
    valid_to_us: int = OPEN_US
    discount_percent: float | None = None
    usd_per_million: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """The price model a logged name stands for; `how` explains the steps from one to the other."""

    provider_name: str
    model: str
    how: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cheaper current model; `price_ratio` is its blended price over the present model's (0.2 = a fifth)."""

    provider_name: str
    model: str
    price_ratio: float
    same_family: bool
    context_window: int | None
