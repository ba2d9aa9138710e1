"""What the columns of home-made logs mean: one table of names, matched without regard to case and spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_NAMES: dict[str, tuple[str, ...]] = {
    "request": (
        "request", "input", "body", "kwargs", "prompt", "req", "request_body", "request_payload", "request_json",
        "payload", "inputs", "params", "llm_input", "model_input", "raw_request", "request_params", "call_kwargs",
    ),
    "response": (
        "response", "output", "completion", "resp", "response_body", "response_payload", "response_json", "result",
        "outputs", "llm_output", "model_output", "raw_response", "answer", "generation", "reply", "response_text",
        "output_text", "completion_text", "chunks", "events", "res",
    ),
    "messages": ("messages", "conversation_messages", "input_messages", "chat_history", "prompt_messages"),
    "usage": ("usage", "token_usage", "usage_metadata", "tokens", "token_counts", "usage_details"),
    "model": (
        "model", "model_name", "model_id", "request_model", "llm_model", "deployment", "deployment_name", "engine",
        "model_used", "llm", "gen_ai_request_model", "genai_model_name",
    ),
    "response_model": ("response_model", "resolved_model", "gen_ai_response_model", "actual_model",
                       "genai_model_name_override"),
    "provider": ("provider", "provider_name", "vendor", "llm_provider", "custom_llm_provider", "gen_ai_provider_name",
                 "gen_ai_system", "ai_provider", "backend"),
    "base_url": ("base_url", "api_base", "endpoint", "url", "host", "server"),
    "started": (
        "start_time", "started_at", "started_date_time", "request_time", "requested_at", "request_timestamp",
        "request_started_at", "timestamp", "ts", "time", "created_at", "date_time", "datetime", "event_time",
        "logged_at", "log_time", "created", "date", "timestamp_ms", "ts_ms", "created_at_ms", "start", "time_utc",
        "timestamp_utc", "event_timestamp", "inserted_at", "request_date", "time_generated", "time_generated_utc",
    ),
    "ended": ("end_time", "ended_at", "finished_at", "completed_at", "response_timestamp", "response_at", "end",
              "completed", "finish_time", "responded_at"),
    "duration_ms": ("latency_ms", "duration_ms", "elapsed_ms", "response_time_ms", "request_duration_ms", "total_ms",
                    "total_time_ms", "latency_millis", "duration_millis", "generation_time_ms", "delay_ms", "took_ms",
                    "latency_in_ms", "time_ms", "latency_milliseconds"),
    "duration_s": ("latency_s", "duration_s", "latency_seconds", "duration_seconds", "elapsed_seconds", "elapsed_s",
                   "response_time_s", "latency_sec", "duration_sec", "latency_secs", "total_seconds"),
    "duration": ("latency", "duration", "elapsed", "response_time", "took", "time_taken", "elapsed_time", "runtime",
                 "total_latency", "total_time", "request_duration", "processing_time"),
    "first_chunk_ms": ("ttft_ms", "time_to_first_token_ms", "first_token_ms", "time_to_first_chunk_ms",
                       "first_token_latency_ms"),
    "first_chunk": ("ttft", "time_to_first_token", "time_to_first_chunk", "ttft_s", "first_token_latency"),
    "status": ("status_code", "http_status", "response_status", "status", "http_status_code", "response_code", "state",
               "response_status_code"),
    "succeeded": ("success", "is_success", "ok", "succeeded"),
    "error": ("error", "exception", "error_message", "error_type", "error_code", "failure_reason", "err"),
    "cache_hit": ("cache_hit", "cached", "from_cache", "is_cached", "cache_status", "cached_response"),
    "cost": ("cost_usd", "total_cost_usd", "cost", "total_cost", "spend", "response_cost", "price_usd", "usd",
             "cost_in_usd", "price", "request_cost"),
    "currency": ("cost_currency", "currency", "currency_code", "billing_currency"),
    "service_tier": ("service_tier", "tier", "processing_tier"),
    "finish_reason": ("finish_reason", "stop_reason", "done_reason", "finish"),
    "operation": ("operation", "operation_name", "call_type", "request_type", "endpoint_type"),
    "stream": ("stream", "streaming", "is_streaming", "streamed", "is_stream"),
    "request_id": ("request_id", "req_id", "call_id", "log_id", "id", "uuid", "event_id", "completion_id", "message_id",
                   "generation_id", "correlation_id", "row_id", "_id"),
    "response_id": ("response_id", "provider_response_id", "upstream_id", "gen_ai_response_id"),
    "metadata": ("metadata", "tags", "labels", "properties", "meta", "attributes", "context", "extra", "custom",
                 "custom_properties", "request_tags", "dimensions", "annotations"),
    "user": ("user_id", "user", "end_user", "end_user_id", "username", "user_name", "user_email", "customer_id",
             "customer", "account_id", "uid", "caller", "user_api_key_user_id", "user_api_key_end_user_id"),
    "team": ("team", "team_name", "team_alias", "user_api_key_team_alias", "team_id", "user_api_key_team_id",
             "department", "dept", "cost_center", "cost_centre", "business_unit", "squad"),
    "feature": ("feature", "feature_name", "use_case", "usecase", "workflow", "workflow_name", "task", "task_name",
                "app", "app_name", "application", "application_name", "service", "service_name", "product", "component",
                "pipeline", "agent", "agent_name"),
    "environment": ("environment", "env", "deployment_environment", "deployment_env", "env_name"),
    "organization": ("organization", "organization_id", "org", "org_id", "tenant", "tenant_id", "workspace",
                     "workspace_id"),
    "conversation": ("conversation_id", "session_id", "thread_id", "chat_id", "session", "gen_ai_conversation_id"),
    "trace": ("trace_id", "trace", "run_id"),
    "parent": ("parent_id", "parent_span_id", "parent_run_id", "parent_request_id"),
    "prompt_template": ("prompt_template", "prompt_template_id", "prompt_id", "prompt_name", "template_id", "template",
                        "prompt_key", "prompt_slug"),
    "outcome": ("outcome", "user_feedback", "feedback", "resolution", "resolved", "accepted", "thumbs", "rating"),
    "api_key": ("api_key_hash", "key_hash", "api_key", "api_key_id", "api_key_alias", "api_key_name", "virtual_key"),
    "system_prompt": ("system_prompt", "system", "system_message", "instructions"),
    "input_tokens": (
        "input_tokens", "prompt_tokens", "tokens_in", "tokens_prompt", "input_token_count", "prompt_token_count",
        "num_input_tokens", "prompt_tokens_total", "total_input_tokens", "n_prompt_tokens", "in_tokens",
        "gen_ai_usage_input_tokens", "request_tokens", "context_tokens", "input_length", "usage_prompt_tokens",
        "usage_input_tokens", "token_count_prompt", "llm_token_count_prompt", "num_prompt_tokens",
        "genai_tokens_input", "input_token", "prompt_token",
    ),
    "output_tokens": (
        "output_tokens", "completion_tokens", "tokens_out", "tokens_completion", "output_token_count",
        "completion_token_count", "candidates_token_count", "num_output_tokens", "total_output_tokens", "out_tokens",
        "n_completion_tokens", "gen_ai_usage_output_tokens", "response_tokens", "generated_tokens", "output_length",
        "usage_completion_tokens", "usage_output_tokens", "token_count_completion", "llm_token_count_completion",
        "num_completion_tokens", "genai_tokens_output", "output_token", "completion_token",
    ),
    "total_tokens": ("total_tokens", "tokens_total", "total_token_count", "token_count", "usage_total_tokens"),
    "cache_read_tokens": (
        "cache_read_input_tokens", "cache_read_tokens", "cached_tokens", "cached_input_tokens", "tokens_cached",
        "prompt_cache_hit_tokens", "cached_content_token_count", "cached_prompt_tokens", "prompt_cache_read_tokens",
        "input_cached_tokens", "prompt_cached_tokens", "usage_cached_tokens", "usage_cache_read_input_tokens",
    ),
    "cache_write_tokens": (
        "cache_creation_input_tokens", "cache_write_input_tokens", "cache_write_tokens", "cache_creation_tokens",
        "prompt_cache_write_tokens", "usage_cache_creation_input_tokens",
    ),
    "reasoning_tokens": ("reasoning_tokens", "thinking_tokens", "reasoning_output_tokens", "thoughts_token_count",
                         "tokens_reasoning", "usage_reasoning_tokens"),
}  # fmt: skip

_ROLE_OF: dict[str, list[tuple[str, int]]] = {}
for _role, _names in _NAMES.items():
    for _rank, _name in enumerate(_names):
        _ROLE_OF.setdefault(_name, []).append((_role, _rank))

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[\s.\-/:@()\[\]]+")

NAMES: Mapping[str, tuple[str, ...]] = _NAMES
"""Role of a column → the names it goes by, best first."""


def normal(name: str) -> str:
    """`Prompt Tokens`, `promptTokens`, `prompt-tokens` → `prompt_tokens`."""
    return _SEPARATORS.sub("_", _CAMEL.sub("_", name.strip())).strip("_").lower()


_NO_LETTERS = re.compile(r"[^a-z0-9]")


@lru_cache(maxsize=4096)
def folded(name: str) -> str:
    """A name without case and separators: `lineItem/UnblendedCost` and `line_item_unblended_cost` agree."""
    return _NO_LETTERS.sub("", name.lower())


@lru_cache(maxsize=4096)
def layout(keys: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """Role → the keys of `keys` that play it, best first; keys of no known role are under `other`."""
    found: dict[str, list[tuple[int, str]]] = {}
    for key in keys:
        for role, rank in _ROLE_OF.get(normal(str(key)), (("other", 0),)):
            found.setdefault(role, []).append((rank, key))
    return {role: tuple(key for _, key in sorted(pairs)) for role, pairs in found.items()}


def spellings(*roles: str) -> tuple[frozenset[str], ...]:
    """One single-key set for each usual spelling (snake, camel, Pascal, kebab, title) of each name of `roles`."""
    found: dict[str, None] = {}
    for role in roles:
        for name in _NAMES[role]:
            words = name.split("_")
            titled = [word.capitalize() for word in words]
            for spelling in (name, words[0] + "".join(titled[1:]), "".join(titled), "-".join(words), " ".join(titled)):
                found[spelling] = None
    return tuple(frozenset({name}) for name in found)


_A_MODEL = re.compile(
    r"(gpt-|o[1-9](-|$)|chatgpt|claude|gemini|gemma|llama|mi[sx]tral|deepseek|qwen|grok|command-r|nova-|phi-|glm-|kimi"
    r"|text-embedding|sonar)", re.IGNORECASE,
)  # fmt: skip
"""How the names of models begin, behind the name of whoever serves them."""


def names_model(value: object) -> bool:
    """Whether a value reads as the name of a language model, with or without who serves it before it."""
    return isinstance(value, str) and len(value) < 80 and bool(_A_MODEL.match(value.rpartition("/")[2]))
