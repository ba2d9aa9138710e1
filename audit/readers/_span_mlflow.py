"""Calls from MLflow spans, which keep inputs, outputs and counts as JSON texts in attributes of their own."""

from __future__ import annotations

from audit.call import Call, Outcome, Skip
from audit.readers._gateway import fill_bodies
from audit.readers._span_call import base_call, finish, lower
from audit.wire.attributes import Attributes
from audit.wire.bodies import take_usage
from audit.wire.counts import part
from audit.wire.otlp import Span
from audit.wire.text import label, maybe_json
from audit.wire.times import number

_TYPE = "mlflow.spanType"
_CALLS = {"LLM": "chat", "CHAT_MODEL": "chat", "EMBEDDING": "embeddings"}
_PARENTS = frozenset({"CHAIN", "AGENT", "WORKFLOW", "TASK", "UNKNOWN", "EVALUATOR"})


def is_own(attributes: Attributes) -> bool:
    """Whether a span is told in MLflow's words, and its counts are not in `gen_ai` ones as well."""
    return _TYPE in attributes and not any(key.startswith("gen_ai.usage.") for key in attributes)


def read(span: Span) -> Outcome:
    """The model call a span tells of, or why it is none."""
    attributes = span.attributes
    kind = str(maybe_json(attributes[_TYPE])).strip('"').upper()
    if kind not in _CALLS:
        return Skip("parent_span" if kind in _PARENTS else "not_an_llm_call")
    return _call(span, _CALLS[kind])


def _call(span: Span, operation: str) -> Call:
    attributes = {key: maybe_json(value) for key, value in span.attributes.items()}
    call = base_call(span)
    call.operation_name = operation
    asked, answered = attributes.get("mlflow.spanInputs"), attributes.get("mlflow.spanOutputs")
    fill_bodies(call, asked, answered)
    counts = part(attributes.get("mlflow.chat.tokenUsage"))
    if call.usage is None and counts:
        take_usage(call, counts)
    model = _plain(attributes.get("mlflow.llm.model")) or _plain(attributes.get("model"))
    model = model or label(part(attributes.get("invocation_params")).get("model"))
    call.request_model, call.response_model = call.request_model or model, call.response_model or model
    call.provider_name = lower(_plain(attributes.get("mlflow.llm.provider"))) or call.provider_name
    call.logged_cost_usd = number(part(attributes.get("mlflow.llm.cost")).get("total_cost"))
    finish(call, span, asked if isinstance(asked, dict) else {"messages": asked}, answered)
    return call


def _plain(value: object) -> str | None:
    found = label(value)
    return found.strip('"') if found else None
