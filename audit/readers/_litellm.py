"""What LiteLLM's spend logs and its logging payloads have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Record
from audit.wire.beside import error_name, hashed_key
from audit.wire.bodies import take_usage
from audit.wire.dialect import of_response
from audit.wire.exchange import settle
from audit.wire.messages import transcript
from audit.wire.money import dollars
from audit.wire.parameters import parameters
from audit.wire.stream import join
from audit.wire.tags import tag, take
from audit.wire.text import label, maybe_json
from audit.wire.times import between, first_time, number, seconds, to_us
from audit.wire.usage import from_openai, service_tier

SYSTEM = "litellm"
_EMPTY: Mapping[str, Any] = {}
_OPERATIONS = {
    "completion": "chat",
    "acompletion": "chat",
    "text_completion": "text_completion",
    "atext_completion": "text_completion",
    "embedding": "embeddings",
    "aembedding": "embeddings",
    "generate_content": "generate_content",
    "agenerate_content": "generate_content",
}
_NOT_CALLS = ("mcp", "file", "vector_store", "list_", "health", "assistant", "thread", "container", "create_batch")


def skipped(record: Record) -> Skip | None:
    """The reason why a LiteLLM record is no model call, or None when it is one."""
    kind = str(record.get("call_type") or "").lower()
    if "retrieve_batch" in kind or "cancel_batch" in kind:
        # carries the sums of the whole batch each time somebody asks for its state
        return Skip("aggregate_row")
    has_tokens = bool(number(record.get("total_tokens")))
    if any(word in kind for word in _NOT_CALLS) and "profile" not in kind and not has_tokens:
        return Skip("not_an_llm_call")
    return None


def call_of(record: Record, native_id: Any, cost: Any) -> Outcome:
    """The call of a spend log row or a logging payload, whose id and cost go by different names."""
    skip = skipped(record)
    if skip is not None:
        return skip
    metadata = _object(record.get("metadata"))
    response = join(maybe_json(record.get("response")))
    answer = response if isinstance(response, dict) else _EMPTY
    call = Call(system=SYSTEM, native_id=label(native_id))
    call.logged_cost_usd = dollars(cost, call.flags)
    _fill_models(call, record, answer)
    _fill_times(call, record)
    _fill_status(call, record, metadata)
    _fill_usage(call, record, metadata, answer)
    _fill_owner(call, record, metadata)
    request = _request(record)
    call.parameters = parameters(request)
    if call.request_stream is None and isinstance(request.get("stream"), bool):
        call.request_stream = request["stream"]
    transcript(request, response or None).apply(call)
    settle(call)
    call.native_id = label(native_id) or call.native_id
    return call


def _object(value: Any) -> Mapping[str, Any]:
    decoded = maybe_json(value)
    return decoded if isinstance(decoded, dict) else _EMPTY


def _fill_models(call: Call, record: Record, answer: Mapping[str, Any]) -> None:
    kind = str(record.get("call_type") or "")
    call.operation_name = _OPERATIONS.get(kind, "embeddings" if "embedding" in kind else "chat")
    model = record.get("model")
    call.request_model = model if isinstance(model, str) and model else label(record.get("model_group"))
    call.provider_name = label(record.get("custom_llm_provider"))
    answered = answer.get("model")
    if isinstance(answered, str) and answered.strip():
        call.response_model = answered
    choices = answer.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        call.finish_reason = label(choices[0].get("finish_reason"))
    elif of_response(answer) == "anthropic":
        call.finish_reason = label(answer.get("stop_reason"))
    # ids of cache hits are the original's: it must not be taken for the same call
    found = label(answer.get("id")) or (call.native_id if _is_provider_id(call.native_id) else None)
    call.response_id = found
    call.service_tier = service_tier(answer.get("service_tier"))


def _is_provider_id(native_id: str | None) -> bool:
    return native_id is not None and native_id.startswith(("chatcmpl-", "resp_", "msg_", "gen-", "cmpl-"))


def _fill_times(call: Call, record: Record) -> None:
    started, ended = first_time(call.flags, record.get("startTime")), to_us(record.get("endTime"))
    first = to_us(record.get("completionStartTime"))
    call.started_at_us = started
    call.duration = between(started, ended)
    if call.duration is None:
        call.duration = seconds(record.get("request_duration_ms"), 1000.0)
    if call.duration is None:
        call.duration = seconds(record.get("response_time"))
    if first is not None and ended is not None and first < ended:
        # calls that were not streamed repeat the end here
        call.time_to_first_chunk = between(started, first)
    if isinstance(record.get("stream"), bool):
        call.request_stream = record["stream"]


def _fill_status(call: Call, record: Record, metadata: Mapping[str, Any]) -> None:
    status = label(record.get("status")) or label(metadata.get("status"))
    error = _object(record.get("error_information")) or _object(metadata.get("error_information"))
    if status is not None and status.lower() in ("failure", "failed", "error"):
        call.status = "failed"
        call.error_type = label(error.get("error_class")) or error_name(error.get("error_code")) or "error"
    native_id = call.native_id or ""
    if str(record.get("cache_hit")).lower() == "true" or "_cache_hit" in native_id:
        call.status = "cache_hit"
        original = native_id.partition("_cache_hit")[0]
        if original:
            call.tags["cached_from"] = original
        call.response_id = None


def _fill_usage(call: Call, record: Record, metadata: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """The row's own counts, which LiteLLM makes inclusive for every provider, with details from where they are."""
    counts: dict[str, Any] = {}
    for holder in (metadata.get("usage_object"), metadata.get("additional_usage_values"), answer.get("usage")):
        for key, value in _object(holder).items():
            if value is not None and counts.get(key) is None:
                counts[key] = value
    if "prompt_tokens" not in counts and "input_tokens_details" not in counts:
        # a provider's own usage object (pass-through) counts its input differently from the row
        counts.pop("input_tokens", None)
        counts.pop("output_tokens", None)
    for key in ("prompt_tokens", "completion_tokens", "total_tokens"):
        value = record.get(key)
        if value is not None and value != "":
            counts[key] = value
    if counts.get("prompt_tokens") is not None or counts.get("completion_tokens") is not None:
        take_usage(call, counts, from_openai)
    if call.usage is not None and not call.usage.input_tokens and not call.usage.output_tokens:
        _drop_zeros(call)
    if call.status == "failed" and not call.logged_cost_usd:
        call.usage = None


