"""Usage objects of unknown origin: recognised by their keys, made inclusive by their sums."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.wire.counts import Usage, count, first_of, part, split_writes
from audit.wire.usage_anthropic import from_anthropic
from audit.wire.usage_bedrock import from_bedrock
from audit.wire.usage_gemini import from_gemini
from audit.wire.usage_openai import from_openai, settle_convention

_READ = (
    "cache_read_input_tokens",
    "cache_read.input_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "cached_input_tokens",
    "native_tokens_cached",
    "tokens_cached",
    "prompt_cache_read_tokens",
    "prompt_eval_cached_count",
    "promptCachedTokens",
)
_WRITE = (
    "cache_creation_input_tokens",
    "cache_creation.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "cache_write_input_tokens",
    "prompt_cache_write_tokens",
)
_INPUT = (
    "input_tokens",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "native_tokens_prompt",
    "tokens_prompt",
    "prompt_eval_count",
    "promptTokens",
    "inputTokens",
    "tokens_in",
    "input",
    "prompt",
)
_OUTPUT = (
    "output_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "native_tokens_completion",
    "tokens_completion",
    "eval_count",
    "completionTokens",
    "outputTokens",
    "tokens_out",
    "output",
    "completion",
)
_REASONING = (
    "reasoning_output_tokens",
    "reasoning.output_tokens",
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "native_tokens_reasoning",
    "tokens_reasoning",
    "reasoning_tokens",
)
_TOTAL = ("total_tokens", "totalTokens", "llm.usage.total_tokens", "gen_ai.usage.total_tokens", "total")


def from_mapping(usage: Mapping[str, Any]) -> Usage:
    """Recognise the flavour of a usage object by its keys; when the keys don't tell, its sums decide.

    Counts whose sums don't decide either are taken as inclusive (what OpenTelemetry asks for) and flagged.
    """
    if "promptTokenCount" in usage or "prompt_token_count" in usage:
        return from_gemini(usage)
    if "inputTokens" in usage and ("cacheReadInputTokens" in usage or "totalTokens" in usage):
        return from_bedrock(usage)
    if "inputTokenCount" in usage:
        return from_bedrock(usage)
    if "prompt_tokens" in usage or "input_tokens_details" in usage:
        return from_openai(usage)
    if _is_anthropic(usage):
        return from_anthropic(usage)
    if "billed_units" in usage:
        return _generic(part(usage["billed_units"]))
    return from_langfuse(usage) if _is_disjoint(usage) else _generic(usage)


def _is_anthropic(usage: Mapping[str, Any]) -> bool:
    return (
        "input_tokens" in usage
        and "total_tokens" not in usage
        and ("cache_creation" in usage or "cache_creation_input_tokens" in usage or "cache_read_input_tokens" in usage)
    )


def _is_disjoint(usage: Mapping[str, Any]) -> bool:
    return ("input" in usage or "output" in usage) and any(
        name.startswith(("input_", "output_", "cache_")) for name in usage
    )


def from_langfuse(usage: Mapping[str, Any]) -> Usage:
    """Langfuse `usageDetails`: disjoint parts under free names, so everything that starts with input or output adds up.

    A `total` that equals input + output alone shows that the parts overlap after all (details sent un-subtracted).
    """
    flags: list[str] = []
    result = Usage(convention="disjoint")
    sides = {"input": 0, "output": 0}
    seen: set[str] = set()
    for name, value in usage.items():
        side = _side(name)
        if side is None:
            continue
        number = count(value, name[:64], flags)
        if number is None:
            continue
        seen.add(side)
        sides[side] += number
        _langfuse_part(name.lower(), number, side, result)
    total = count(usage.get("total"), "total_tokens", flags)
    bare_in, bare_out = count(usage.get("input"), "input", []), count(usage.get("output"), "output", [])
    if total is not None and sides["input"] + sides["output"] > total == (bare_in or 0) + (bare_out or 0):
        flags.append("details_not_subtracted")
        result.convention = "inclusive"
        sides = {"input": bare_in or 0, "output": bare_out or 0}
    result.input_tokens = sides["input"] if "input" in seen else None
    result.output_tokens = sides["output"] if "output" in seen else None
    result.flags = tuple(flags)
    return result


def _side(name: str) -> str | None:
    lower = name.lower()
    if lower.startswith(("input", "prompt", "cache")):
        return "input"
    if lower.startswith(("output", "completion", "reasoning")):
        return "output"
    return None


def _langfuse_part(name: str, number: int, side: str, result: Usage) -> None:
    if side == "output":
        if "reasoning" in name or "thought" in name:
            result.reasoning_output_tokens = (result.reasoning_output_tokens or 0) + number
        elif "audio" in name:
            result.output_audio_tokens += number
        return
    if "creation" in name or "write" in name:
        if "1h" in name:
            result.cache_write_1h_input_tokens = (result.cache_write_1h_input_tokens or 0) + number
        else:
            result.cache_write_5m_input_tokens = (result.cache_write_5m_input_tokens or 0) + number
    elif "cache" in name:
        result.cache_read_input_tokens = (result.cache_read_input_tokens or 0) + number
    elif "audio" in name:
        result.input_audio_tokens += number


def _generic(usage: Mapping[str, Any]) -> Usage:
    flags: list[str] = []
    inside = part(usage.get("input_token_details") or usage.get("prompt_token_details"))
    outside = part(usage.get("output_token_details") or usage.get("completion_token_details"))
    read = inside.get("cache_read")
    write = inside.get("cache_creation")
    reasoning = outside.get("reasoning")
    result = Usage(
        input_tokens=count(first_of(usage, _INPUT), "input_tokens", flags),
        output_tokens=count(first_of(usage, _OUTPUT), "output_tokens", flags),
        cache_read_input_tokens=count(
            first_of(usage, _READ) if read is None else read, "cache_read_input_tokens", flags
        ),
        reasoning_output_tokens=count(
            first_of(usage, _REASONING) if reasoning is None else reasoning, "reasoning_output_tokens", flags
        ),
        input_audio_tokens=count(inside.get("audio"), "input_audio_tokens", flags) or 0,
        output_audio_tokens=count(outside.get("audio"), "output_audio_tokens", flags) or 0,
    )
    _generic_writes(first_of(usage, _WRITE) if write is None else write, inside, result, flags)
    total = count(first_of(usage, _TOTAL), "total_tokens", flags)
    settle_convention(result, total, flags)
    cached = result.cache_read_input_tokens or result.cache_write_5m_input_tokens or result.cache_write_1h_input_tokens
    if cached and total is None and not inside and result.convention == "inclusive":
        result.convention = "unknown"
        flags.append("convention_assumed_inclusive")
    result.flags = tuple(flags)
    return result


def _generic_writes(write: object, inside: Mapping[str, Any], result: Usage, flags: list[str]) -> None:
    split = inside if "ephemeral_5m_input_tokens" in inside or "ephemeral_1h_input_tokens" in inside else {}
    if write is not None or split:
        split_writes(write, split, result, flags)
