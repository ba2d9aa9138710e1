"""Anthropic Messages, and every server that speaks them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from audit.clients import (
    Answer,
    CallError,
    Client,
    Image,
    Limits,
    Message,
    NotReplayableError,
    Prompt,
    Tool,
    ToolCall,
    Translation,
)
from audit.clients._anthropic_batches import AnthropicBatches
from audit.clients._failures import bad_answer
from audit.clients._http import WHOLE, ask, need_key
from audit.clients._reading import lower_limit, string
from audit.clients._schemas import closed
from audit.config import EndpointConfig
from audit.wire.usage import from_anthropic

DEFAULT_URL = "https://api.anthropic.com"
OPENING = "(The conversation begins.)"
JSON_ONLY = "Answer with one JSON object and nothing else."
_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
}
_EFFORTS = {"none": "low", "minimal": "low"}
_THINKING = re.compile(
    r"(?:opus|sonnet|haiku|fable|mythos)-(?:[5-9]|[1-9]\d)(?!\d)|opus-4-[7-9](?!\d)|thinking", re.IGNORECASE
)


def thinks(model: str) -> bool:
    """Whether a model of this name thinks unasked, in output tokens (Opus 4.7 and the generations after 4)."""
    return bool(_THINKING.search(model.replace(".", "-")))


def translate(prompt: Prompt, model: str, limits: Limits) -> Translation:
    """A Messages body."""
    lossy: list[str] = []
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": limits.max_output_tokens,
        "messages": _messages(prompt.messages, lossy),
    }
    system = [text for text in prompt.system if text.strip()]
    if prompt.json_object:
        system.append(JSON_ONLY)
        lossy.append("JSON mode is an instruction in this API")
    if system:
        body["system"] = [{"type": "text", "text": text} for text in system]
    if stops := [text for text in prompt.stop if text.strip()]:
        body["stop_sequences"] = stops
    if len(stops) < len(prompt.stop):
        lossy.append("stop sequences of white space are not taken by this API")
    if prompt.tools:
        body["tools"] = [_tool(tool, lossy) for tool in prompt.tools]
        if choice := _tool_choice(prompt):
            body["tool_choice"] = choice
    _sampling(prompt, body, lossy)
    _output(prompt, model, body, lossy)
    return Translation(body, tuple(dict.fromkeys(lossy)))


def _messages(messages: tuple[Message, ...], lossy: list[str]) -> list[dict[str, Any]]:
    """Turns of blocks, the user's first; results of tools belong to the user's turn, and turns of one role are one."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(message, lossy)
        if not blocks:
            continue
        if not turns and role == "assistant":
            turns.append({"role": "user", "content": [{"type": "text", "text": OPENING}]})
            lossy.append("a turn of the user is put before the assistant's first, since this API wants one")
        if not turns or turns[-1]["role"] != role:
            turns.append({"role": role, "content": []})
        turns[-1]["content"].extend(blocks)
    if not turns:
        raise NotReplayableError("it holds only white space")
    return turns


def _blocks(message: Message, lossy: list[str]) -> list[dict[str, Any]]:
    """Content of a turn; this API refuses texts of white space alone."""
    if message.role == "tool":
        content = "\n".join(message.texts)
        return [{"type": "tool_result", "tool_use_id": message.call_id, "content": content}]
    blocks = [_block(part) for part in message.parts() if not isinstance(part, str) or part.strip()]
    if any(image.detail not in ("", "auto") for image in message.images):
        lossy.append("how closely to look at an image is not part of this API")
    for call in message.tool_calls:
        given = call.arguments if isinstance(call.arguments, dict) else {"value": call.arguments}
        if given is not call.arguments:
            lossy.append("arguments of a tool call that are no JSON object are sent inside one")
        blocks.append({"type": "tool_use", "id": call.call_id, "name": call.name, "input": given})
    return blocks


def _block(part: str | Image) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    source = {"type": "base64", "media_type": part.media_type, "data": part.data}
    return {"type": "image", "source": {"type": "url", "url": part.url} if part.url else source}


def _tool(tool: Tool, lossy: list[str]) -> dict[str, Any]:
    schema = {"type": "object", **tool.schema}
    made: dict[str, Any] = {"name": tool.name, "input_schema": closed(schema, lossy) if tool.strict else schema}
    if tool.description:
        made["description"] = tool.description
    if tool.strict:
        made["strict"] = True
    return made


def _tool_choice(prompt: Prompt) -> dict[str, Any] | None:
    choice = prompt.tool_choice
    if choice is None and prompt.parallel_tool_calls is not False:
        return None
    made: dict[str, Any]
    if choice is not None and choice.startswith("tool:"):
        made = {"type": "tool", "name": choice.removeprefix("tool:")}
    else:
        made = {"type": {"required": "any", "none": "none"}.get(choice or "auto", "auto")}
    if prompt.parallel_tool_calls is False and made["type"] != "none":
        made["disable_parallel_tool_use"] = True
    return made


def _sampling(prompt: Prompt, body: dict[str, Any], lossy: list[str]) -> None:
    if prompt.temperature is not None:
        body["temperature"] = min(1.0, prompt.temperature)
        if prompt.temperature > 1:
            lossy.append("temperature above 1 is sent as 1")
    if prompt.top_p is not None and prompt.temperature is None:
        body["top_p"] = prompt.top_p
    elif prompt.top_p is not None and prompt.top_p != 1:
        lossy.append("top_p is left out beside a temperature")
    if prompt.top_k is not None:
        body["top_k"] = prompt.top_k
    foreign = ("seed", "frequency_penalty", "presence_penalty", "verbosity")
    lossy.extend(f"{name} is not part of this API" for name in foreign if getattr(prompt, name) not in (None, 0))


