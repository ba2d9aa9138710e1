"""Requests of every API flavour as segments in the order the model sees them: tools, system, messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit.wire.answers import read_response
from audit.wire.parts import read_content, read_tool_call
from audit.wire.text import canonical, maybe_json
from audit.wire.transcript import Transcript

_ROLES = {
    "human": "user",
    "ai": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "function": "tool",
}
_SYSTEM_ROLES = frozenset({"system", "developer"})
_PLAIN = {"user": "history", "assistant": "history", "system": "system", "developer": "system"}
_RESULT_TYPES = frozenset(
    {
        "function_call_output",
        "custom_tool_call_output",
        "computer_call_output",
        "local_shell_call_output",
        "mcp_call_output",
        "tool_result",
        "tool_call_response",
    }
)
_MESSAGE_TYPES = frozenset({"message", "constructor", "user", "system", "developer", "assistant", "tool", *_ROLES})
_SYSTEM_KEYS = ("system", "instructions", "systemInstruction", "system_instruction", "system_instructions")
_MESSAGE_KEYS = ("messages", "contents", "input", "inputs", "prompt", "question", "query")
_SERVER_SIDE_KEYS = ("previous_response_id", "conversation", "cachedContent", "cached_content")


def transcript(request: Any, response: Any = None) -> Transcript:
    """Everything the model saw and answered, from a request and a response of any flavour.

    Both may be objects, JSON text of them, lists of messages, or plain text; streams are joined with
    `audit.wire.stream.join` first.
    """
    out = Transcript()
    read_request(request, out)
    read_response(response, out)
    return out


def read_request(request: Any, out: Transcript) -> None:
    """Add the input segments of a request body (any flavour), a list of messages, or a prompt."""
    body = maybe_json(request)
    if isinstance(body, dict):
        _read_body(body, out)
    elif isinstance(body, list) and all(isinstance(item, dict) for item in body):
        read_messages(body, out)
    elif isinstance(request, str):
        out.add("user", "user", request)
    elif isinstance(body, list):
        _read_inputs(body, out)


def _read_body(body: Mapping[str, Any], out: Transcript) -> None:
    config = body.get("config")
    # the Python SDK of Gemini keeps tools and system prompt in its config
    for holder in (body, config) if isinstance(config, dict) else (body,):
        read_tools(holder, out)
    for holder in (body, config) if isinstance(config, dict) else (body,):
        for key in _SYSTEM_KEYS:
            if holder.get(key):
                read_system(holder[key], out)
        out.partial = out.partial or any(holder.get(key) for key in _SERVER_SIDE_KEYS)
    if isinstance(body.get("prompt"), dict):
        # a prompt template kept by the provider
        out.partial = True
    prompt = next((body[key] for key in _MESSAGE_KEYS if body.get(key)), None)
    if prompt is not None:
        _read_prompt(prompt, out)
    elif "role" in body or "parts" in body or "content" in body:
        read_messages([body], out)
    if "cache_control" in body and isinstance(body["cache_control"], dict):
        # automatic caching: the provider sets the breakpoint at the last block
        out.mark_breakpoint(body["cache_control"])
    if isinstance(body.get("prompt_cache_retention"), str):
        out.retain(body["prompt_cache_retention"])


def _read_prompt(value: Any, out: Transcript) -> None:
    decoded = maybe_json(value)
    if isinstance(decoded, list) and all(isinstance(item, dict) for item in decoded):
        read_messages(decoded, out)
    elif isinstance(value, str):
        out.add("user", "user", value)
    elif isinstance(decoded, dict) and isinstance(decoded.get("messages"), list):
        read_messages(decoded["messages"], out)
    elif isinstance(decoded, dict) and decoded.get("id") and "variables" in decoded:
        out.add("user", "user", canonical(decoded["variables"]))
    elif isinstance(decoded, list):
        _read_inputs(decoded, out)
    else:
        read_content(decoded, "user", "user", out)


def _read_inputs(values: Sequence[Any], out: Transcript) -> None:
    """Texts or token lists of embeddings and completions, or a list of lists of messages."""
    for value in values:
        if type(value) is str:
            out.add("user", "user", value)
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            read_messages(value, out)
        elif isinstance(value, list):
            out.add("user", "user", canonical(value))
    if values and all(type(value) is int for value in values):
        out.add("user", "user", canonical(list(values)))


def read_system(system: Any, out: Transcript) -> None:
    """Add the system prompt given beside the messages: text, blocks, or Gemini's `{"parts": […]}`."""
    system = maybe_json(system)
    if isinstance(system, list) and any(isinstance(item, dict) and "role" in item for item in system):
        # Responses takes a list of items as instructions
        read_messages([item for item in system if isinstance(item, dict)], out)
        return
    if isinstance(system, dict) and "parts" in system:
        system = system["parts"]
    read_content(system, "system", "system", out)


def read_messages(messages: Sequence[Any], out: Transcript) -> None:
    """Add the segments of a list of messages (or Responses items) of any flavour, in order.

    The last user message is kind `user`; earlier user and assistant messages are `history`.
    """
    last = _last_user(messages)
    for position, message in enumerate(messages):
        if not isinstance(message, dict):
            read_content(message, "user", "user", out)
            continue
        content = message.get("content")
        role = message.get("role")
        if type(content) is str and type(role) is str and len(message) == 2 and role in _PLAIN:
            # nearly every message of nearly every log
            out.add(role, "user" if position == last else _PLAIN[role], content)
        else:
            _read_message(message, "user" if position == last else "history", out)


