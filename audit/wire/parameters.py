"""What a request body says beside its text: everything that can change the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.wire.text import maybe_json

_NAMES = {
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "max_tokens_to_sample": "max_tokens",
    "max_new_tokens": "max_tokens",
    "maxOutputTokens": "max_tokens",
    "maxTokens": "max_tokens",
    "maxTokenCount": "max_tokens",
    "max_gen_len": "max_tokens",
    "num_predict": "max_tokens",
    "topP": "top_p",
    "topK": "top_k",
    "stop_sequences": "stop",
    "stopSequences": "stop",
    "candidateCount": "n",
    "candidate_count": "n",
    "num_completions": "n",
    "responseMimeType": "response_mime_type",
    "responseSchema": "response_schema",
    "thinkingConfig": "thinking",
    "thinking_config": "thinking",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "toolChoice": "tool_choice",
}
"""Names of one meaning under one key, so that token limits and temperatures can be compared across providers."""

_NESTED = ("generationConfig", "generation_config", "inferenceConfig", "textGenerationConfig", "options", "config")
_LEFT_OUT = frozenset(
    {
        # the model and what it reads
        "model", "modelId", "messages", "input", "inputs", "contents", "prompt", "system", "instructions", "query",
        "systemInstruction", "system_instruction", "system_instructions", "tools", "functions", "toolConfig",
        "question", "inputText", "images",
        # who asked, and where to
        "user", "user_id", "metadata", "labels", "safety_identifier", "requestMetadata", "custom_id", "request_id",
        "trace_id", "session_id", "anthropic_version", "anthropic_beta", "api_key", "api_base", "base_url",
        "api_version", "headers", "extra_headers", "extra_query", "url", "method", "provider", "custom_llm_provider",
        "object", "id",
        # how the answer travels, is priced, kept or cached
        "stream", "stream_options", "service_tier", "serviceTier", "speed", "store", "background", "timeout", "cache",
        "cache_control", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "keep_alive", "usage",
        "max_retries", "num_retries", "caching", "response", "created", "performanceConfig", "transforms", "route",
    }
)  # fmt: skip
KNOWN = frozenset(
    {
        "temperature", "top_p", "top_k", "max_tokens", "stop", "seed", "n", "response_format", "tool_choice", "text",
        "reasoning_effort", "reasoning", "thinking", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs",
        "top_logprobs", "parallel_tool_calls", "verbosity", "modalities", "dimensions", "encoding_format", *_NAMES,
    }
)  # fmt: skip
"""Parameter names that can be told from the other columns of a flat record."""


def parameters(body: Mapping[str, Any], only: Iterable[str] | None = None) -> dict[str, Any]:
    """Decoding settings, output format, tool choice and the like of a request body of any flavour.

    Well-known names are made one (`max_output_tokens` → `max_tokens`, `reasoning: {effort}` → `reasoning_effort`);
    nested configuration of Gemini, Bedrock and Ollama is lifted. `only` limits the keys taken (flat records).
    """
    found: dict[str, Any] = {}
    wanted = None if only is None else frozenset(only)
    for key, value in body.items():
        if value is None or key in _LEFT_OUT or (wanted is not None and key not in wanted):
            continue
        if key in _NESTED:
            value = maybe_json(value)
            if isinstance(value, dict):
                found.update(_renamed(value))
                continue
        found[_NAMES.get(key, key)] = value
    config = body.get("toolConfig")
    if isinstance(config, dict):
        found.update((key, value) for key, value in config.items() if key != "tools" and value is not None)
    _lift_effort(found)
    return found


def _renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_NAMES.get(name, name): item for name, item in values.items() if item is not None and name not in _LEFT_OUT}


def _lift_effort(found: dict[str, Any]) -> None:
    for key in ("reasoning", "output_config"):
        holder = found.get(key)
        if isinstance(holder, dict) and holder.get("effort") is not None:
            found["reasoning_effort"] = holder["effort"]
            rest = {name: value for name, value in holder.items() if name != "effort" and value is not None}
            if rest:
                found[key] = rest
            else:
                del found[key]