def _drop_zeros(call: Call) -> None:
    """Zero tokens of a call that cost nothing say that nothing was counted; images and speech cost without tokens."""
    if call.status == "ok" and not call.logged_cost_usd and call.operation_name == "chat":
        call.usage = None


def _fill_owner(call: Call, record: Record, metadata: Mapping[str, Any]) -> None:
    for holder in ("spend_logs_metadata", "requester_metadata"):
        # what the caller sent along outranks what the key says
        tag(call, metadata.get(holder))
    call.user = call.user or label(record.get("user")) or label(metadata.get("user_api_key_user_id"))
    call.user = call.user or label(record.get("end_user")) or label(metadata.get("user_api_key_end_user_id"))
    call.team = call.team or label(metadata.get("user_api_key_team_alias")) or label(record.get("team_id"))
    call.team = call.team or label(metadata.get("user_api_key_team_id"))
    call.organization = label(record.get("organization_id")) or label(metadata.get("user_api_key_org_id"))
    call.conversation_id = label(record.get("session_id"))
    call.trace_id = label(record.get("trace_id"))
    call.api_key_hash = _key_hash(record.get("api_key") or metadata.get("user_api_key_hash"))
    tag(call, record.get("request_tags"))
    plain = {key: value for key, value in metadata.items() if key.startswith("user_api_key_") and "hash" not in key}
    plain.update({key: record[key] for key in ("model_group", "end_user", "agent_id") if record.get(key)})
    take(call, plain)
    tag(call, plain)


def _key_hash(key: Any) -> str | None:
    name = label(key)
    if name is None:
        return None
    # LiteLLM stores SHA-256 of the key; anything else may be the key itself
    return name[:16] if len(name) == 64 and name.isalnum() else hashed_key(name)


def _request(record: Record) -> dict[str, Any]:
    request: dict[str, Any] = {}
    proxied = _object(record.get("proxy_server_request"))
    body = _object(proxied.get("body")) or proxied
    request.update(body)
    request.update(_object(record.get("model_parameters")))
    messages = maybe_json(record.get("messages"))
    if messages and messages != "{}":
        for key in ("input", "prompt"):
            request.pop(key, None)
        if isinstance(messages, dict) and ("messages" in messages or "input" in messages or "contents" in messages):
            request.update(messages)
        else:
            request["messages"] = messages
    return request