def _last_user(messages: Sequence[Any]) -> int:
    for position in range(len(messages) - 1, -1, -1):
        message = messages[position]
        if not isinstance(message, dict):
            return position
        if role_of(message) == "user" and _has_words(message):
            return position
    return -1


def _has_words(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    if content is None:
        content = message.get("parts")
    if not isinstance(content, list):
        return True
    return any(
        not isinstance(part, dict)
        or not (str(part.get("type")) in _RESULT_TYPES or part.get("toolResult") or part.get("functionResponse"))
        for part in content
    )


def role_of(message: Mapping[str, Any]) -> str:
    """The role of a message in OpenAI's words: system, developer, user, assistant or tool."""
    role = message.get("role")
    if role is None:
        role = message.get("from", message.get("type"))
        if message.get("type") == "constructor" or "lc" in message:
            role = _langchain_role(message)
    word = str(role).lower()
    return _ROLES.get(word, word if role is not None else "user")


def _langchain_role(message: Mapping[str, Any]) -> str:
    name = message.get("id")
    last = str(name[-1]) if isinstance(name, list) and name else ""
    for start, role in (("Human", "user"), ("AI", "assistant"), ("System", "system"), ("Tool", "tool")):
        if last.startswith(start):
            return role
    return "user"


def _read_message(message: Mapping[str, Any], kind: str, out: Transcript) -> None:
    role = role_of(message)
    if isinstance(message.get("kwargs"), dict):
        message = message["kwargs"]
    item = message.get("type")
    if type(item) is str and "role" not in message and item not in _MESSAGE_TYPES:
        _read_item(message, item, kind, out)
        return
    if role in _SYSTEM_ROLES:
        kind = "system"
    elif role == "tool":
        kind = "tool_result"
    elif role == "assistant":
        kind = "history"
    _read_fields(message, role, kind, out)


def _read_item(item: Mapping[str, Any], name: str, kind: str, out: Transcript) -> None:
    """An item of the Responses API that is not a message, or a content part standing alone."""
    if name in _RESULT_TYPES:
        read_content(item, "tool", "tool_result", out)
    elif name in ("text", "image", "image_url", "document") or name.startswith("input_"):
        read_content(item, "user", kind, out)
    else:
        read_content(item, "assistant", "history", out)


def _read_fields(message: Mapping[str, Any], role: str, kind: str, out: Transcript) -> None:
    if role == "assistant":
        _read_reasoning(message, out)
    content = message.get("content")
    if content is None:
        content = next((message[key] for key in ("parts", "text", "value") if message.get(key) is not None), None)
    before = len(out.segments)
    read_content(content, role, kind, out)
    if message.get("cache_control") and len(out.segments) > before:
        out.mark_breakpoint(message["cache_control"])
    if "name" in message:
        out.identify(message["name"])
    if role == "tool" or "tool_call_id" in message:
        out.resulted(message.get("tool_call_id"), before)
    for image in message.get("images") or ():
        read_content({"type": "image", "data": image}, role, kind, out)
    if role == "assistant":
        _read_calls(message, out)


def _read_reasoning(message: Mapping[str, Any], out: Transcript) -> None:
    for key in ("reasoning_content", "reasoning", "thinking"):
        if message.get(key):
            read_content(message[key], "assistant", "reasoning", out)
            return


def _read_calls(message: Mapping[str, Any], out: Transcript) -> None:
    calls = maybe_json(message.get("tool_calls") or message.get("toolCalls"))
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            read_tool_call(call, "assistant", out)
    if isinstance(message.get("function_call"), dict):
        read_tool_call({"function": message["function_call"]}, "assistant", out)


def read_tools(body: Mapping[str, Any], out: Transcript) -> None:
    """Add one segment per tool definition of a request body, as canonical JSON."""
    tools = maybe_json(body.get("tools") or body.get("functions"))
    if tools is None and isinstance(body.get("toolConfig"), dict):
        tools = body["toolConfig"].get("tools")
    if isinstance(tools, dict):
        tools = [tools]
    for tool in tools if isinstance(tools, list) else ():
        read_tool(tool, out)


def read_tool(tool: Any, out: Transcript) -> None:
    """Add one tool definition; a Gemini entry that declares several functions becomes several segments."""
    tool = maybe_json(tool)
    if not isinstance(tool, dict):
        if tool is not None:
            out.add("system", "tools", canonical(tool))
        return
    declared = tool.get("functionDeclarations") or tool.get("function_declarations")
    if isinstance(declared, list):
        for declaration in declared:
            out.add("system", "tools", canonical(declaration))
        return
    if "cachePoint" in tool:
        out.mark_breakpoint(tool["cachePoint"])
        return
    control = tool.get("cache_control")
    if control is not None:
        tool = {key: value for key, value in tool.items() if key != "cache_control"}
    out.add("system", "tools", canonical(tool))
    if control is not None:
        out.mark_breakpoint(control)
