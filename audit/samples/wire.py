"""Write a call the way its service logged it: request and response pairs in the providers' own shapes."""

from __future__ import annotations

from typing import Any

from audit.samples.calls import Call
from audit.samples.prices import RESPONSE_MODELS
from audit.samples.timetable import iso


def record(call: Call) -> dict[str, Any]:
    """Return the log record of a chat completion, Responses or Messages call."""
    row: dict[str, Any] = {
        "timestamp": iso(call.started_ms),
        "request_id": call.request_id,
        "latency_ms": call.latency_ms,
    }
    if call.first_token_ms is not None:
        row["ttft_ms"] = call.first_token_ms
    if call.user is not None:
        row["user_id"] = call.user
    row["metadata"] = metadata(call)
    row["request"] = call.request
    if call.failure is not None:
        row["status_code"] = call.failure.status
    row["response"] = _error(call) if call.failure is not None else _RESPONSES[call.shape](call)
    return row


def metadata(call: Call) -> dict[str, Any]:
    """Return the labels the service put on a call; untagged workflows have no `feature`."""
    labels: dict[str, Any] = {"team": call.team}
    if call.feature is not None:
        labels["feature"] = call.feature
    return {**labels, "environment": call.environment, **call.metadata}


def chat_response(call: Call) -> dict[str, Any]:
    """Return a chat completion body."""
    message = {"role": "assistant", "content": call.answer, "refusal": None, "annotations": []}
    return {
        "id": "chatcmpl-" + call.request_id.removeprefix("req_"),
        "object": "chat.completion",
        "created": call.started_ms // 1000,
        "model": RESPONSE_MODELS[call.model],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": call.finish}],
        "usage": chat_usage(call),
        "service_tier": "default",
        "system_fingerprint": None,
    }


def chat_usage(call: Call) -> dict[str, Any]:
    """Return chat completion usage: prompt tokens include cached ones, completion tokens include reasoning."""
    return {
        "prompt_tokens": call.input_tokens,
        "completion_tokens": call.output_tokens,
        "total_tokens": call.input_tokens + call.output_tokens,
        "prompt_tokens_details": {"cached_tokens": call.cache_read_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": call.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _responses_response(call: Call) -> dict[str, Any]:
    suffix = call.request_id.removeprefix("req_")
    text = {"type": "output_text", "text": call.answer, "annotations": []}
    message = {"type": "message", "id": f"msg_{suffix}", "status": "completed", "role": "assistant", "content": [text]}
    return {
        "id": f"resp_{suffix}",
        "object": "response",
        "created_at": call.started_ms // 1000,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": RESPONSE_MODELS[call.model],
        "output": [message],
        "previous_response_id": None,
        "service_tier": "default",
        "usage": {
            "input_tokens": call.input_tokens,
            "input_tokens_details": {"cached_tokens": call.cache_read_tokens},
            "output_tokens": call.output_tokens,
            "output_tokens_details": {"reasoning_tokens": call.reasoning_tokens},
            "total_tokens": call.input_tokens + call.output_tokens,
        },
    }


def _messages_response(call: Call) -> dict[str, Any]:
    content = [{"type": "text", "text": call.answer}] if isinstance(call.answer, str) else call.answer
    return {
        "id": "msg_" + call.request_id.removeprefix("req_"),
        "type": "message",
        "role": "assistant",
        "model": RESPONSE_MODELS[call.model],
        "content": content,
        "stop_reason": call.finish,
        "stop_sequence": None,
        "usage": {
            "input_tokens": call.input_tokens - call.cache_read_tokens - call.cache_write_tokens,
            "cache_creation_input_tokens": call.cache_write_tokens,
            "cache_read_input_tokens": call.cache_read_tokens,
            "cache_creation": {"ephemeral_5m_input_tokens": call.cache_write_tokens, "ephemeral_1h_input_tokens": 0},
            "output_tokens": call.output_tokens,
            "service_tier": "standard",
        },
    }


def _error(call: Call) -> dict[str, Any]:
    assert call.failure is not None  # only failed calls get here
    failure = call.failure
    if call.shape == "messages":
        body = {"type": failure.code, "message": failure.message}
        return {"type": "error", "error": body, "request_id": call.request_id}
    return {"error": {"message": failure.message, "type": failure.code, "param": None, "code": failure.code}}


_RESPONSES = {"chat": chat_response, "responses": _responses_response, "messages": _messages_response}
