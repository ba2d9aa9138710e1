"""The decoding settings a log holds, of whatever provider, as the fields of a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.clients import NotReplayableError
from audit.wire.text import maybe_json

_NUMBERS = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_WHOLE = ("top_k", "seed")
# settings that change nothing in what the model says, or are read elsewhere
_SILENT = frozenset(
    {
        "n", "logprobs", "top_logprobs", "include", "truncation", "stream", "modalities", "safetySettings",
        "safety_settings", "response_schema", "responseJsonSchema", "response_json_schema", "strict", "echo",
        "best_of", "betas", "max_tool_calls", "cachedContent", "num_ctx", "drop_params", "fallbacks", "mock_response",
        "additionalModelRequestFields", "guardrailConfig", "context_management", "prompt_cache_breakpoint",
    }
)  # fmt: skip
_READ = frozenset(
    {
        *_NUMBERS, *_WHOLE, "max_tokens", "stop", "response_format", "text", "output_config", "response_mime_type",
        "format", "guided_json", "tool_choice", "toolConfig", "tool_config", "functionCallingConfig",
        "function_calling_config", "function_call", "parallel_tool_calls", "reasoning_effort", "reasoning", "thinking",
        "verbosity", "web_search_options", "container", "audio",
    }
)  # fmt: skip


def settings(found: Mapping[str, Any], lossy: list[str]) -> dict[str, Any]:
    """Keyword arguments of `Prompt` from the `parameters` of a request; raises NotReplayableError.

    Settings no API shares are noted in `lossy`.
    """
    _refuse(found)
    made: dict[str, Any] = {}
    for name in _NUMBERS:
        value = _number(found.get(name))
        if value is not None:
            made[name] = value
    for name in _WHOLE:
        value = _number(found.get(name))
        if value is not None and value == int(value):
            made[name] = int(value)
    limit = _number(found.get("max_tokens"))
    if limit is not None and limit >= 1:
        made["max_output_tokens"] = int(limit)
    stop = found.get("stop")
    stops = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    made["stop"] = tuple(text for text in stops if isinstance(text, str) and text)
    made.update(_format(found))
    made.update(_tools(found, lossy))
    made.update(_reasoning(found, lossy))
    if (_number(found.get("n")) or 1) > 1:
        lossy.append("one answer is asked for where the log asked for several")
    lossy.extend(f"the setting {key[:40]} is not carried over" for key in sorted(found.keys() - _READ - _SILENT))
    return made


def _refuse(found: Mapping[str, Any]) -> None:
    modalities = found.get("modalities")
    if isinstance(modalities, list) and any(str(each).lower() not in ("text",) for each in modalities):
        raise NotReplayableError("the answer is not only text")
    if found.get("web_search_options") is not None or found.get("container") is not None:
        raise NotReplayableError("it uses a tool that only its provider has")


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if value == value and abs(value) < 1e12 else None


def _format(found: Mapping[str, Any]) -> dict[str, Any]:
    """The output format in any provider's words."""
    text = found.get("text")
    config = found.get("output_config")
    made: dict[str, Any] = {}
    if isinstance(text, Mapping) and isinstance(text.get("verbosity"), str):
        made["verbosity"] = text["verbosity"]
    elif isinstance(found.get("verbosity"), str):
        made["verbosity"] = found["verbosity"]
    holders = (
        found.get("response_format"),
        text.get("format") if isinstance(text, Mapping) else None,
        config.get("format") if isinstance(config, Mapping) else None,
        found.get("format"),
    )
    for holder in holders:
        if shape := _shape(maybe_json(holder)):
            if isinstance(config, Mapping) and holder is config.get("format"):
                # Anthropic has no wish for a schema: what is given is enforced
                shape.setdefault("json_schema_strict", True)
            return {**made, **shape}
    schema = next(
        (
            found[key]
            for key in ("response_schema", "responseJsonSchema", "response_json_schema", "guided_json")
            if isinstance(found.get(key), Mapping)
        ),
        None,
    )
    if schema is not None:
        return {**made, "json_schema": plain_schema(schema)}
    if found.get("response_mime_type") == "application/json":
        made["json_object"] = True
    return made


