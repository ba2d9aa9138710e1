"""Spans in OpenInference words (Phoenix and its instrumentations)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.call import Call
from audit.readers._span_call import base_call, finish, lower, unique_id
from audit.wire.attributes import Attributes, nested, subtree
from audit.wire.bodies import take_usage
from audit.wire.otlp import Span
from audit.wire.parameters import parameters
from audit.wire.text import label, maybe_json
from audit.wire.times import number

_STEPS = frozenset(
    {
        "message",
        "message_content",
        "tool_call",
        "image",
        "tool",
        "embedding",
        "document",
        "audio",
        "prompt",
        "completion",
    }
)
_PARENTS = frozenset({"CHAIN", "AGENT", "WORKFLOW"})
_CALLS = frozenset({"LLM", "EMBEDDING"})


def kind_of(attributes: Attributes, span_kind: Any = None) -> str | None:
    """The OpenInference kind of a span in capitals; None when it has none."""
    kind = attributes.get("openinference.span.kind") or span_kind
    return kind.strip().upper() if isinstance(kind, str) else None


def skip_reason(kind: str) -> str | None:
    """Why a span of `kind` is not a model call; None when it is one."""
    if kind in _CALLS:
        return None
    return "parent_span" if kind in _PARENTS else "not_an_llm_call"


def model(attributes: Attributes) -> tuple[Any, Any]:
    """(requested model, answering model)."""
    named = attributes.get("llm.model_name") or attributes.get("embedding.model_name")
    requested = attributes.get("llm.request.model_name") or request_parameters(attributes).get("model")
    return requested or named, attributes.get("llm.response.model_name") or named


def request_parameters(attributes: Attributes) -> Mapping[str, Any]:
    """The invocation parameters as a map."""
    found = subtree(attributes, "llm.invocation_parameters")
    return found if isinstance(found, Mapping) else {}


def counts_of(attributes: Attributes) -> Mapping[str, Any] | None:
    """Token counts, or the usage object of the body; the instrumentations make input inclusive of cached tokens."""
    get = attributes.get
    start = "llm.token_count."
    read = get(start + "prompt_details.cache_read")
    counts = {
        "prompt": get(start + "prompt"),
        "completion": get(start + "completion"),
        "total": get(start + "total"),
        "prompt_token_details": {
            "cache_read": get(start + "prompt_details.cache_input") if read is None else read,
            "cache_creation": get(start + "prompt_details.cache_write"),
            "audio": get(start + "prompt_details.audio"),
        },
        "completion_token_details": {
            "reasoning": get(start + "completion_details.reasoning"),
            "audio": get(start + "completion_details.audio"),
        },
    }
    if all(counts[name] in (None, "") for name in ("prompt", "completion", "total")):
        body = output_body(attributes)
        found = body.get("usage") or body.get("usage_metadata") or body.get("usageMetadata")
        return found if isinstance(found, Mapping) and found else None
    return counts


def output_body(attributes: Attributes) -> Mapping[str, Any]:
    """The provider's response as the instrumentation kept it, or an empty map."""
    found = maybe_json(attributes.get("output.value"))
    return found if isinstance(found, Mapping) else {}


def bodies(attributes: Attributes, kind: str) -> tuple[dict[str, Any], Any]:
    """Request and response of a span as bodies with OpenAI messages."""
    request: dict[str, Any] = {}
    tools = _list(attributes, "llm.tools")
    if tools:
        request["tools"] = [_tool(tool) for tool in tools]
    given = maybe_json(attributes.get("input.value"))
    if kind == "EMBEDDING":
        return _embedding(attributes, given), None
    messages = _messages(attributes, "llm.input_messages")
    if messages:
        request["messages"] = messages
    elif isinstance(given, Mapping) and (given.get("messages") or given.get("contents") or given.get("input")):
        request = {**given, **request}
    elif prompts := _list(attributes, "llm.prompts"):
        request["prompt"] = [_prompt_text(prompt) for prompt in prompts]
    elif given:
        request["prompt"] = attributes.get("input.value")
    answer: Any = _messages(attributes, "llm.output_messages")
    if not answer:
        answer = output_body(attributes) or attributes.get("output.value")
    return request, answer


