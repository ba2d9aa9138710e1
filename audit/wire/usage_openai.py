"""The usage object of OpenAI, and of everything that speaks its API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.wire.counts import MAX_TOKENS, Usage, count, first_of, part, server_tools, split_writes


def from_openai(usage: Mapping[str, Any]) -> Usage:
    """Chat completions, Responses, Realtime, images, and the dialects of OpenAI-compatible servers.

    Input includes cached tokens, unless the counts prove otherwise (cached > input, or a total that only fits when
    they are added). Reasoning is inside output, unless the total or its size shows that it is beside it (xAI).
    """
    get = usage.get
    flags: list[str] = []
    first = get("prompt_tokens")
    total_in = count(get("input_tokens") if first is None else first, "input_tokens", flags)
    first = get("completion_tokens")
    output = count(get("output_tokens") if first is None else first, "output_tokens", flags)
    inside = part(get("prompt_tokens_details") or get("input_tokens_details") or get("input_token_details"))
    outside = part(get("completion_tokens_details") or get("output_tokens_details") or get("output_token_details"))
    result = Usage(output_tokens=output)
    _openai_cache(usage, inside, result, flags)
    total = count(get("total_tokens"), "total_tokens", flags)
    reasoning = outside.get("reasoning_tokens")
    if reasoning is None:
        reasoning = get("reasoning_tokens") if "reasoning_tokens" in usage else get("reasoning_output_tokens")
    result.reasoning_output_tokens = count(reasoning, "reasoning_output_tokens", flags)
    result.input_tokens = total_in
    settle_convention(result, total, flags)
    if inside or outside:
        _openai_modalities(inside, outside, result, flags)
    _openai_tools(usage, result, flags)
    result.flags = tuple(flags)
    return result


def _openai_cache(usage: Mapping[str, Any], inside: Mapping[str, Any], result: Usage, flags: list[str]) -> None:
    read = inside.get("cached_tokens")
    if read is None:
        read = first_of(
            usage, ("prompt_cache_hit_tokens", "cached_tokens", "cached_input_tokens", "cache_read_input_tokens")
        )
    write = inside.get("cache_write_tokens")
    if write is None:
        write = first_of(inside, ("cache_creation_tokens",)) if inside else None
        if write is None:
            write = first_of(usage, ("cache_write_input_tokens", "cache_creation_input_tokens", "cache_write_tokens"))
    result.cache_read_input_tokens = count(read, "cache_read_input_tokens", flags)
    if write is not None:
        split = part(inside.get("cache_creation_token_details") or usage.get("cache_creation"))
        split_writes(write, split, result, flags)
        if part(inside.get("cache_write_tokens_details")).get("ttl_12h_tokens"):
            # no price is published for the longer life: it is billed at least like the default one
            flags.append("cache_write_12h_price_unknown")


def settle_convention(result: Usage, total: int | None, flags: list[str]) -> None:
    """Make `input_tokens` inclusive of cache reads and writes, and `output_tokens` of reasoning, by their sums."""
    given, output = result.input_tokens, result.output_tokens
    if given is None:
        return
    if output is None:
        if total is None or total < given:
            return
        # embeddings and moderation report input and total only
        output = result.output_tokens = total - given
        return
    cached = (
        (result.cache_read_input_tokens or 0)
        + (result.cache_write_5m_input_tokens or 0)
        + (result.cache_write_1h_input_tokens or 0)
    )
    plain = given + output
    if cached > given:
        flags.append("cached_exceeds_input")
    if cached > given or (cached and total == given + cached + output):
        result.convention = "exclusive"
        given = result.input_tokens = given + cached
    reasoning = result.reasoning_output_tokens or 0
    if reasoning and (reasoning > output or total == given + output + reasoning):
        # xAI and Perplexity count reasoning beside the completion
        flags.append("reasoning_added_to_output")
        output = result.output_tokens = output + reasoning
    if total is not None and total not in (given + output, plain):
        # parts are what providers bill; a larger total often hides reasoning tokens a gateway left out
        flags.append("total_mismatch" if total < given + output else "total_exceeds_parts")


def _openai_modalities(inside: Mapping[str, Any], outside: Mapping[str, Any], result: Usage, flags: list[str]) -> None:
    result.input_audio_tokens = count(inside.get("audio_tokens"), "input_audio_tokens", flags) or 0
    result.input_image_tokens = count(inside.get("image_tokens"), "input_image_tokens", flags) or 0
    result.output_audio_tokens = count(outside.get("audio_tokens"), "output_audio_tokens", flags) or 0
    result.output_image_tokens = count(outside.get("image_tokens"), "output_image_tokens", flags) or 0
    cached = inside.get("cached_tokens_details")
    if cached is not None:
        read = part(cached)
        result.cache_read_audio_tokens = count(read.get("audio_tokens"), "cache_read_audio_tokens", flags) or 0
        result.cache_read_image_tokens = count(read.get("image_tokens"), "cache_read_image_tokens", flags) or 0


def _openai_tools(usage: Mapping[str, Any], result: Usage, flags: list[str]) -> None:
    for name, key in (("num_search_queries", "web_search"), ("citation_tokens", "output_citation")):
        value = usage.get(name)
        if value and (number := count(value, name, flags)):
            result.tool_calls[key] = number
    tools = usage.get("server_tool_use")
    if tools is not None:
        server_tools(tools, result, flags)
    if usage.get("type") == "duration":
        seconds = usage.get("seconds")
        if isinstance(seconds, int | float) and 0 < seconds < MAX_TOKENS:
            result.tool_calls["audio_second"] = round(seconds)
