"""Responses of every API flavour as output segments: answer, tool calls, reasoning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audit.wire.parts import read_content, read_tool_call
from audit.wire.text import canonical, maybe_json
from audit.wire.transcript import Transcript

_ASSISTANT = "assistant"
_MESSAGE_TYPES = frozenset({"message", "assistant", "ai", "AIMessage"})


def read_response(response: Any, out: Transcript) -> None:
    """Add the output segments of a response body (any flavour), a message, a list of either, or plain text."""
    body = maybe_json(response)
    if isinstance(body, dict):
        _read_body(body, out)
    elif isinstance(body, list):
        for item in body:
            if isinstance(item, dict):
                _read_body(item, out)
            elif isinstance(item, str):
                out.add(_ASSISTANT, "answer", item, "output")
    elif isinstance(response, str):
        out.add(_ASSISTANT, "answer", response, "output")


def _read_body(body: Mapping[str, Any], out: Transcript) -> None:
    choices, output, candidates = body.get("choices"), body.get("output"), body.get("candidates")
    if isinstance(choices, list):
        for choice in _mappings(choices):
            _read_choice(choice, out)
    elif isinstance(candidates, list):
        for candidate in _mappings(candidates):
            read_answer(candidate.get("content"), out)
    elif isinstance(output, list):
        for item in output:
            read_answer(item, out)
    elif isinstance(output, dict):
        read_answer(output.get("message", output), out)
    elif isinstance(body.get("generations"), list):
        _read_generations(body["generations"], out)
    elif body.get("error") is None:
        _read_bare(body, out)


def _mappings(values: list[Any]) -> Iterator[Mapping[str, Any]]:
    return (value for value in values if isinstance(value, dict))


def _read_bare(body: Mapping[str, Any], out: Transcript) -> None:
    """A message itself (Anthropic, OpenAI), or one under a key of a home-made response."""
    if any(key in body for key in ("content", "parts", "tool_calls", "role")):
        read_answer(body, out)
        return
    if isinstance(body.get("thinking"), str):
        out.add(_ASSISTANT, "reasoning", body["thinking"], "output")
    for key in ("message", "response", "output_text", "text", "completion", "answer", "generation", "result", "output"):
        found = body.get(key)
        if found:
            read_answer(found, out)
            return


def _read_choice(choice: Mapping[str, Any], out: Transcript) -> None:
    message = choice.get("message")
    if message is None:
        message = choice.get("delta")
    if message is None:
        message = choice.get("text")
    read_answer(message, out)


def _read_generations(generations: list[Any], out: Transcript) -> None:
    for item in generations:
        for generation in item if isinstance(item, list) else [item]:
            if isinstance(generation, dict):
                read_answer(generation.get("message") or generation.get("text"), out)
            elif isinstance(generation, str):
                out.add(_ASSISTANT, "answer", generation, "output")


def read_answer(message: Any, out: Transcript) -> None:
    """Add one answer: text, an assistant message of any flavour, or an output item of the Responses API."""
    if type(message) is str:
        out.add(_ASSISTANT, "answer", message, "output")
        return
    if not isinstance(message, dict):
        read_content(message, _ASSISTANT, "answer", out, "output")
        return
    if isinstance(message.get("kwargs"), dict):
        message = message["kwargs"]
    kind = message.get("type")
    if "role" not in message and isinstance(kind, str) and kind not in _MESSAGE_TYPES:
        read_content(message, _ASSISTANT, "answer", out, "output")
        return
    for key in ("reasoning_content", "reasoning", "thinking"):
        if message.get(key):
            read_content(message[key], _ASSISTANT, "reasoning", out, "output")
            break
    _read_message(message, out)


def _read_message(message: Mapping[str, Any], out: Transcript) -> None:
    content = message.get("content")
    if content is None:
        content = next((message[key] for key in ("parts", "text") if message.get(key) is not None), None)
    read_content(content, _ASSISTANT, "answer", out, "output")
    if message.get("refusal"):
        out.add(_ASSISTANT, "answer", str(message["refusal"]), "output")
    if isinstance(message.get("audio"), dict):
        read_content({"type": "audio", "audio": message["audio"]}, _ASSISTANT, "answer", out, "output")
    calls = maybe_json(message.get("tool_calls") or message.get("toolCalls"))
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            read_tool_call(call, _ASSISTANT, out, "output")
        else:
            out.add(_ASSISTANT, "tool_call", canonical(call), "output")
    if isinstance(message.get("function_call"), dict):
        read_tool_call({"function": message["function_call"]}, _ASSISTANT, out, "output")
