"""What the answer of each API says of its call: id, model, usage, tier, finish, what was billed beside tokens."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from audit.call import Call
from audit.wire.counts import part
from audit.wire.dialect import Dialect
from audit.wire.text import label, maybe_json
from audit.wire.times import number, seconds, to_us
from audit.wire.usage import (
    Usage,
    from_anthropic,
    from_bedrock,
    from_gemini,
    from_mapping,
    from_openai,
    service_tier,
)

Body = Mapping[str, Any]


def _chat(call: Call, answer: Body) -> None:
    call.response_id = label(answer.get("id")) or call.response_id
    _fill_response_model(call, answer.get("model"))
    if answer.get("object") == "text_completion":
        call.operation_name = "text_completion"
    choices = answer.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        call.finish_reason = label(choices[0].get("finish_reason")) or call.finish_reason
    usage = maybe_json(answer.get("usage"))
    if isinstance(usage, dict):
        take_usage(call, usage, from_openai if "prompt_tokens" in usage else from_mapping)
        _fill_cost(call, usage, answer)
    call.service_tier = service_tier(answer.get("service_tier")) or call.service_tier
    if call.started_at_us is None:
        call.started_at_us = to_us(answer.get("created"))
    metrics = answer.get("metrics")
    if isinstance(metrics, dict) and call.time_to_first_chunk is None:
        # vLLM with --enable-per-request-metrics
        call.time_to_first_chunk = seconds(metrics.get("time_to_first_token_ms"), 1000.0)


def _fill_cost(call: Call, usage: Body, answer: Body) -> None:
    """OpenRouter and Perplexity bill what they say in `usage.cost`; with the user's own key another one bills too."""
    cost = usage.get("cost")
    if isinstance(cost, dict):
        cost = cost.get("total_cost")
    found = number(cost)
    if found is None:
        return
    call.logged_cost_usd = found
    openrouter = "is_byok" in usage or "cost_details" in usage or str(answer.get("id")).startswith("gen-")
    openrouter = openrouter or call.provider_name == "openrouter"
    call.logged_cost_billed = (openrouter or isinstance(usage["cost"], dict)) and usage.get("is_byok") is not True
    if openrouter and call.provider_name is None:
        call.provider_name = "openrouter"


def _responses(call: Call, answer: Body) -> None:
    call.response_id = label(answer.get("id")) or call.response_id
    _fill_response_model(call, answer.get("model"))
    status = answer.get("status")
    reason = answer.get("incomplete_details")
    call.finish_reason = label(reason.get("reason")) if isinstance(reason, dict) else label(status)
    usage = maybe_json(answer.get("usage"))
    if isinstance(usage, dict):
        take_usage(call, usage, from_openai)
    _fill_searches(call, answer)
    call.service_tier = service_tier(answer.get("service_tier")) or call.service_tier
    if status in ("failed", "cancelled") and call.status == "ok":
        call.error_type = call.error_type or str(status)
        # what was counted before a call was cancelled is billed
        counted = call.usage is not None and (call.usage.input_tokens or call.usage.output_tokens)
        call.status = "ok" if status == "cancelled" and counted else "failed"
    started, ended = to_us(answer.get("created_at")), to_us(answer.get("completed_at"))
    if call.started_at_us is None:
        call.started_at_us = started
    if call.duration is None and started is not None and ended is not None and ended >= started:
        call.duration = (ended - started) / 1e6
    if call.conversation_id is None:
        conversation = answer.get("conversation")
        call.conversation_id = label(conversation.get("id") if isinstance(conversation, dict) else conversation)


def _fill_searches(call: Call, answer: Body) -> None:
    """Fees for web and file searches stand beside the tokens."""
    if call.usage is None:
        return
    tools = answer.get("tool_usage")
    web = tools.get("web_search") if isinstance(tools, dict) else None
    counted = number(web.get("num_requests")) if isinstance(web, dict) else None
    output = answer.get("output")
    items = [_billed_item(item) for item in output if isinstance(item, dict)] if isinstance(output, list) else []
    searches = int(counted) if counted is not None else items.count("web_search_call")
    for name, quantity in (("web_search", searches), ("file_search", items.count("file_search_call"))):
        if quantity > 0 and name not in call.usage.tool_calls:
            call.usage.tool_calls[name] = quantity


def _billed_item(item: Body) -> Any:
    """The type of an output item; a page that a web search opens or looks through is no search of its own."""
    action = item.get("action")
    kind = action.get("type") if isinstance(action, dict) else None
    return None if item.get("type") == "web_search_call" and kind not in (None, "search") else item.get("type")


def _anthropic(call: Call, answer: Body) -> None:
    if answer.get("type") != "error":
        call.response_id = label(answer.get("id")) or call.response_id
    _fill_response_model(call, answer.get("model"))
    call.finish_reason = label(answer.get("stop_reason")) or call.finish_reason
    usage = maybe_json(answer.get("usage"))
    if isinstance(usage, dict):
        # an OpenAI-shaped count inside says that a proxy rewrote the body
        take_usage(call, usage, from_openai if "prompt_tokens" in usage else from_anthropic)
    elif isinstance(answer.get("amazon-bedrock-invocationMetrics"), dict):
        take_usage(call, answer["amazon-bedrock-invocationMetrics"], from_bedrock)


