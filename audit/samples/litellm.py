"""Write a call as LiteLLM's proxy logs it: one StandardLoggingPayload per line."""

from __future__ import annotations

from typing import Any

from audit.samples.calls import Call
from audit.samples.prices import PICO_PER_USD, RESPONSE_MODELS, cost_pico
from audit.samples.wire import chat_response, chat_usage


def payload(call: Call) -> dict[str, Any]:
    """Return the StandardLoggingPayload of one call; gateway cache hits carry tokens but cost nothing."""
    suffix = call.request_id.removeprefix("req_")
    started, ended = call.started_ms / 1000, (call.started_ms + call.latency_ms) / 1000
    answered = call.failure is None
    price = _usd(call) if answered else 0.0
    return {
        "id": f"chatcmpl-{suffix}" + (f"_cache_hit{started}" if call.gateway_hit else ""),
        "trace_id": call.metadata.get("trace_id", f"trace-{suffix}"),
        "session_id": None,
        "litellm_call_id": call.request_id,
        "call_type": "acompletion",
        "stream": False,
        "response_cost": 0.0 if call.gateway_hit else price,
        "status": "success" if answered else "failure",
        "custom_llm_provider": "anthropic" if call.model.startswith("claude") else "openai",
        "total_tokens": call.input_tokens + call.output_tokens,
        "prompt_tokens": call.input_tokens,
        "completion_tokens": call.output_tokens,
        "startTime": started,
        "endTime": ended,
        "completionStartTime": ended,
        "response_time": call.latency_ms / 1000,
        "model_map_information": {"model_map_key": call.model, "model_map_value": None},
        "model": RESPONSE_MODELS[call.model],
        "model_id": f"deployment-{call.model}",
        "model_group": call.model,
        "api_base": None,
        "metadata": _metadata(call),
        "cache_hit": True if call.gateway_hit else None,
        "saved_cache_cost": price if call.gateway_hit else 0.0,
        "request_tags": [call.environment, f"feature:{call.feature}"],
        "end_user": call.user or "",
        "requester_ip_address": None,
        "messages": call.request["messages"],
        "response": chat_response(call) if answered else None,
        **_errors(call),
        "model_parameters": {k: v for k, v in call.request.items() if k not in ("model", "messages")},
        "hidden_params": {"litellm_model_name": call.model, "cache_key": None, "response_cost": None},
    }


def _usd(call: Call) -> float:
    return cost_pico(call.model, call.input_tokens, 0, 0, call.output_tokens) / PICO_PER_USD


def _metadata(call: Call) -> dict[str, Any]:
    return {
        "user_api_key_hash": "5a3e",
        "user_api_key_alias": f"{call.team}-{call.environment}",
        "user_api_key_team_id": f"team-{call.team}",
        "user_api_key_team_alias": call.team,
        "user_api_key_user_id": call.user,
        "requester_metadata": {"feature": call.feature, "environment": call.environment},
        "usage_object": chat_usage(call) if call.failure is None else None,
    }


def _errors(call: Call) -> dict[str, Any]:
    if call.failure is None:
        return {"error_str": None, "error_information": None}
    failure = call.failure
    information = {"error_code": str(failure.status), "error_class": failure.code, "error_message": failure.message}
    return {"error_str": failure.message, "error_information": information}
