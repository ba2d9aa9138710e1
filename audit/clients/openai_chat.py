"""OpenAI chat completions, and every server that speaks them (vLLM, Ollama, llama.cpp, gateways)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.clients import Answer, Client, Image, Limits, Message, Prompt, Tool, ToolCall, Translation
from audit.clients._failures import bad_answer, billed, inner_failure
from audit.clients._http import ask
from audit.clients._openai import (
    adapt,
    arguments_text,
    connect,
    locate,
    note_prefill,
    parameters,
    ready,
    sampling,
    strict,
    takes_no_sampling,
    thinks,
    tool_choice,
)
from audit.clients._openai_batches import OpenAIBatches
from audit.clients._reading import arguments_of, string, text_of
from audit.config import EndpointConfig
from audit.wire.usage import from_openai

STREAMING = {"stream": True, "stream_options": {"include_usage": True}}
"""What asks for a stream; its counts come only when they are asked for."""


def translate(prompt: Prompt, model: str, limits: Limits) -> Translation:
    """A chat completions body."""
    lossy: list[str] = []
    body: dict[str, Any] = {
        "model": model,
        "messages": [*({"role": "system", "content": text} for text in prompt.system), *map(_message, prompt.messages)],
        "max_completion_tokens" if takes_no_sampling(model) else "max_tokens": limits.max_output_tokens,
        **sampling(prompt, model, ("temperature", "top_p", "frequency_penalty", "presence_penalty", "seed"), lossy),
    }
    note_prefill(prompt, lossy)
    if prompt.stop and takes_no_sampling(model):
        lossy.append("stop sequences are not taken by this model")
    elif prompt.stop:
        body["stop"] = list(prompt.stop[:4])
        if len(prompt.stop) > 4:
            lossy.append("only the first four stop sequences are sent")
    if prompt.tools:
        body["tools"] = [_tool(tool) for tool in prompt.tools]
        if prompt.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = prompt.parallel_tool_calls
    optional = {
        "tool_choice": tool_choice(prompt, lambda name: {"type": "function", "function": {"name": name}}),
        "response_format": response_format(prompt, strict(prompt, lossy)),
        "reasoning_effort": _effort(prompt, model, lossy),
        "verbosity": prompt.verbosity,
    }
    body.update((key, value) for key, value in optional.items() if value is not None)
    return Translation(body, tuple(lossy))


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.call_id, "content": "\n".join(message.texts)}
    parts = [_part(part) for part in message.parts()]
    content: Any = message.texts[0] if len(message.texts) == len(parts) == 1 else parts
    made: dict[str, Any] = {"role": message.role, "content": content or None}
    if message.tool_calls:
        made["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": arguments_text(call)},
            }
            for call in message.tool_calls
        ]
    return made


def _part(part: str | Image) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    image = {"url": part.address}
    return {"type": "image_url", "image_url": {**image, "detail": part.detail} if part.detail else image}


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "parameters": parameters(tool)}
    if tool.description:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def response_format(prompt: Prompt, enforced: bool | None) -> dict[str, Any] | None:
    """The `response_format` of chat completions, None for free text."""
    if prompt.json_schema is not None:
        schema: dict[str, Any] = {"name": prompt.json_schema_name, "schema": dict(prompt.json_schema)}
        if enforced is not None:
            schema["strict"] = enforced
        return {"type": "json_schema", "json_schema": schema}
    return {"type": "json_object"} if prompt.json_object else None


def _effort(prompt: Prompt, model: str, lossy: list[str]) -> str | None:
    if prompt.thinking is not None:
        lossy.append("the thinking setting has no counterpart in this API")
    if prompt.reasoning_effort is None or thinks(model):
        return prompt.reasoning_effort
    lossy.append("reasoning effort is not taken by this model")
    return None


def read(data: Mapping[str, Any], headers: Mapping[str, str], seconds: float) -> Answer:
    """The answer in a chat completions body; raises CallError when there is none."""
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise bad_answer("the endpoint answered without choices")
    text, finish = text_of(message.get("content")), string(choice.get("finish_reason"))
    if finish == "error":
        # a gateway that lost its provider half-way
        raise billed(inner_failure(choice.get("error") or data.get("error"), otherwise=500))
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal and not text:
        text, finish = refusal, "refusal"
    usage = data.get("usage")
    return Answer(
        text=text,
        tool_calls=_calls(message),
        finish_reason=finish,
        usage=from_openai(usage) if isinstance(usage, dict) else None,
        response_model=string(data.get("model")),
        response_id=string(data.get("id")),
        duration=seconds,
        headers=headers,
    )


def _calls(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    listed = message.get("tool_calls")
    found: list[ToolCall] = []
    for call in listed if isinstance(listed, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            name = string(function.get("name")) or ""
            found.append(ToolCall(name, arguments_of(function.get("arguments")), string(call.get("id")) or ""))
    return tuple(found)


class ChatSession:
    """An open chat completions endpoint."""

    def __init__(self, config: EndpointConfig) -> None:
        self._client = connect(config)

    async def send(self, body: Mapping[str, Any], limits: Limits) -> Answer:
        """Make one attempt; raises CallError."""
        return await ask(self._client, "/chat/completions", body, limits, read)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


CLIENT = Client(
    name="openai_chat",
    title="OpenAI chat completions",
    translate=translate,
    adapt=adapt,
    thinks=thinks,
    locate=locate,
    ready=ready,
    batches=lambda config: OpenAIBatches(config, "/v1/chat/completions", read),
    open=ChatSession,
    streaming=STREAMING,
)
