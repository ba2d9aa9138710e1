"""What a model call of any span dialect has in common: identity, text, status, labels, rank."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from audit.call import Call
from audit.wire.attributes import Attributes
from audit.wire.messages import transcript
from audit.wire.otlp import Span
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json
from audit.wire.times import number

SYSTEM = "otel"
"""All dialects are one emitting system: the same span may be exported to several trace stores."""


def base_call(span: Span) -> Call:
    return Call(
        system=SYSTEM,
        trace_id=span.trace_id,
        parent_id=span.parent_id,
        started_at_us=span.started_at_us,
        duration=span.duration,
    )


def finish(call: Call, span: Span, request: dict[str, Any], answer: Any) -> None:
    """Identity, text, status, labels and rank: what every dialect has in common."""
    call.native_id = call.response_id or _span_id(span)
    text = transcript(request, answer)
    text.apply(call)
    if _cut_short(span.attributes):
        call.text_status = "truncated"
    _settle_status(call, span)
    _label(call, span)
    call.rank = _richness(call)


def _span_id(span: Span) -> str | None:
    return f"{span.trace_id or ''}:{span.span_id}" if span.span_id else None


_REUSED = re.compile(r"(chatcmpl-)?\d{1,3}$|None$|null$|unknown$", re.IGNORECASE)


def unique_id(value: Any) -> str | None:
    """A response id, unless it is one of those that a local server hands out again and again."""
    found = label(value)
    return None if found is None or _REUSED.match(found) else found


def lower(value: Any) -> str | None:
    found = label(value)
    return found.lower() if found else None


def boolean(value: Any) -> bool | None:
    if type(value) is bool:
        return value
    return {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None


def _cut_short(attributes: Attributes) -> bool:
    """Whether an attribute length limit cut the JSON of the messages in the middle."""
    for name in ("gen_ai.input.messages", "llm.input_messages", "gen_ai.system_instructions", "gen_ai.output.messages"):
        value = attributes.get(name)
        if isinstance(value, str) and value[:1] in ("[", "{") and isinstance(maybe_json(value), str):
            return True
    return False


def _settle_status(call: Call, span: Span) -> None:
    error = span.attributes.get("error.type") or span.attributes.get("exception.type")
    if error is None:
        error = next((event.get("exception.type") for name, event in span.events if name == "exception"), None)
    if not (span.failed or span.attributes.get("error.type")):
        return
    call.error_type = label(error) or label(span.status_message) or "error"
    # an error after the answer began still costs what was generated
    if not (call.usage and call.usage.output_tokens):
        call.status = "failed"


_CONVERSATION = ("gen_ai.conversation.id", "session.id", "langfuse.session.id", "gen_ai.session.id")
_USER = ("gen_ai.user", "user.id", "enduser.id", "langfuse.user.id", "gen_ai.request.user", "user.email")
_ENVIRONMENT = ("deployment.environment.name", "deployment.environment", "langfuse.environment")
_FEATURE = ("feature", "traceloop.workflow.name", "langfuse.trace.name")
_KNOWN = (
    *("gen_ai.", "llm.", "openinference.", "traceloop.", "ai.", "input.", "output.", "embedding.", "events"),
    *("server.", "http.", "url.", "net.", "network.", "thread.", "code.", "telemetry.", "otel.", "logfire."),
    *("exception.", "error.", "openai.", "session.id", "user.id", "enduser.id", "metadata", "tag.tags", "operation."),
)
_PROPERTIES = ("traceloop.association.properties.", "ai.telemetry.metadata.", "langfuse.trace.metadata.")


def _label(call: Call, span: Span) -> None:
    attributes, resource = span.attributes, span.resource
    both = {**resource, **attributes}
    call.conversation_id = _first_label(both, _CONVERSATION)
    call.sample_rate = _sample_rate(both)
    call.user = _first_label(both, _USER)
    call.environment = _first_label(both, _ENVIRONMENT)
    tag(call, maybe_json(attributes.get("metadata")))
    dotted = {key[9:]: value for key, value in attributes.items() if key.startswith("metadata.")}
    tag(call, dotted)
    for start in _PROPERTIES:
        tag(call, {key[len(start) :]: value for key, value in attributes.items() if key.startswith(start)})
    tag(call, {key: value for key, value in attributes.items() if not key.startswith(_KNOWN)})
    call.feature = call.feature or _first_label(both, _FEATURE)
    tag(call, {key: both[key] for key in ("service.name", "gen_ai.agent.name", "tag.tags") if key in both})
    template = attributes.get("gen_ai.prompt.name") or attributes.get("traceloop.prompt.key")
    call.prompt_template = call.prompt_template or label(template)


def _sample_rate(attributes: Mapping[str, Any]) -> float | None:
    """The share of traffic that was kept, where a sampler wrote it down; 1 and nonsense say nothing."""
    kept = number(attributes.get("sampling.probability"))
    every = number(attributes.get("SampleRate"))
    share = kept if kept is not None else 1 / every if every and every > 1 else None
    return share if share is not None and 0 < share < 1 else None


def _first_label(attributes: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((found for name in names if (found := label(attributes.get(name))) is not None), None)


def _richness(call: Call) -> int:
    """How much a record of a call tells: counts weigh more than text, text more than details."""
    usage, rank = call.usage, 0
    if usage is not None:
        rank += 16 * (usage.input_tokens is not None) + 16 * (usage.output_tokens is not None)
        rank += (usage.cache_read_input_tokens is not None) + (usage.reasoning_output_tokens is not None)
    rank += 4 * any(segment.direction == "input" for segment in call.segments)
    rank += 4 * any(segment.direction == "output" for segment in call.segments)
    return rank + 2 * (call.response_model is not None)
