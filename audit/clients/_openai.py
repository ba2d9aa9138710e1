"""What both OpenAI flavours share: opening an endpoint, reasoning models, tools, refused parameters."""

from __future__ import annotations

import json
import os
import re
from typing import Any

from audit.clients import CallError, Prompt, Tool, ToolCall
from audit.clients._http import WHOLE, need_key
from audit.clients._reading import lower_limit
from audit.clients._schemas import fully_required
from audit.config import EndpointConfig

DEFAULT_URL = "https://api.openai.com/v1"

_THINKING = re.compile(
    r"(?:^|[/:])(?:o[1-9](?:-|$)|gpt-5(?!.*-chat)|gpt-oss|deepseek-r|qwq|qwen3|magistral|grok-4|gemini-(?:2\.5|3))"
    r"|thinking|reason(?:er|ing)|-r1(?:\b|-)",
    re.IGNORECASE,
)
_STRICT = re.compile(r"(?:^|[/:])(?:o[1-9](?:-|$)|gpt-5(?!.*-chat))", re.IGNORECASE)
SAMPLING = ("temperature", "top_p", "frequency_penalty", "presence_penalty")


def thinks(model: str) -> bool:
    """Whether a model of this name reasons unasked, in output tokens."""
    return bool(_THINKING.search(model))


def takes_no_sampling(model: str) -> bool:
    """Whether a model of this name (o-series, gpt-5) refuses temperature, penalties, stop and `max_tokens`."""
    return bool(_STRICT.search(model))


def locate(config: EndpointConfig) -> str:
    """Base URL the content would go to."""
    return config.base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL


def ready(config: EndpointConfig) -> None:
    """Raises ReplayError when the key of the endpoint is not in the environment."""
    need_key(config, _key_env(config))


def _key_env(config: EndpointConfig) -> str:
    """Variable that holds the key: the configured one, OPENAI_API_KEY for OpenAI itself, none for other servers."""
    return config.key_env or ("" if config.base_url else "OPENAI_API_KEY")


def connect(config: EndpointConfig) -> Any:
    """An AsyncOpenAI client that retries nothing by itself and reads nothing from the environment but the key."""
    from openai import AsyncOpenAI

    ready(config)
    key_env = _key_env(config)
    client = AsyncOpenAI(
        base_url=locate(config),
        api_key=os.environ[key_env] if key_env else "none",
        max_retries=0,
        default_headers=dict(config.headers) or None,
    )
    if config.base_url:
        # ids of an OpenAI account are no business of another server
        client.organization = None
        client.project = None
    return client


def tool_choice(prompt: Prompt, named: Any) -> Any:
    """The tool choice in OpenAI's words; `named` wraps the name of one tool."""
    choice = prompt.tool_choice
    if choice is None or not prompt.tools:
        return None
    return named(choice.removeprefix("tool:")) if choice.startswith("tool:") else choice


def arguments_text(call: ToolCall) -> str:
    """Arguments as the JSON text OpenAI wants."""
    return call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments, ensure_ascii=False)


def sampling(prompt: Prompt, model: str, keys: tuple[str, ...], lossy: list[str]) -> dict[str, Any]:
    """The sampling settings the model takes; others are noted as lost."""
    refuses = takes_no_sampling(model)
    found: dict[str, Any] = {}
    for key in (*SAMPLING, "seed"):
        value = getattr(prompt, key)
        if value is None:
            continue
        if key not in keys or (refuses and key in SAMPLING):
            neutral = 0.0 if key.endswith("penalty") else 1.0
            if value != neutral:
                lossy.append(f"{key} is not taken by this model or API")
        else:
            found[key] = value
    if prompt.top_k is not None:
        lossy.append("top_k is not taken by this model or API")
    return found


def strict(prompt: Prompt, lossy: list[str]) -> bool | None:
    """Whether the schema of an answer is to be enforced; what can't be is sent as a wish, and noted."""
    if prompt.json_schema_strict and not fully_required(prompt.json_schema):
        lossy.append("the JSON schema is not enforced: this API enforces closed objects with all fields required")
        return False
    return prompt.json_schema_strict


def parameters(tool: Tool) -> dict[str, Any]:
    """The schema of a tool's arguments; it must be of an object."""
    return {"type": "object", **tool.schema}


def note_prefill(prompt: Prompt, lossy: list[str]) -> None:
    """The assistant's words at the end of a prompt are continued by other APIs, and answered by this one."""
    if prompt.messages[-1].role == "assistant":
        lossy.append("the assistant's last turn is not continued in this API, but followed by another")


def adapt(body: dict[str, Any], failure: CallError) -> str | None:
    """Change a refused body so that the model takes it; says what was lost, None when nothing can be done."""
    name = failure.parameter
    if name is None:
        return None
    if name == "stream_options":
        return None if body.pop(name, None) is None else ""
    if name == "stream":
        body.pop("stream_options", None)
        return WHOLE if body.pop(name, None) else None
    if name == "max_tokens" and "max_tokens" in body and "max_completion_tokens" in failure.message:
        body["max_completion_tokens"] = body.pop("max_tokens")
        return ""
    if name == "max_completion_tokens" and "max_completion_tokens" in body and "larg" not in failure.message:
        body["max_tokens"] = body.pop("max_completion_tokens")
        return ""
    if name in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
        limits = ("max_tokens", "max_completion_tokens", "max_output_tokens")
        return next((said for key in limits if (said := lower_limit(body, key, failure.message))), None)
    shape = body.get("response_format", {}).get("json_schema") or body.get("text", {}).get("format") or {}
    if name in ("response_format", "text.format", "json_schema", "strict") and shape.get("strict"):
        shape["strict"] = False
        return "the JSON schema is not enforced by this model"
    key = {"effort": "reasoning", "text.format": "text", "json_schema": "response_format"}.get(name, name)
    if key not in body:
        return None
    del body[key]
    return f"{key} is not taken by this model"
