"""Calls from spans and events in OpenTelemetry `gen_ai` words, new and old, OpenLLMetry's among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.call import Call
from audit.readers import _span_genai_text
from audit.readers._span_call import base_call, boolean, finish, lower, unique_id
from audit.wire.attributes import Attributes
from audit.wire.bodies import take_usage
from audit.wire.counts import first_of
from audit.wire.otlp import Span
from audit.wire.parameters import parameters
from audit.wire.text import label, maybe_json
from audit.wire.times import number
from audit.wire.usage import Usage, from_mapping

NOT_CALLS = {
    "invoke_agent": "parent_span",
    "invoke_workflow": "parent_span",
    "create_agent": "not_an_llm_call",
    "execute_tool": "not_an_llm_call",
    "retrieval": "not_an_llm_call",
}
"""Operations that are no model call; agents and workflows repeat the totals of their children."""

_AI_SDK = {
    "ai.model.id": "gen_ai.request.model",
    "ai.model.provider": "gen_ai.provider.name",
    "ai.response.id": "gen_ai.response.id",
    "ai.response.model": "gen_ai.response.model",
    "ai.response.finishReason": "gen_ai.response.finish_reasons",
    "ai.usage.promptTokens": "gen_ai.usage.input_tokens",
    "ai.usage.inputTokens": "gen_ai.usage.input_tokens",
    "ai.usage.completionTokens": "gen_ai.usage.output_tokens",
    "ai.usage.outputTokens": "gen_ai.usage.output_tokens",
    "ai.usage.cachedInputTokens": "gen_ai.usage.cache_read.input_tokens",
    "ai.usage.reasoningTokens": "gen_ai.usage.reasoning.output_tokens",
    "ai.usage.tokens": "gen_ai.usage.input_tokens",
    "ai.prompt.messages": "gen_ai.input.messages",
    "ai.prompt.tools": "gen_ai.tool.definitions",
    "ai.values": "gen_ai.input.messages",
    "ai.value": "gen_ai.input.messages",
    "ai.settings.maxOutputTokens": "gen_ai.request.max_tokens",
    "ai.settings.maxTokens": "gen_ai.request.max_tokens",
    "ai.settings.temperature": "gen_ai.request.temperature",
}
_AI_SDK_CALLS = (".doGenerate", ".doStream", ".doEmbed")


def translate_ai_sdk(attributes: Attributes) -> str | None:
    """Give the attributes of a Vercel AI SDK span their `gen_ai` names; the reason to skip it when it is no call."""
    operation = str(attributes.get("ai.operationId", ""))
    if not operation:
        return None
    if not operation.endswith(_AI_SDK_CALLS):
        return "not_an_llm_call" if operation == "ai.toolCall" else "parent_span"
    for old, new in _AI_SDK.items():
        if old in attributes:
            attributes.setdefault(new, attributes[old])
    attributes.setdefault("gen_ai.operation.name", "embeddings" if "mbed" in operation else "chat")
    first = attributes.get("ai.response.msToFirstChunk")
    if isinstance(first, int | float) and first >= 0:
        attributes.setdefault("gen_ai.response.time_to_first_chunk", first / 1000)
    text, calls = attributes.get("ai.response.text"), attributes.get("ai.response.toolCalls")
    if text or calls:
        attributes.setdefault("gen_ai.output.messages", [_ai_sdk_answer(text, calls)])
    return None


def _ai_sdk_answer(text: Any, calls: Any) -> dict[str, Any]:
    found = maybe_json(calls)
    tool_calls = [
        {
            "id": call.get("toolCallId"),
            "name": call.get("toolName"),
            "arguments": call.get("input", call.get("args")),
        }
        for call in (found if isinstance(found, list) else [])
        if isinstance(call, dict)
    ]
    return {"role": "assistant", "content": text, "tool_calls": tool_calls}


def skip_reason(span: Span) -> str | None:
    """Why a span with `gen_ai` attributes is not a model call; None when it is one."""
    attributes = span.attributes
    operation = str(attributes.get("gen_ai.operation.name", "")).lower()
    if operation in NOT_CALLS:
        return NOT_CALLS[operation]
    if operation.startswith(("invoke_", "agent", "workflow")):
        return "parent_span"
    if "gen_ai.tool.name" in attributes or "gen_ai.tool.call.id" in attributes:
        return "not_an_llm_call"
    if operation or _has_usage(attributes):
        model = attributes.get("gen_ai.request.model") or attributes.get("gen_ai.response.model")
        agent = attributes.get("gen_ai.agent.name") and not operation
        return "parent_span" if agent and not model else None
    if span.name.startswith(("invoke_agent", "invoke_workflow")):
        return "parent_span"
    has_model = "gen_ai.request.model" in attributes or "gen_ai.response.model" in attributes
    return None if has_model and "gen_ai.agent.name" not in attributes else "not_an_llm_call"


def _has_usage(attributes: Attributes) -> bool:
    return any(key.startswith("gen_ai.usage.") for key in attributes)


_WRAPPERS = frozenset({"workflow", "task", "agent", "tool", "session", "unknown"})


def wrapper_reason(span: Span) -> str | None:
    attributes = span.attributes
    kind = str(attributes.get("llm.request.type", "")).lower()
    if kind:
        return "not_an_llm_call" if kind in ("rerank", "unknown") and not _model(attributes)[0] else None
    wrapper = str(attributes.get("traceloop.span.kind", "")).lower()
    if wrapper in _WRAPPERS and "gen_ai.operation.name" not in attributes:
        return "not_an_llm_call" if wrapper == "tool" else "parent_span"
    return None


def _model(attributes: Attributes) -> tuple[Any, Any]:
    requested = attributes.get("gen_ai.request.model") or attributes.get("llm.request.model")
    return requested, attributes.get("gen_ai.response.model") or attributes.get("llm.response.model")


_OPERATIONS = {
    "embedding": "embeddings",
    "embed": "embeddings",
    "completion": "text_completion",
    "generate": "generate_content",
}


def read_call(span: Span) -> Call:
    attributes = span.attributes
    call = base_call(span)
    call.request_model, call.response_model = (label(name) for name in _model(attributes))
    operation = str(attributes.get("gen_ai.operation.name") or attributes.get("llm.request.type") or "chat").lower()
    call.operation_name = _OPERATIONS.get(operation, operation)
    provider = attributes.get("gen_ai.provider.name") or attributes.get("gen_ai.system")
    call.provider_name = lower(provider)
    call.response_id = unique_id(attributes.get("gen_ai.response.id"))
    counts = _counts(attributes)
    if counts:
        take_usage(call, counts, lambda found: _usage(found, attributes))
    first = attributes.get("gen_ai.response.time_to_first_chunk", attributes.get("gen_ai.server.time_to_first_token"))
    call.time_to_first_chunk = number(first)
    call.finish_reason = _finish_reason(attributes)
    stream = attributes.get("gen_ai.request.stream", attributes.get("gen_ai.is_streaming"))
    call.request_stream = boolean(attributes.get("llm.is_streaming") if stream is None else stream)
    tier = attributes.get("openai.response.service_tier") or attributes.get("gen_ai.openai.response.service_tier")
    call.service_tier = label(tier)
    cost = attributes.get("gen_ai.usage.cost", attributes.get("gen_ai.usage.total_cost"))
    call.logged_cost_usd = number(cost)
    call.parameters = _genai_parameters(attributes)
    request, answer = _span_genai_text.bodies(span)
    finish(call, span, request, answer)
    return call


_PREFIX = "gen_ai.usage."
_COUNTS = {
    "input_tokens": ("input_tokens", "prompt_tokens"),
    "output_tokens": ("output_tokens", "completion_tokens"),
    "cache_read.input_tokens": (
        "cache_read.input_tokens",
        "cache_read_input_tokens",
        "details.cache_read_tokens",
        "details.cached_tokens",
        "details.cache_read_input_tokens",
        "cached_tokens",
        "input_tokens.cached",
        "prompt_tokens_details.cached_tokens",
        "input_token_details.cached",
    ),
    "cache_creation.input_tokens": (
        "cache_creation.input_tokens",
        "cache_creation_input_tokens",
        "details.cache_write_tokens",
        "details.cache_creation_input_tokens",
        "cache_write.input_tokens",
    ),
    "reasoning.output_tokens": (
        "reasoning.output_tokens",
        "reasoning_tokens",
        "details.reasoning_tokens",
        "reasoning_output_tokens",
        "completion_tokens_details.reasoning_tokens",
        "output_tokens.reasoning",
    ),
    "total_tokens": ("total_tokens",),
}


def _counts(attributes: Attributes) -> dict[str, Any]:
    """The token counts of a span under their current names, whatever it calls them."""
    counts: dict[str, Any] = {}
    for name, spellings in _COUNTS.items():
        value = first_of(attributes, tuple(_PREFIX + key for key in spellings))
        if value is None:
            value = first_of(attributes, tuple(f"llm.usage.{key}" for key in spellings))
        if value is not None and value != "":
            counts[_PREFIX + name] = value
    return counts


def _usage(counts: Mapping[str, Any], attributes: Attributes) -> Usage:
    usage = from_mapping(counts)
    if _PREFIX + "cache_read.input_tokens" in attributes and usage.convention == "unknown":
        # these names came with the rule that input includes cached tokens
        usage.convention = "inclusive"
        usage.flags = tuple(flag for flag in usage.flags if flag != "convention_assumed_inclusive")
    return usage


def _finish_reason(attributes: Attributes) -> str | None:
    found = maybe_json(attributes.get("gen_ai.response.finish_reasons"))
    if found is None:
        found = attributes.get("gen_ai.completion.0.finish_reason", attributes.get("llm.response.finish_reason"))
    if isinstance(found, list):
        found = found[0] if found else None
    return label(found)


_NO_PARAMETERS = ("gen_ai.request.model", "gen_ai.request.stream", "gen_ai.request.id", "gen_ai.request.user")


def _genai_parameters(attributes: Attributes) -> dict[str, Any]:
    start = "gen_ai.request."
    given = {
        key[len(start) :]: maybe_json(value)
        for key, value in attributes.items()
        if key.startswith(start) and key not in _NO_PARAMETERS
    }
    if "choice.count" in given:
        given["n"] = given.pop("choice.count")
    if "gen_ai.output.type" in attributes:
        given["output_type"] = attributes["gen_ai.output.type"]
    return parameters(given)