def _prompt_text(prompt: Any) -> Any:
    if isinstance(prompt, Mapping):
        inner = prompt.get("prompt", prompt)
        return inner.get("text") if isinstance(inner, Mapping) else inner
    return prompt


def _embedding(attributes: Attributes, given: Any) -> dict[str, Any]:
    texts = []
    for item in _list(attributes, "embedding.embeddings"):
        inner = item.get("embedding", item) if isinstance(item, Mapping) else {}
        if isinstance(inner, Mapping) and isinstance(inner.get("text"), str):
            texts.append(inner["text"])
    if texts:
        return {"input": texts}
    if isinstance(given, Mapping):
        return dict(given)
    return {"input": attributes["input.value"]} if given else {}


def _list(attributes: Attributes, name: str) -> list[Any]:
    found = nested(subtree(attributes, name), _STEPS)
    if isinstance(found, Mapping):
        found = [found]
    return found if isinstance(found, list) else []


def _tool(tool: Any) -> Any:
    inner = tool.get("tool", tool) if isinstance(tool, Mapping) else tool
    if isinstance(inner, Mapping) and "json_schema" in inner:
        return maybe_json(inner["json_schema"])
    return inner


def _messages(attributes: Attributes, name: str) -> list[dict[str, Any]]:
    return [_message(item) for item in _list(attributes, name) if isinstance(item, Mapping)]


def _message(item: Mapping[str, Any]) -> dict[str, Any]:
    inner = item.get("message", item)
    message = dict(inner) if isinstance(inner, Mapping) else {"content": inner}
    contents = maybe_json(message.pop("contents", None))
    if isinstance(contents, list) and contents and not message.get("content"):
        message["content"] = [_part(part) for part in contents]
    calls = maybe_json(message.get("tool_calls"))
    if isinstance(calls, list):
        message["tool_calls"] = [call.get("tool_call", call) if isinstance(call, Mapping) else call for call in calls]
    name = message.pop("function_call_name", None)
    arguments = message.pop("function_call_arguments_json", None)
    if name:
        message["function_call"] = {"name": name, "arguments": arguments}
    return message


def _part(part: Any) -> Any:
    inner = part.get("message_content", part) if isinstance(part, Mapping) else part
    if not isinstance(inner, Mapping) or not isinstance(inner.get("image"), Mapping):
        return inner
    image = inner["image"].get("image", inner["image"])
    return {"type": "image_url", "image_url": image if isinstance(image, Mapping) else {"url": image}}


def read_call(span: Span, kind: str) -> Call:
    attributes = span.attributes
    call = base_call(span)
    call.operation_name = "embeddings" if kind == "EMBEDDING" else "chat"
    call.request_model, call.response_model = (label(name) for name in model(attributes))
    call.provider_name = lower(attributes.get("llm.provider") or attributes.get("llm.system"))
    counts = counts_of(attributes)
    if counts is not None:
        take_usage(call, counts)
    body = output_body(attributes)
    found = attributes.get("gen_ai.response.id") or attributes.get("llm.response.id") or body.get("id")
    call.response_id = unique_id(found if _is_response_id(found) else None)
    call.service_tier = label(body.get("service_tier"))
    call.finish_reason = label(attributes.get("llm.finish_reason"))
    call.logged_cost_usd = number(attributes.get("llm.cost.total"))
    call.parameters = parameters(request_parameters(attributes))
    stream = request_parameters(attributes).get("stream")
    call.request_stream = stream if isinstance(stream, bool) else None
    request, answer = bodies(attributes, kind)
    finish(call, span, request, answer)
    return call


def _is_response_id(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("chatcmpl", "resp_", "msg_", "gen-", "cmpl-"))
