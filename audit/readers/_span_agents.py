"""Log events that coding agents send by OpenTelemetry with names of their own: one event per model call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.wire.attributes import Attributes
from audit.wire.otlp import Span, moment
from audit.wire.tags import tag
from audit.wire.text import label
from audit.wire.times import number, seconds
from audit.wire.usage import Usage, from_anthropic, from_gemini, from_openai

_AGENTS = ("claude_code.", "codex.", "gemini_cli.", "qwen-code.")
_TAGS = ("terminal.type", "app.version", "organization.id", "originator", "service.name", "query_source", "auth_mode")


def read(span: Span) -> Outcome | None:
    """The model call an agent's event tells of, a skip for its other events, None for everything else."""
    name = event_name(span)
    if name is None:
        return None
    agent, _, event = name.partition(".")
    if event in ("api_request", "api_response") and agent != "codex":
        usage = _claude_usage(span.attributes) if agent == "claude_code" else _gemini_usage(span.attributes)
    elif event == "sse_event" and span.attributes.get("event.kind") == "response.completed":
        usage = _codex_usage(span.attributes)
    elif event == "api_error":
        usage = None
    else:
        return Skip("not_an_llm_call")
    if event == "api_request" and agent != "claude_code":
        return Skip("request_event")
    return _call(span, agent, usage, failed=event == "api_error")


def event_name(span: Span) -> str | None:
    """The full name of an agent's event (`claude_code.api_request`); None when it is none."""
    name = span.name
    if not name.startswith(_AGENTS):
        service = str(span.resource.get("service.name", ""))
        scope = span.scope
        if "." in name or not (service.startswith("claude-code") or scope.startswith("com.anthropic.claude_code")):
            return None
        name = f"claude_code.{name}"
    # spans of these names exist too, beside the events; only events have no length
    return name if span.duration is None else None


def _call(span: Span, agent: str, usage: Usage | None, failed: bool) -> Call:
    attributes = span.attributes
    session = label(attributes.get("session.id") or attributes.get("conversation.id"))
    started = span.started_at_us or moment(attributes.get("event.timestamp"))
    call = Call(
        system=agent,
        native_id=_native_id(attributes, session, started),
        status="failed" if failed else "ok",
        error_type=label(attributes.get("status_code") or attributes.get("error")) if failed else None,
        request_model=label(attributes.get("model")),
        response_model=None if failed else label(attributes.get("model")),
        provider_name={"claude_code": "anthropic", "codex": "openai", "gemini_cli": "google"}.get(agent),
        duration=seconds(attributes.get("duration_ms"), 1000),
        usage=usage,
        logged_cost_usd=number(attributes.get("cost_usd")),
        conversation_id=session,
        trace_id=span.trace_id,
        user=label(attributes.get("user.email") or attributes.get("user.account_uuid") or attributes.get("user.id")),
    )
    if started is not None:
        # the event is written when the answer is complete
        call.started_at_us = started - round((call.duration or 0) * 1e6)
    known = {**span.resource, **attributes}
    tag(call, {key: known[key] for key in _TAGS if key in known})
    tag(call, {key: value for key, value in span.resource.items() if key.startswith(("team", "department", "cost"))})
    return call


def _native_id(attributes: Mapping[str, Any], session: str | None, started: int | None) -> str | None:
    request = label(attributes.get("request_id"))
    if request is not None:
        return request
    sequence = label(attributes.get("event.sequence"))
    return f"{session}:{started}:{sequence}" if session and (started or sequence) else None


def _claude_usage(attributes: Attributes) -> Usage:
    get = attributes.get
    return from_anthropic(
        {
            "input_tokens": get("input_tokens"),
            "output_tokens": get("output_tokens"),
            "cache_read_input_tokens": get("cache_read_tokens"),
            "cache_creation_input_tokens": get("cache_creation_tokens"),
            "speed": get("speed"),
        }
    )


def _codex_usage(attributes: Attributes) -> Usage:
    get = attributes.get
    return from_openai(
        {
            "input_tokens": get("input_token_count"),
            "output_tokens": get("output_token_count"),
            "cached_input_tokens": get("cached_token_count"),
            "output_tokens_details": {"reasoning_tokens": get("reasoning_token_count")},
        }
    )


def _gemini_usage(attributes: Attributes) -> Usage:
    get = attributes.get
    return from_gemini(
        {
            "promptTokenCount": get("input_token_count"),
            "candidatesTokenCount": get("output_token_count"),
            "cachedContentTokenCount": get("cached_content_token_count"),
            "thoughtsTokenCount": get("thoughts_token_count"),
            "toolUsePromptTokenCount": get("tool_token_count"),
            "totalTokenCount": get("total_token_count"),
        }
    )