def _shape(holder: Any) -> dict[str, Any]:
    if holder in ("json", "json_object"):
        return {"json_object": True}
    if not isinstance(holder, Mapping):
        return {}
    kind = holder.get("type")
    if kind == "json_object":
        return {"json_object": True}
    inner = holder.get("json_schema") if isinstance(holder.get("json_schema"), Mapping) else holder
    schema = inner.get("schema") if isinstance(inner, Mapping) else None
    if isinstance(schema, Mapping) and isinstance(inner, Mapping):
        made: dict[str, Any] = {"json_schema": plain_schema(schema)}
        if isinstance(inner.get("name"), str):
            made["json_schema_name"] = inner["name"][:64]
        if isinstance(inner.get("strict"), bool):
            made["json_schema_strict"] = inner["strict"]
        return made
    if kind in ("object", "array") or "properties" in holder:
        # Ollama gives the schema itself
        return {"json_schema": plain_schema(holder)}
    return {}


def plain_schema(schema: Any) -> Any:
    """A JSON schema with the type names of JSON Schema, where Gemini writes them in capitals."""
    if isinstance(schema, list):
        return [plain_schema(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {str(key): plain_schema(value) for key, value in schema.items()}
    if isinstance(made.get("type"), str) and made["type"].isupper():
        made["type"] = made["type"].lower()
    return made


def _tools(found: Mapping[str, Any], lossy: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if isinstance(found.get("parallel_tool_calls"), bool):
        made["parallel_tool_calls"] = found["parallel_tool_calls"]
    choice = maybe_json(found.get("tool_choice", found.get("function_call")))
    for key in ("functionCallingConfig", "function_calling_config"):
        for holder in (found, found.get("toolConfig"), found.get("tool_config")):
            if isinstance(holder, Mapping) and isinstance(holder.get(key), Mapping):
                choice = holder[key]
    if isinstance(choice, Mapping) and choice.get("disable_parallel_tool_use") is True:
        made["parallel_tool_calls"] = False
    word = _choice(choice)
    if word is not None:
        made["tool_choice"] = word
    elif choice:
        lossy.append("the tool choice is not carried over")
    return made


def _choice(choice: Any) -> str | None:
    """auto, none, required or `tool:NAME` of a tool choice in any provider's words."""
    words = {"auto": "auto", "none": "none", "required": "required", "any": "required", "validated": "auto"}
    if isinstance(choice, str):
        return words.get(choice.lower())
    if not isinstance(choice, Mapping):
        return None
    inner = next((choice[key] for key in ("function", "tool") if isinstance(choice.get(key), Mapping)), choice)
    if isinstance(inner.get("name"), str):
        return f"tool:{inner['name']}"
    allowed = choice.get("allowedFunctionNames") or choice.get("allowed_function_names")
    if isinstance(allowed, list) and len(allowed) == 1 and isinstance(allowed[0], str):
        return f"tool:{allowed[0]}"
    for key in ("type", "mode"):
        if isinstance(choice.get(key), str):
            return words.get(choice[key].lower())
    return next((words[key] for key in ("auto", "any") if key in choice), None)


def _reasoning(found: Mapping[str, Any], lossy: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    effort = found.get("reasoning_effort")
    if isinstance(effort, str):
        made["reasoning_effort"] = effort
    thinking = found.get("thinking")
    if isinstance(thinking, Mapping) and isinstance(thinking.get("type"), str):
        made["thinking"] = {key: thinking[key] for key in ("type", "budget_tokens") if thinking.get(key) is not None}
    elif thinking is not None:
        lossy.append("the setting thinking is not carried over")
    return made
