"""Content parts of messages in every API flavour: text, media, tool calls and results, reasoning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from audit.call import Direction
from audit.wire.media import placeholder, without_data
from audit.wire.text import canonical
from audit.wire.transcript import Transcript

Part = Mapping[str, Any]
Handler = Callable[[Part, str, str, Transcript, Direction], None]


def read_content(content: Any, role: str, kind: str, out: Transcript, direction: Direction = "input") -> None:
    """Add the segments of a message's content: text, a part, or a list of either; `kind` is what its plain text is."""
    if type(content) is str:
        out.add(role, kind, content, direction)
    elif isinstance(content, list | tuple):
        for part in content:
            if type(part) is str:
                out.add(role, kind, part, direction)
            elif isinstance(part, dict):
                read_part(part, role, kind, out, direction)
            elif part is not None:
                out.add(role, kind, canonical(part), direction)
    elif isinstance(content, dict):
        read_part(content, role, kind, out, direction)
    elif content is not None:
        out.add(role, kind, canonical(content), direction)


def read_part(part: Part, role: str, kind: str, out: Transcript, direction: Direction = "input") -> None:
    """Add the segments of one content part of any flavour; a part of unknown shape is kept as canonical JSON."""
    handler = _TYPED.get(str(part.get("type")))
    if handler is None or (handler is _text and "text" not in part and "content" not in part):
        handler = next((found for key, found in _KEYED.items() if part.get(key) is not None), _unknown)
    before = len(out.segments)
    handler(part, role, kind, out, direction)
    control = part.get("cache_control") or part.get("prompt_cache_breakpoint")
    if control and len(out.segments) > before:
        out.mark_breakpoint(control, "5m" if "cache_control" in part else "30m")


def _text(part: Part, role: str, kind: str, out: Transcript, direction: Direction) -> None:
    text = part.get("text")
    if text is None:
        text = part.get("content")
    if isinstance(text, dict):
        # {"type": "text", "text": {"value": …}} of the Assistants API
        text = text.get("value")
    if part.get("thought") is True:
        kind = "reasoning"
    read_content(text, role, kind, out, direction)


def _refusal(part: Part, role: str, kind: str, out: Transcript, direction: Direction) -> None:
    read_content(part.get("refusal"), role, kind, out, direction)


def _image_url(part: Part, role: str, kind: str, out: Transcript, direction: Direction) -> None:
    url = part.get("image_url")
    detail = part.get("detail")
    if isinstance(url, dict):
        detail = url.get("detail", detail)
        url = url.get("url")
    if url is None:
        url = part.get("file_id") or part.get("image_file") or part.get("url")
    out.add_media(role, "image", url, direction)
    if detail and direction == "input":
        out.identify(f"detail={detail}")


def _source(part: Part, role: str, kind: str, out: Transcript, direction: Direction) -> None:
    """Anthropic image/document blocks and Bedrock image/document/video parts."""
    name = str(part.get("type") or next((key for key in ("image", "document", "video") if key in part), "file"))
    inner = part.get(name) if isinstance(part.get(name), dict) else part
    inner = inner if isinstance(inner, dict) else part
    source = inner.get("source")
    for extra in (inner.get("title"), inner.get("context")):
        read_content(extra, role, kind, out, direction)
    if not isinstance(source, dict):
        address = part.get("image_url") or part.get("image") or part.get("url") or part.get("data") or source
        out.add_media(role, name, address, direction)
    elif source.get("type") in ("text", "content"):
        read_content(source.get("data") or source.get("content"), role, kind, out, direction)
    else:
        mime = source.get("media_type") or inner.get("format") or name
        data = next((source[key] for key in ("data", "bytes", "url", "file_id", "s3Location") if source.get(key)), None)
        out.add_media(role, str(mime), data, direction)


def _audio(part: Part, role: str, kind: str, out: Transcript, direction: Direction) -> None:
    audio = part.get("input_audio") or part.get("audio") or part
    if not isinstance(audio, dict):
        audio = {"data": audio}
    data = audio.get("data") or audio.get("id") or audio.get("url")
    out.add_media(role, f"audio/{audio.get('format') or 'unknown'}", data, direction)
    read_content(audio.get("transcript"), role, kind, out, direction)


def _file(part: Part, role: str, kind: str, out: Transcript, direction: Direction) -> None:
    """OpenAI file parts, and the blob/file/uri parts of OpenTelemetry."""
    inner = part.get("file") if isinstance(part.get("file"), dict) else part
    inner = inner if isinstance(inner, dict) else part
    keys = ("file_data", "file_id", "file_url", "file_uri", "content", "data", "uri", "url")
    data = next((inner[key] for key in keys if inner.get(key)), None)
    mime = str(inner.get("mime_type") or inner.get("modality") or "file")
    out.add_media(role, mime, data, direction)
    if direction == "input":
        out.identify(inner.get("filename"))


def _gemini_data(part: Part, role: str, kind: str, out: Transcript, direction: Direction) -> None:
    for key in ("inlineData", "inline_data", "fileData", "file_data"):
        data = part.get(key)
        if isinstance(data, dict):
            mime = str(data.get("mimeType") or data.get("mime_type") or "file")
            body = data.get("data") or data.get("fileUri") or data.get("file_uri")
            out.add_media(role, mime, body, direction)
            return
    _unknown(part, role, kind, out, direction)


_CALL_KEYS = ("function", "toolUse", "functionCall", "function_call")


