"""PostHog LLM analytics: `$ai_generation` and `$ai_embedding` among the events of an export, a query or a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.readers._gateway import column_usage, first, settle
from audit.wire.beside import status_problem
from audit.wire.bodies import take_usage
from audit.wire.counts import part
from audit.wire.messages import transcript
from audit.wire.parameters import parameters
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json
from audit.wire.times import first_time, number, seconds
from audit.wire.usage import from_anthropic

_CALLS = {"$ai_generation": "chat", "$ai_embedding": "embeddings"}
_PARENTS = frozenset({"$ai_trace", "$ai_span"})


def _detect(record: Record) -> int:
    event = record.get("event")
    if not isinstance(event, str) or not isinstance(maybe_json(record.get("properties")), dict):
        return 0
    return 30 if event.startswith("$ai_") or "distinct_id" in record else 0


def _read(record: Record) -> Iterable[Outcome]:
    event = record.get("event")
    if not isinstance(event, str) or event not in _CALLS:
        return (Skip("parent_span" if str(event) in _PARENTS else "not_an_llm_call"),)
    known = part(maybe_json(record.get("properties")))
    call = Call(system="posthog", operation_name=_CALLS[event])
    provider = label(known.get("$ai_provider"))
    call.provider_name = provider.lower() if provider else None
    call.request_model = call.response_model = label(known.get("$ai_model"))
    call.trace_id, call.parent_id = label(known.get("$ai_trace_id")), label(known.get("$ai_parent_id"))
    call.conversation_id = label(first(known, "$ai_session_id", "$session_id"))
    call.user = label(record.get("distinct_id"))
    _fill_times(call, record, known)
    problem = status_problem(known.get("$ai_http_status"))
    if problem is not None or str(known.get("$ai_is_error")).lower() == "true":
        call.status, call.error_type = "failed", label(known.get("$ai_error_type")) or problem or "error"
    _fill_usage(call, known)
    call.logged_cost_usd = number(known.get("$ai_total_cost_usd"))
    asked = {"messages": maybe_json(known.get("$ai_input")), "tools": maybe_json(known.get("$ai_tools"))}
    transcript({key: value for key, value in asked.items() if value}, _answer(known)).apply(call)
    settings = maybe_json(known.get("$ai_model_parameters"))
    call.parameters = parameters(settings) if isinstance(settings, dict) else {}
    tag(call, {key: value for key, value in known.items() if not key.startswith("$")})
    settle(call, label(first(record, "uuid", "id")) or label(known.get("$ai_generation_id")))
    return (call,)


def _answer(known: Mapping[str, Any]) -> Any:
    return maybe_json(first(known, "$ai_output_choices", "$ai_output"))


def _fill_times(call: Call, record: Record, known: Mapping[str, Any]) -> None:
    call.duration = seconds(known.get("$ai_latency"))
    call.time_to_first_chunk = seconds(known.get("$ai_time_to_first_token"))
    ended = first_time(call.flags, record.get("timestamp"), record.get("created_at"))
    if ended is not None:
        # the event is sent when the answer is complete
        call.started_at_us = ended - round((call.duration or 0) * 1e6)


def _fill_usage(call: Call, known: Mapping[str, Any]) -> None:
    get = known.get
    read, write = get("$ai_cache_read_input_tokens"), get("$ai_cache_creation_input_tokens")
    if _leaves_cache_out(known) and (read or write):
        counts = {
            "input_tokens": get("$ai_input_tokens"),
            "output_tokens": get("$ai_output_tokens"),
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": write,
            "cache_creation": {
                "ephemeral_5m_input_tokens": get("$ai_cache_creation_5m_input_tokens"),
                "ephemeral_1h_input_tokens": get("$ai_cache_creation_1h_input_tokens"),
            },
            "server_tool_use": {"web_search_requests": get("$ai_web_search_count")},
        }
        take_usage(call, counts, from_anthropic)
        return
    counts = {
        "prompt": get("$ai_input_tokens"),
        "completion": get("$ai_output_tokens"),
        "read": read,
        "write": write,
        "reasoning": get("$ai_reasoning_tokens"),
    }
    column_usage(call, counts)


def _leaves_cache_out(known: Mapping[str, Any]) -> bool:
    """Whether input tokens are without cached ones: as PostHog resolved it, else what it takes Anthropic's to be."""
    told = str(known.get("$ai_cache_reporting_exclusive")).lower()
    if told in ("true", "false"):
        return told == "true"
    return str(known.get("$ai_provider")).lower() == "anthropic"


READER = Reader(
    name="posthog",
    title="PostHog LLM analytics (event exports, queries, batch exports)",
    signatures=(frozenset({"event", "properties"}),),
    detect=_detect,
    read=_read,
    unlock={
        "text": "privacy mode off (posthogPrivacyMode: false)",
        "cache_tokens": "an SDK that sends $ai_cache_read_input_tokens",
        "user": "posthogDistinctId; event properties team and feature",
        "latency": "an SDK that sends $ai_latency and $ai_time_to_first_token",
    },
)
