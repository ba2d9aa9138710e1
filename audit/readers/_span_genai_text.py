"""Messages of spans in `gen_ai` words: from attributes (JSON or flattened) or else from events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.wire.attributes import Attributes, subtree
from audit.wire.otlp import Span
from audit.wire.text import canonical, maybe_json


def bodies(span: Span) -> tuple[dict[str, Any], Any]:
    """Request and response of a span as bodies with OTel or OpenAI messages, from attributes or else from events."""
    attributes = span.attributes
    for name, event in span.events:
        if name.endswith("inference.operation.details"):
            attributes = {**event, **attributes}
    request: dict[str, Any] = {}
    tools = subtree(attributes, "gen_ai.tool.definitions") or subtree(attributes, "llm.request.functions")
    if tools:
        request["tools"] = tools
    system = maybe_json(attributes.get("gen_ai.system_instructions"))
    if system:
        request["system"] = system
    messages = _first_tree(attributes, ("gen_ai.input.messages", "gen_ai.prompt"))
    answer = _first_tree(attributes, ("gen_ai.output.messages", "gen_ai.completion"))
    if messages is None or answer is None:
        from_events, answered = _event_messages(span)
        messages = messages if messages is not None else from_events
        answer = answer if answer is not None else answered
    if messages:
        request["messages"] = _as_messages(messages)
    return request, answer


def _first_tree(attributes: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        found = subtree(attributes, name)
        if found:
            return [_decoded(item) for item in found] if isinstance(found, list) else found
    return None


def _decoded(message: Any) -> Any:
    """A flattened message with its content decoded where it is a list of typed parts written as JSON."""
    if not isinstance(message, dict):
        return message
    content = message.get("content")
    if isinstance(content, str) and content[:1] == "[":
        parts = maybe_json(content)
        if isinstance(parts, list) and parts and all(isinstance(part, dict) and "type" in part for part in parts):
            return {**message, "content": parts}
    return message


def _as_messages(messages: Any) -> list[Any]:
    if isinstance(messages, dict):
        return messages["messages"] if isinstance(messages.get("messages"), list) else [messages]
    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    return list(messages) if isinstance(messages, list) else [{"role": "user", "content": canonical(messages)}]


_EVENT_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}


def _event_messages(span: Span) -> tuple[list[Any] | None, Any]:
    messages: list[Any] = []
    answers: list[Any] = []
    for name, event in _all_events(span):
        content = maybe_json(event.get("content", event.get("body")))
        if name in _EVENT_ROLES:
            body = content if isinstance(content, dict) and "content" in content else subtree_of(event)
            messages.append({"role": _EVENT_ROLES[name], **body})
        elif name == "gen_ai.choice":
            message = subtree_of(event).get("message", content)
            answers.append(maybe_json(message))
        elif name.endswith("content.prompt") and event.get("gen_ai.prompt"):
            messages.extend(_as_messages(maybe_json(event["gen_ai.prompt"])))
        elif name.endswith("content.completion") and event.get("gen_ai.completion"):
            answer = maybe_json(event["gen_ai.completion"])
            answers.extend(answer if isinstance(answer, list) else [answer])
    return messages or None, answers or None


def _all_events(span: Span) -> list[tuple[str, Attributes]]:
    # one SDK writes the events of a call as a JSON list in an attribute
    listed = maybe_json(span.attributes.get("events"))
    found = [
        (event["event.name"], event)
        for event in (listed if isinstance(listed, list) else ())
        if isinstance(event, dict) and isinstance(event.get("event.name"), str)
    ]
    return [*span.events, *found]


def subtree_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """The message fields of an event: content, tool_calls, id, name and `message`, made nested."""
    found: dict[str, Any] = {}
    for key in ("content", "tool_calls", "tool_call_id", "id", "name", "message"):
        value = subtree(event, key)
        if value is not None:
            found["tool_call_id" if key == "id" else key] = value
    return found
