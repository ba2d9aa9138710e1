"""From a provider's usage object to billed quantities that never overlap."""

from __future__ import annotations

from audit.wire.counts import MAX_TOKENS, Usage, count, service_tier
from audit.wire.usage_anthropic import from_anthropic
from audit.wire.usage_bedrock import from_bedrock
from audit.wire.usage_gemini import from_gemini
from audit.wire.usage_mapping import from_langfuse, from_mapping
from audit.wire.usage_openai import from_openai

__all__ = [
    "INPUT_METERS",
    "MAX_TOKENS",
    "OUTPUT_METERS",
    "Usage",
    "charges",
    "count",
    "from_anthropic",
    "from_bedrock",
    "from_gemini",
    "from_langfuse",
    "from_mapping",
    "from_openai",
    "service_tier",
]

INPUT_METERS = (
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "input_audio",
    "cache_read_audio",
    "input_image",
    "cache_read_image",
    "input_video",
)
OUTPUT_METERS = ("output", "output_audio", "output_image", "output_reasoning")


def charges(usage: Usage, reasoning_apart: bool = False) -> list[tuple[str, int]]:
    """(sku_meter, quantity) parts that never overlap.

    Input meters sum to `input_tokens`, output meters to `output_tokens`; zero quantities are left out.
    `reasoning_apart` bills reasoning as its own meter (`output_reasoning`), for the few models that price it so.
    """
    rows: list[tuple[str, int]] = []
    if usage.input_tokens:
        _input_charges(usage, usage.input_tokens, rows)
    if usage.output_tokens:
        _output_charges(usage, usage.output_tokens, reasoning_apart, rows)
    if usage.tool_calls:
        rows.extend((meter, quantity) for meter, quantity in usage.tool_calls.items() if quantity)
    return rows


def _input_charges(usage: Usage, left: int, rows: list[tuple[str, int]]) -> None:
    # each part takes what is left at most, so a record with impossible details still adds up to its total
    if usage.cache_read_audio_tokens or usage.cache_read_image_tokens or usage.input_video_tokens:
        left = _rare_input_charges(usage, left, rows)
    read = (usage.cache_read_input_tokens or 0) - usage.cache_read_audio_tokens - usage.cache_read_image_tokens
    for meter, tokens in (
        ("cache_read", read),
        ("cache_write_5m", usage.cache_write_5m_input_tokens),
        ("cache_write_1h", usage.cache_write_1h_input_tokens),
        ("input_audio", usage.input_audio_tokens - usage.cache_read_audio_tokens),
        ("input_image", usage.input_image_tokens - usage.cache_read_image_tokens),
    ):
        if tokens and tokens > 0 and (tokens := min(tokens, left)):
            rows.append((meter, tokens))
            left -= tokens
    if left:
        rows.append(("input", left))


def _rare_input_charges(usage: Usage, left: int, rows: list[tuple[str, int]]) -> int:
    for meter, tokens in (
        ("cache_read_audio", usage.cache_read_audio_tokens),
        ("cache_read_image", usage.cache_read_image_tokens),
        ("input_video", usage.input_video_tokens),
    ):
        if tokens and (tokens := min(tokens, left)):
            rows.append((meter, tokens))
            left -= tokens
    return left


def _output_charges(usage: Usage, left: int, reasoning_apart: bool, rows: list[tuple[str, int]]) -> None:
    reasoning = usage.reasoning_output_tokens if reasoning_apart else 0
    for meter, tokens in (
        ("output_audio", usage.output_audio_tokens),
        ("output_image", usage.output_image_tokens),
        ("output_reasoning", reasoning),
    ):
        if tokens and (tokens := min(tokens, left)):
            rows.append((meter, tokens))
            left -= tokens
    if left:
        rows.append(("output", left))
