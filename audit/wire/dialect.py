"""Which API a request and its response speak, judged by their keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from audit.wire.counts import part

Dialect = Literal[
    "chat", "responses", "embeddings", "anthropic", "gemini", "converse", "ollama", "rerank", "transcription"
]

_OBJECTS: dict[str, Dialect] = {
    "chat.completion": "chat",
    "chat.completion.chunk": "chat",
    "text_completion": "chat",
    "response": "responses",
    "realtime.response": "responses",
}
_NONE: Mapping[str, Any] = {}


def of_pair(request: Any, response: Any) -> Dialect | None:
    """The API of a request body and a response body (either may be missing); None when neither speaks of a model."""
    return of_response(response) or of_request(request)


def of_response(response: Any) -> Dialect | None:
    """The API of a (joined) response body; None when its keys don't tell."""
    if not isinstance(response, dict):
        return None
    name = response.get("object")
    if type(name) is str and name in _OBJECTS:
        return _OBJECTS[name]
    kind = response.get("type")
    if kind == "message" and ("content" in response or "usage" in response):
        return "anthropic"
    if kind == "error" and isinstance(response.get("error"), dict):
        return "anthropic"
    for key, dialect in _TELLING.items():
        if key in response:
            found = dialect(response)
            if found is not None:
                return found
    return None


def _by_output(response: Mapping[str, Any]) -> Dialect | None:
    output = response["output"]
    if isinstance(output, list):
        first = output[0] if output else _NONE
        return "responses" if isinstance(first, dict) and "type" in first else None
    return "converse" if isinstance(output, dict) and isinstance(output.get("message"), dict) else None


def _by_data(response: Mapping[str, Any]) -> Dialect | None:
    data = response["data"]
    if not isinstance(data, list) or "usage" not in response:
        return None
    first = data[0] if data else _NONE
    return "embeddings" if isinstance(first, dict) and ("embedding" in first or "object" in first) else "chat"


def _by_results(response: Mapping[str, Any]) -> Dialect | None:
    results = response["results"]
    first = results[0] if isinstance(results, list) and results else _NONE
    return "rerank" if isinstance(first, dict) and {"index", "relevance_score"} <= first.keys() else None


def _by_text(response: Mapping[str, Any]) -> Dialect | None:
    usage = part(response.get("usage"))
    return "transcription" if usage.get("type") in ("duration", "tokens") else None


def _by_done(response: Mapping[str, Any]) -> Dialect | None:
    return "ollama" if any(key in response for key in ("eval_count", "message", "response", "total_duration")) else None


def _by_stop(response: Mapping[str, Any]) -> Dialect | None:
    return "anthropic" if "content" in response else None


_TELLING: dict[str, Callable[[Mapping[str, Any]], Dialect | None]] = {
    "candidates": lambda response: "gemini",
    "usageMetadata": lambda response: "gemini",
    "usage_metadata": lambda response: None if "input_tokens" in part(response["usage_metadata"]) else "gemini",
    "promptFeedback": lambda response: "gemini",
    "choices": lambda response: "chat" if isinstance(response["choices"], list) else None,
    "stopReason": lambda response: "converse",
    "output": _by_output,
    "stop_reason": _by_stop,
    "done": _by_done,
    "prompt_eval_count": lambda response: "ollama",
    "timings": lambda response: "ollama" if isinstance(response["timings"], dict) else None,
    "tokens_predicted": lambda response: "ollama",
    "embeddings": lambda response: "embeddings",
    "data": _by_data,
    "results": _by_results,
    "text": _by_text,
}


def of_request(request: Any) -> Dialect | None:
    """The API of a request body; None when its keys don't tell."""
    if isinstance(request, list):
        return "chat" if request and all(isinstance(item, dict) and "role" in item for item in request) else None
    if not isinstance(request, dict):
        return None
    if isinstance(request.get("contents"), list | str):
        return "gemini"
    if "messages" in request:
        return _by_messages(request)
    if "modelId" in request:
        return "converse"
    model = request.get("model")
    if not isinstance(model, str):
        return None
    if "input" in request:
        return "embeddings" if "embed" in model.lower() or "encoding_format" in request else "responses"
    return "chat" if "prompt" in request else None


def _by_messages(request: Mapping[str, Any]) -> Dialect | None:
    if "anthropic_version" in request or "inferenceConfig" in request:
        return "anthropic" if "anthropic_version" in request else "converse"
    model = request.get("model")
    if isinstance(model, str) and "claude" in model.lower() and "max_tokens" in request and "/" not in model:
        return "anthropic"
    tools = request.get("tools")
    first = tools[0] if isinstance(tools, list) and tools else _NONE
    if "system" in request or (isinstance(first, dict) and "input_schema" in first):
        return "anthropic"
    messages = request["messages"]
    if isinstance(messages, list):
        options = request.get("options")
        return "ollama" if isinstance(options, dict) and "num_ctx" in options else "chat"
    return None
