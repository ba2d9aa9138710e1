"""The token counts of one model call, and how a number of a log becomes one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Convention = Literal["inclusive", "exclusive", "disjoint", "unknown"]

MAX_TOKENS = 100_000_000
"""A count above this is a broken record: no context window is within an order of magnitude of it."""

# one point or comma before three digits is a thousand to some and a fraction to others; two of a kind are thousands
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_GROUPED = re.compile(r"[1-9]\d{0,2}([.,])\d{3}(\1\d{3})+")

_EMPTY: Mapping[str, Any] = {}


@dataclass(slots=True)
class Usage:
    """Token counts of one call as inclusive OpenTelemetry totals; None = the record cannot tell.

    `input_tokens` contains cache reads, cache writes, audio and images; `output_tokens` contains reasoning, audio and
    images; `cache_read_audio_tokens` is part of both `cache_read_input_tokens` and `input_audio_tokens`, images alike.
    `tool_calls` holds quantities billed beside tokens (`{"web_search": 2}`). `convention` says how the record counted
    its input before it was made inclusive; `flags` says what was doubtful.
    """

    input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_5m_input_tokens: int | None = None
    cache_write_1h_input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_output_tokens: int | None = None
    input_audio_tokens: int = 0
    cache_read_audio_tokens: int = 0
    output_audio_tokens: int = 0
    input_image_tokens: int = 0
    output_image_tokens: int = 0
    cache_read_image_tokens: int = 0
    input_video_tokens: int = 0
    tool_calls: dict[str, int] = field(default_factory=dict)
    service_tier: str | None = None
    convention: Convention = "inclusive"
    flags: tuple[str, ...] = ()


def count(value: object, name: str, flags: list[str]) -> int | None:
    """A token count, or None when there is none; an impossible one is None and leaves `implausible_<name>` in `flags`.

    `"340"`, `12.0` and `"1,234,567"` are counts; -5, 1e12, 12.5, True, NaN, `"1.000"` and `"1,000"` are not.
    """
    if type(value) is int and 0 <= value <= MAX_TOKENS:
        return value
    if value is None:
        return None
    return _repair(value, name, flags)


def _repair(value: object, name: str, flags: list[str]) -> int | None:
    number = value
    if isinstance(number, str):
        text = number.strip()
        if not text:
            return None
        number = _number(text)
    if isinstance(number, float) and math.isfinite(number) and number == int(number):
        number = int(number)
    if type(number) is int and 0 <= number <= MAX_TOKENS:
        return number
    flags.append(f"implausible_{name}")
    return None


def _number(text: str) -> float:
    """A number as it is written; NaN where it is none, or could be two."""
    if len(text) > 32 or _AMBIGUOUS.fullmatch(text):
        return math.nan
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "").replace(".", "")
    try:
        return float(text)
    except ValueError:
        return math.nan


def part(value: object) -> Mapping[str, Any]:
    """`value` if it is a mapping, else an empty one: details of a usage object are often null or missing."""
    if type(value) is dict:
        return value
    return value if isinstance(value, Mapping) else _EMPTY


_TIERS: dict[str, str | None] = {
    "default": "standard",
    "standard": "standard",
    "on_demand": "standard",
    "standard_only": "standard",
    # `auto` is what was asked for; only the answer knows what was served
    "auto": None,
    "": None,
    "none": None,
    "traffic_type_unspecified": None,
    "unspecified": None,
    # OpenAI serves `fast` as `priority` and prices both alike
    "fast": "priority",
    "on_demand_priority": "priority",
    "on_demand_flex": "flex",
}


def service_tier(value: object) -> str | None:
    """The price tier a response's tier word stands for (`default` → `standard`); None when it says nothing."""
    if not isinstance(value, str):
        return None
    word = value.strip().lower()[:32].removeprefix("service_tier_")
    return _TIERS.get(word, word)


def server_tools(tools: object, result: Usage, flags: list[str]) -> None:
    """Take the server-side tool calls that are billed per call out of a `server_tool_use` object."""
    # web fetches are free of charge beyond their tokens
    searches = count(part(tools).get("web_search_requests"), "web_search_requests", flags)
    if searches:
        result.tool_calls["web_search"] = searches


def split_writes(write: object, split: Mapping[str, Any], result: Usage, flags: list[str]) -> None:
    """Set cache writes by life from a sum and its split; what the split leaves out counts as the default life."""
    created = count(write, "cache_write_input_tokens", flags)
    if not split:
        result.cache_write_5m_input_tokens = created
        return
    short = count(split.get("ephemeral_5m_input_tokens"), "cache_write_5m_input_tokens", flags) or 0
    long = count(split.get("ephemeral_1h_input_tokens"), "cache_write_1h_input_tokens", flags) or 0
    if created is not None and created != short + long:
        if created > short + long:
            # server tools and streams report a split that is smaller than the sum: the rest was written at least
            # for the default life, so it is billed at that rate
            short = created - long
            flags.append("cache_write_split_incomplete")
        else:
            flags.append("cache_write_split_exceeds_total")
    result.cache_write_5m_input_tokens = short
    result.cache_write_1h_input_tokens = long


def first_of(mapping: Mapping[str, Any], names: tuple[str, ...]) -> object:
    """The first value under one of `names` that is not None."""
    for name in names:
        value = mapping.get(name)
        if value is not None:
            return value
    return None
