"""OpenAI Responses, stateless: the whole conversation is sent and nothing is stored at the provider."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    thinks,
    tool_choice,
)
from audit.clients._openai_batches import OpenAIBatches
from audit.clients._reading import arguments_of, string, text_of
from audit.config import EndpointConfig
from audit.wire.usage import from_openai

SMALLEST_LIMIT = 16


def translate(prompt: Prompt, model: str, limits: Limits) -> Translation:
    """A Responses body."""
    lossy: list[str] = []
    items: list[dict[str, Any]] = [{"role": "system", "content": text} for text in prompt.system]
    for message in prompt.messages:
        items.extend(_items(message))
    body: dict[str, Any] = {
        "model": model,
        "input": items,
        "store": False,
        "max_output_tokens": max(SMALLEST_LIMIT, limits.max_output_tokens),
        **sampling(prompt, model, ("temperature", "top_p"), lossy),
    }
    note_prefill(prompt, lossy)
    if prompt.stop:
        lossy.append("stop sequences are not part of this API")
    if prompt.tools:
        body["tools"] = [_tool(tool) for tool in prompt.tools]
        if prompt.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = prompt.parallel_tool_calls
    choice = tool_choice(prompt, lambda name: {"type": "function", "name": name})
    if choice is not None:
        body["tool_choice"] = choice
    if text := _text(prompt, bool(strict(prompt, lossy))):
        body["text"] = text
    _reasoning(prompt, model, body, lossy)
    return Translation(body, tuple(lossy))


def _items(message: Message) -> Iterator[dict[str, Any]]:
    if message.role == "tool":
        yield {"type": "function_call_output", "call_id": message.call_id, "output": "\n".join(message.texts)}
        return
    if parts := list(message.parts()):
        kind = "output_text" if message.role == "assistant" else "input_text"
        yield {"role": message.role, "content": [_part(part, kind) for part in parts]}
    for call in message.tool_calls:
        yield {
            "type": "function_call",
            "call_id": call.call_id,
            "name": call.name,
            "arguments": arguments_text(call),
        }


def _part(part: str | Image, kind: str) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": kind, "text": part}
    return {"type": "input_image", "image_url": part.address, "detail": part.detail or "auto"}


def _tool(tool: Tool) -> dict[str, Any]:
    # this API makes schemas strict unless told otherwise
    made: dict[str, Any] = {
        "type": "function",
        "name": tool.name,
        "parameters": parameters(tool),
        "strict": bool(tool.strict),
    }
    if tool.description:
        made["description"] = tool.description
    return made


def _text(prompt: Prompt, enforced: bool) -> dict[str, Any]:
    text: dict[str, Any] = {}
    if prompt.json_schema is not None:
        text["format"] = {
            "type": "json_schema",
            "name": prompt.json_schema_name,
            "schema": dict(prompt.json_schema),
            "strict": enforced,
        }
    elif prompt.json_object:
        text["format"] = {"type": "json_object"}
    if prompt.verbosity:
        text["verbosity"] = prompt.verbosity
    return text


def _reasoning(prompt: Prompt, model: str, body: dict[str, Any], lossy: list[str]) -> None:
    if prompt.thinking is not None:
        lossy.append("the thinking setting has no counterpart in this API")
    if prompt.reasoning_effort is None:
        return
    if thinks(model):
        body["reasoning"] = {"effort": prompt.reasoning_effort}
    else:
        lossy.append("reasoning effort is not taken by this model")


def read(data: Mapping[str, Any], headers: Mapping[str, str], seconds: float) -> Answer:
    """The answer in a Responses body; raises CallError when there is none."""
    output = data.get("output")
    if data.get("status") in ("failed", "cancelled"):
        raise billed(inner_failure(data.get("error") or f"the response was {data['status']}", otherwise=500))
    if not isinstance(output, list):
        raise bad_answer("the endpoint answered without output")
    texts: list[str] = []
    calls: list[ToolCall] = []
    refused = False
    for item in output:
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "message":
            refused = _read_message(item.get("content"), texts) or refused
        elif kind == "function_call":
            calls.append(
                ToolCall(
                    string(item.get("name")) or "",
                    arguments_of(item.get("arguments")),
                    string(item.get("call_id")) or "",
                )
            )
    usage = data.get("usage")
    return Answer(
        text="".join(texts),
        tool_calls=tuple(calls),
        finish_reason=_finish(data, bool(calls), refused),
        usage=from_openai(usage) if isinstance(usage, dict) else None,
        response_model=string(data.get("model")),
        response_id=string(data.get("id")),
        duration=seconds,
        headers=headers,
    )


def _read_message(content: object, texts: list[str]) -> bool:
    """Add the texts of an output message; True when the model refused."""
    refused = False
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and isinstance(part.get("refusal"), str):
            texts.append(part["refusal"])
            refused = True
        else:
            texts.append(text_of([part]))
    return refused


def _finish(data: Mapping[str, Any], calls: bool, refused: bool) -> str:
    if data.get("status") == "incomplete":
        details = data.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        return "content_filter" if reason == "content_filter" else "length"
    if refused:
        return "refusal"
    return "tool_calls" if calls else "stop"


class ResponsesSession:
    """An open Responses endpoint."""

    def __init__(self, config: EndpointConfig) -> None:
        self._client = connect(config)

    async def send(self, body: Mapping[str, Any], limits: Limits) -> Answer:
        """Make one attempt; raises CallError."""
        return await ask(self._client, "/responses", body, limits, read)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


CLIENT = Client(
    name="openai_responses",
    title="OpenAI Responses",
    translate=translate,
    adapt=adapt,
    thinks=thinks,
    locate=locate,
    ready=ready,
    batches=lambda config: OpenAIBatches(config, "/v1/responses", read),
    open=ResponsesSession,
    streaming={"stream": True},
)