def read_tool_call(part: Part, role: str, out: Transcript, direction: Direction = "input") -> None:
    """Add one tool call of any flavour (`function`, `toolUse`, `functionCall`, or flat name and arguments)."""
    inner = next((part[key] for key in _CALL_KEYS if isinstance(part.get(key), dict)), part)
    arguments: Any = next(
        (inner[key] for key in ("arguments", "input", "args", "action") if inner.get(key) is not None), {}
    )
    out.add_tool_call(role, inner.get("name") or part.get("type"), arguments, direction)
    if direction == "input":
        own = part.get("id") or part.get("call_id") or inner.get("toolUseId") or inner.get("id")
        out.identify(own)
        out.called(part.get("call_id") or own)


def _tool_call(part: Part, role: str, kind: str, out: Transcript, direction: Direction) -> None:
    read_tool_call(part, role, out, direction)


def _tool_result(part: Part, role: str, kind: str, out: Transcript, direction: Direction) -> None:
    """The result of a tool in any flavour: `content`, `output`, `response` or `result`."""
    inner = next((part[key] for key in ("toolResult", "functionResponse", "function_response") if part.get(key)), part)
    inner = inner if isinstance(inner, dict) else part
    content = next(
        (inner[key] for key in ("content", "output", "response", "result") if inner.get(key) is not None), ""
    )
    if isinstance(content, dict) and "text" not in content and "type" not in content:
        content = canonical(without_data(content))
    # results of server-side tools are blocks the provider made; their text is inside typed entries
    start = len(out.segments)
    read_content(content, "tool", "tool_result", out, direction)
    if direction == "input":
        keys = ("tool_use_id", "call_id", "tool_call_id", "toolUseId", "id")
        out.resulted(next((inner[key] for key in keys if inner.get(key)), None), start)


def _reasoning(part: Part, role: str, kind: str, out: Transcript, direction: Direction) -> None:
    """Thinking blocks, reasoning items and parts; encrypted reasoning leaves a digest."""
    for key in ("thinking", "content", "summary", "text", "reasoning", "reasoning_content", "reasoningText"):
        found = part.get(key)
        if isinstance(found, dict):
            found = found.get("text") or (found.get("reasoningText") or {}).get("text")
        if found:
            read_content(found, role, "reasoning", out, direction)
            return
    sealed = part.get("data") or part.get("encrypted_content") or part.get("redactedContent")
    if isinstance(part.get("reasoningContent"), dict):
        _reasoning(part["reasoningContent"], role, kind, out, direction)
    elif sealed:
        out.add(role, "reasoning", placeholder("reasoning", sealed), direction)


def _cache_point(part: Part, role: str, kind: str, out: Transcript, direction: Direction) -> None:
    out.mark_breakpoint(part.get("cachePoint"))


def _json(part: Part, role: str, kind: str, out: Transcript, direction: Direction) -> None:
    out.add(role, kind, canonical(part.get("json")), direction)


def _guard(part: Part, role: str, kind: str, out: Transcript, direction: Direction) -> None:
    for key in ("guardContent", "citationsContent"):
        inner = part.get(key)
        if isinstance(inner, dict):
            read_content(inner.get("text") or inner.get("content") or inner.get("image"), role, kind, out, direction)


def _unknown(part: Part, role: str, kind: str, out: Transcript, direction: Direction) -> None:
    out.add(role, kind, canonical(without_data(dict(part))), direction)


_TYPED: dict[str, Handler] = {
    **dict.fromkeys(("text", "input_text", "output_text", "summary_text", "reasoning_text"), _text),
    "refusal": _refusal,
    **dict.fromkeys(("image_url", "input_image", "image_file"), _image_url),
    **dict.fromkeys(("image", "document", "video"), _source),
    **dict.fromkeys(("input_audio", "audio"), _audio),
    **dict.fromkeys(("file", "input_file", "blob", "uri", "video_url", "container_upload"), _file),
    **dict.fromkeys(
        ("tool_use", "server_tool_use", "mcp_tool_use", "tool_call", "function_call", "function"), _tool_call
    ),
    **dict.fromkeys(("custom_tool_call", "mcp_call", "web_search_call", "file_search_call"), _tool_call),
    **dict.fromkeys(
        ("computer_call", "code_interpreter_call", "local_shell_call", "image_generation_call"), _tool_call
    ),
    **dict.fromkeys(("tool_result", "mcp_tool_result", "tool_call_response", "function_call_output"), _tool_result),
    **dict.fromkeys(("custom_tool_call_output", "computer_call_output", "local_shell_call_output"), _tool_result),
    **dict.fromkeys(("web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result"), _tool_result),
    **dict.fromkeys(("thinking", "redacted_thinking", "reasoning"), _reasoning),
}
_KEYED: dict[str, Handler] = {
    "text": _text,
    **dict.fromkeys(("inlineData", "inline_data", "fileData", "file_data"), _gemini_data),
    **dict.fromkeys(("functionCall", "function_call", "toolUse"), _tool_call),
    **dict.fromkeys(("functionResponse", "function_response", "toolResult"), _tool_result),
    **dict.fromkeys(("image", "document", "video"), _source),
    **dict.fromkeys(("reasoningContent", "thinking"), _reasoning),
    "cachePoint": _cache_point,
    "json": _json,
    **dict.fromkeys(("guardContent", "citationsContent"), _guard),
    "image_url": _image_url,
    "content": _text,
}
