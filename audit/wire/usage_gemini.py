"""The usage object of Gemini, in the API's camelCase or the Python SDK's snake_case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.wire.counts import Usage, count, part, service_tier

_CAMEL = (
    "promptTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "toolUsePromptTokenCount",
    "cachedContentTokenCount",
    "totalTokenCount",
    "promptTokensDetails",
    "cacheTokensDetails",
    "candidatesTokensDetails",
    "trafficType",
    "serviceTier",
)
_SNAKE = (
    "prompt_token_count",
    "candidates_token_count",
    "thoughts_token_count",
    "tool_use_prompt_token_count",
    "cached_content_token_count",
    "total_token_count",
    "prompt_tokens_details",
    "cache_tokens_details",
    "candidates_tokens_details",
    "traffic_type",
    "service_tier",
)


def from_gemini(usage: Mapping[str, Any]) -> Usage:
    """`usageMetadata`: the prompt includes cached content; thoughts are beside the candidates and tool prompts beside
    the prompt, unless the total shows that the candidates already contain the thoughts.
    """
    names = _SNAKE if "prompt_token_count" in usage or "total_token_count" in usage else _CAMEL
    get = usage.get
    flags: list[str] = []
    prompt = count(get(names[0]), "input_tokens", flags)
    answer = count(get(names[1]), "output_tokens", flags)
    thoughts = count(get(names[2]), "reasoning_output_tokens", flags)
    tools = count(get(names[3]), "tool_use_prompt_tokens", flags) or 0
    total = count(get(names[5]), "total_tokens", flags)
    result = Usage(
        input_tokens=None if prompt is None else prompt + tools,
        cache_read_input_tokens=count(get(names[4]), "cache_read_input_tokens", flags),
        reasoning_output_tokens=thoughts,
        service_tier=service_tier(get(names[9])) or service_tier(get(names[10])),
    )
    result.output_tokens = _output(prompt, answer, thoughts, tools, total, flags)
    if (result.cache_read_input_tokens or 0) > (result.input_tokens or 0) and prompt is not None:
        flags.append("cached_exceeds_input")
        result.convention = "exclusive"
        result.input_tokens = prompt + tools + (result.cache_read_input_tokens or 0)
    _modalities(get(names[6]), get(names[7]), get(names[8]), result, flags)
    result.flags = tuple(flags)
    return result


def _output(
    prompt: int | None, answer: int | None, thoughts: int | None, tools: int, total: int | None, flags: list[str]
) -> int | None:
    if answer is None and thoughts is None:
        # an empty answer leaves the field out; without a total nothing is known
        return None if total is None or prompt is None else max(total - prompt - tools, 0)
    known = (prompt or 0) + (answer or 0) + tools
    output = (answer or 0) + (thoughts or 0)
    if thoughts and answer is not None and answer >= thoughts and total == known:
        # this server counts the thoughts among the candidates
        return answer
    if total is not None and prompt is not None and total != prompt + tools + output:
        flags.append("total_mismatch" if total < prompt + tools + output else "total_exceeds_parts")
    return output


def _modalities(prompt: object, cached: object, answer: object, result: Usage, flags: list[str]) -> None:
    if prompt is not None:
        result.input_audio_tokens = _of(prompt, "AUDIO", flags)
        result.input_image_tokens = _of(prompt, "IMAGE", flags)
        result.input_video_tokens = _of(prompt, "VIDEO", flags)
    if cached is not None:
        result.cache_read_audio_tokens = _of(cached, "AUDIO", flags)
        result.cache_read_image_tokens = _of(cached, "IMAGE", flags)
    if answer is not None:
        result.output_audio_tokens = _of(answer, "AUDIO", flags)
        result.output_image_tokens = _of(answer, "IMAGE", flags)


def _of(details: object, modality: str, flags: list[str]) -> int:
    if not isinstance(details, list):
        return 0
    tokens = 0
    for entry in details:
        row = part(entry)
        if row.get("modality") == modality:
            value = row.get("tokenCount")
            tokens += (
                count(row.get("token_count") if value is None else value, f"{modality.lower()}_tokens", flags) or 0
            )
    return tokens