def _gemini(call: Call, answer: Body) -> None:
    call.operation_name = "generate_content"
    call.response_id = label(answer.get("responseId") or answer.get("response_id")) or call.response_id
    _fill_response_model(call, answer.get("modelVersion") or answer.get("model_version"))
    candidates = answer.get("candidates")
    if isinstance(candidates, list) and candidates and isinstance(candidates[0], dict):
        call.finish_reason = label(candidates[0].get("finishReason") or candidates[0].get("finish_reason"))
        grounding = candidates[0].get("groundingMetadata") or candidates[0].get("grounding_metadata")
        if isinstance(grounding, dict) and (grounding.get("webSearchQueries") or grounding.get("web_search_queries")):
            # so many a day are free, and which ones no record tells
            call.flags.append("grounded_search_not_priced")
    usage = maybe_json(answer.get("usageMetadata") or answer.get("usage_metadata"))
    if isinstance(usage, dict):
        take_usage(call, usage, from_gemini)
    if call.started_at_us is None:
        call.started_at_us = to_us(answer.get("createTime") or answer.get("create_time"))


def _converse(call: Call, answer: Body) -> None:
    call.finish_reason = label(answer.get("stopReason")) or call.finish_reason
    usage = maybe_json(answer.get("usage"))
    if isinstance(usage, dict):
        take_usage(call, usage, from_bedrock)
    metrics, tier = answer.get("metrics"), answer.get("serviceTier")
    if isinstance(tier, dict):
        call.service_tier = service_tier(tier.get("type")) or call.service_tier
    if call.duration is None and isinstance(metrics, dict):
        call.duration = seconds(metrics.get("latencyMs"), 1000.0)
    holder = answer.get("ResponseMetadata")
    if isinstance(holder, dict):
        call.response_id = label(holder.get("RequestId")) or call.response_id


def _embeddings(call: Call, answer: Body) -> None:
    call.operation_name = "embeddings"
    _fill_response_model(call, answer.get("model"))
    usage = maybe_json(answer.get("usage"))
    if isinstance(usage, dict):
        # Voyage and others count nothing but a total, and an embedding has no output
        bare = usage.keys() == {"total_tokens"}
        take_usage(call, {"prompt_tokens": usage["total_tokens"]} if bare else usage, from_mapping)
    elif "prompt_eval_count" in answer:
        take_usage(call, answer, from_mapping)


def _transcription(call: Call, answer: Body) -> None:
    call.operation_name = "transcription"
    _fill_response_model(call, answer.get("model"))
    usage = part(maybe_json(answer.get("usage")))
    heard = number(usage.get("seconds")) if usage.get("type") == "duration" else None
    if heard is not None:
        call.usage = Usage(input_tokens=0, output_tokens=0, tool_calls={"audio_second": math.ceil(heard)})
    elif usage:
        take_usage(call, usage, from_openai)


def _rerank(call: Call, answer: Body) -> None:
    call.operation_name = "rerank"
    call.response_id = label(answer.get("id")) or call.response_id
    billed = part(part(answer.get("meta")).get("billed_units"))
    searches = number(billed.get("search_units"))
    if searches is not None:
        call.usage = Usage(input_tokens=0, output_tokens=0, tool_calls={"rerank_search": int(searches)})


def _ollama(call: Call, answer: Body) -> None:
    _fill_response_model(call, answer.get("model"))
    call.finish_reason = label(answer.get("done_reason") or answer.get("stop_type")) or call.finish_reason
    counts = _server_counts(answer)
    if counts is not None:
        take_usage(call, counts, from_openai)
    if call.duration is None:
        call.duration = seconds(answer.get("total_duration"), 1e9)
    if call.started_at_us is None:
        ended = to_us(answer.get("created_at"))
        call.started_at_us = None if ended is None else ended - round((call.duration or 0) * 1e6)


def _server_counts(answer: Body) -> dict[str, Any] | None:
    """Token counts of Ollama, or of llama.cpp's own API, in OpenAI's words."""
    if answer.get("prompt_eval_count") is not None or answer.get("eval_count") is not None:
        return {
            "prompt_tokens": answer.get("prompt_eval_count"),
            "completion_tokens": answer.get("eval_count"),
            "cached_tokens": answer.get("prompt_eval_cached_count"),
        }
    timings = answer.get("timings")
    if answer.get("tokens_evaluated") is not None:
        return {"prompt_tokens": answer["tokens_evaluated"], "completion_tokens": answer.get("tokens_predicted")}
    if not isinstance(timings, dict):
        return None
    # prompt_n is what was computed anew, cache_n what was reused
    fresh, reused = timings.get("prompt_n"), timings.get("cache_n")
    if type(fresh) is int and type(reused) is int:
        fresh += reused
    return {"prompt_tokens": fresh, "completion_tokens": timings.get("predicted_n"), "cached_tokens": reused}


FILLERS: dict[Dialect, Callable[[Call, Body], None]] = {
    "chat": _chat,
    "responses": _responses,
    "embeddings": _embeddings,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "converse": _converse,
    "ollama": _ollama,
    "rerank": _rerank,
    "transcription": _transcription,
}


def _fill_response_model(call: Call, model: Any) -> None:
    if isinstance(model, str):
        call.response_model = model


def take_usage(call: Call, counts: Body, read: Callable[[Body], Usage] = from_mapping) -> None:
    """Set usage and served tier of `call`; impossible counts drop the usage whole, flagged `implausible_usage`."""
    usage = read(counts)
    if any(flag in ("implausible_input_tokens", "implausible_output_tokens") for flag in usage.flags):
        call.flags.extend(("implausible_usage", *usage.flags))
        call.usage = None
        return
    if usage.input_tokens is None and usage.output_tokens is None and not usage.tool_calls:
        return
    call.usage = usage
    call.service_tier = usage.service_tier or call.service_tier
