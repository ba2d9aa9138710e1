"""The usage object of Anthropic's Messages API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.wire.counts import Usage, count, part, server_tools, service_tier, split_writes

_COUNTS = (
    "input_tokens",
    "cache_read_input_tokens",
    "cache_write_5m_input_tokens",
    "cache_write_1h_input_tokens",
    "output_tokens",
)


def from_anthropic(usage: Mapping[str, Any]) -> Usage:
    """Messages API: input excludes cache reads and writes; a compaction's tokens come on top of the totals."""
    get = usage.get
    flags: list[str] = []
    result = Usage(
        output_tokens=count(get("output_tokens"), "output_tokens", flags),
        cache_read_input_tokens=count(get("cache_read_input_tokens"), "cache_read_input_tokens", flags),
        convention="exclusive",
    )
    split = part(get("cache_creation"))
    created = get("cache_creation_input_tokens")
    if created is not None or split:
        split_writes(created, split, result, flags)
    fresh = count(get("input_tokens"), "input_tokens", flags)
    if fresh is not None:
        result.input_tokens = (
            fresh
            + (result.cache_read_input_tokens or 0)
            + (result.cache_write_5m_input_tokens or 0)
            + (result.cache_write_1h_input_tokens or 0)
        )
    details = get("output_tokens_details")
    if details is not None:
        result.reasoning_output_tokens = count(part(details).get("thinking_tokens"), "reasoning_output_tokens", flags)
    tools = get("server_tool_use")
    if tools is not None:
        server_tools(tools, result, flags)
    result.service_tier = _anthropic_tier(get("service_tier"), get("speed"), get("inference_geo"))
    iterations = get("iterations")
    if iterations:
        _add_iterations(iterations, result, flags)
    result.flags = tuple(flags)
    return result


def _anthropic_tier(tier: object, speed: object, geo: object) -> str | None:
    served = "fast" if speed == "fast" else service_tier(tier)
    if isinstance(geo, str) and geo.strip().lower() not in ("", "global", "not_available"):
        return f"{served or 'standard'}+{geo.strip().lower()[:16]}"
    return served


def _add_iterations(iterations: object, result: Usage, flags: list[str]) -> None:
    """Every iteration is billed; the totals leave compactions out, and in some records all but the last answer."""
    if not isinstance(iterations, list):
        return
    billed = Usage()
    for iteration in iterations:
        entry = part(iteration)
        if entry.get("type") == "advisor_message":
            # billed at the advisor model's own rates, which a record of one model cannot hold
            flags.append("advisor_tokens_not_counted")
        else:
            _add(billed, from_anthropic({**entry, "iterations": None}))
            if entry.get("type") == "compaction":
                _add(result, from_anthropic({**entry, "iterations": None}))
    if (billed.input_tokens or 0) + (billed.output_tokens or 0) > (result.input_tokens or 0) + (
        result.output_tokens or 0
    ):
        for name in _COUNTS:
            setattr(result, name, getattr(billed, name) or (0 if getattr(result, name) is not None else None))


def _add(result: Usage, other: Usage) -> None:
    for name in _COUNTS:
        more = getattr(other, name)
        if more:
            setattr(result, name, (getattr(result, name) or 0) + more)