def _output(prompt: Prompt, model: str, body: dict[str, Any], lossy: list[str]) -> None:
    config: dict[str, Any] = {}
    if prompt.json_schema is not None:
        config["format"] = {"type": "json_schema", "schema": closed(prompt.json_schema, lossy)}
    if prompt.reasoning_effort is not None and thinks(model):
        config["effort"] = _EFFORTS.get(prompt.reasoning_effort, prompt.reasoning_effort)
    elif prompt.reasoning_effort is not None:
        lossy.append("reasoning effort is not taken by this model")
    if config:
        body["output_config"] = config
    if prompt.thinking is not None and _amid_tools(prompt):
        # with thinking on, a turn that called tools must show its thinking, and no log holds that signed
        lossy.append("thinking is left off amid calls of tools, since the thinking before them can't be sent again")
    elif prompt.thinking is not None:
        body["thinking"] = dict(prompt.thinking)
        budget = prompt.thinking.get("budget_tokens")
        if isinstance(budget, int) and budget >= body["max_tokens"]:
            body["thinking"]["budget_tokens"] = max(1024, body["max_tokens"] - 1024)


def _amid_tools(prompt: Prompt) -> bool:
    """Whether the assistant's last turn called tools."""
    last = next((message for message in reversed(prompt.messages) if message.role == "assistant"), None)
    return last is not None and bool(last.tool_calls)


def adapt(body: dict[str, Any], failure: CallError) -> str | None:
    """Change a refused body so that the model takes it; says what was lost, None when nothing can be done."""
    name = failure.parameter
    if name == "max_tokens":
        return lower_limit(body, "max_tokens", failure.message)
    if name == "effort" or (name == "output_config" and "effort" in failure.message):
        body.get("output_config", {}).pop("effort", None)
        return "reasoning effort is not taken by this model"
    if name in ("json_schema", "output_config") and body.get("output_config", {}).pop("format", None) is not None:
        if not body["output_config"]:
            del body["output_config"]
        return "the JSON schema is not taken by this model"
    if name == "tool_choice" and body.get("tool_choice", {}).get("type") in ("any", "tool"):
        body["tool_choice"] = {"type": "auto"}
        return "this model can't be forced to call a tool"
    if name == "stream":
        return WHOLE if body.pop(name, None) else None
    if name is None or name not in body:
        return None
    del body[name]
    return f"{name} is not taken by this model"


def read(data: Mapping[str, Any], headers: Mapping[str, str], seconds: float) -> Answer:
    """The answer in a Messages body; raises CallError when there is none."""
    content = data.get("content")
    if not isinstance(content, list):
        raise bad_answer("the endpoint answered without content")
    texts: list[str] = []
    calls: list[ToolCall] = []
    for block in content:
        kind = block.get("type") if isinstance(block, dict) else None
        if kind == "text" and isinstance(block.get("text"), str):
            texts.append(block["text"])
        elif kind == "tool_use":
            calls.append(
                ToolCall(string(block.get("name")) or "", block.get("input") or {}, string(block.get("id")) or "")
            )
    reason = string(data.get("stop_reason"))
    usage = data.get("usage")
    return Answer(
        text="".join(texts),
        tool_calls=tuple(calls),
        finish_reason=_FINISH.get(reason or "", reason),
        usage=from_anthropic(usage) if isinstance(usage, dict) else None,
        response_model=string(data.get("model")),
        response_id=string(data.get("id")),
        duration=seconds,
        headers=headers,
    )


def locate(config: EndpointConfig) -> str:
    """Base URL the content would go to."""
    return config.base_url or os.environ.get("ANTHROPIC_BASE_URL") or DEFAULT_URL


def ready(config: EndpointConfig) -> None:
    """Raises ReplayError when the key of the endpoint is not in the environment."""
    need_key(config, _key_env(config))


def _key_env(config: EndpointConfig) -> str:
    return config.key_env or ("" if config.base_url else "ANTHROPIC_API_KEY")


def connect(config: EndpointConfig) -> Any:
    """An AsyncAnthropic client that retries nothing by itself and reads nothing from the environment but the key."""
    from anthropic import AsyncAnthropic

    ready(config)
    key_env = _key_env(config)
    return AsyncAnthropic(
        base_url=locate(config),
        api_key=os.environ[key_env] if key_env else "none",
        max_retries=0,
        default_headers=dict(config.headers) or None,
        open_telemetry=False,
    )


class MessagesSession:
    """An open Messages endpoint."""

    def __init__(self, config: EndpointConfig) -> None:
        self._client = connect(config)

    async def send(self, body: Mapping[str, Any], limits: Limits) -> Answer:
        """Make one attempt; raises CallError."""
        return await ask(self._client, "/v1/messages", body, limits, read)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


CLIENT = Client(
    name="anthropic_messages",
    title="Anthropic Messages",
    translate=translate,
    adapt=adapt,
    thinks=thinks,
    locate=locate,
    ready=ready,
    batches=lambda config: AnthropicBatches(connect(config), read),
    streaming={"stream": True},
    open=MessagesSession,
)
