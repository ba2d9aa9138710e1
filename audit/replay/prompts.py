"""Prompts put together again from the audit file's segments, or the reason why one can't be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, TypeVar

import pyarrow as pa

from audit.clients import Image, Message, NotReplayableError, Prompt, Tool, ToolCall
from audit.replay.parameters import plain_schema, settings
from audit.replay.pictures import NOT_PICTURES, PLACEHOLDER, on_file
from audit.store import Store
from audit.wire.text import read_json

_WANTED = "CREATE OR REPLACE TEMP TABLE replay_wanted (request_id BIGINT)"
_TEXTS = """
CREATE OR REPLACE TEMP TABLE replay_text AS
SELECT w.request_id, s.position, s.role, s.kind, c.text
FROM replay_wanted AS w
JOIN segment AS s ON s.request_id = w.request_id AND s.direction = 'input'
JOIN content AS c ON c.content_hash = s.content_hash
ORDER BY w.request_id, s.position
"""
_ASKED = """
CREATE OR REPLACE TEMP TABLE replay_asked AS
SELECT r.request_id, r.parameters, r.reader, r.response_id, r.provider_name, r.request_model, r.response_model,
       r.price_provider, r.price_model, r.input_tokens, r.output_tokens, r.reasoning_output_tokens,
       COALESCE(r.request_stream, r.time_to_first_chunk < r.duration, FALSE) AS streamed
FROM replay_wanted AS w JOIN request AS r ON r.request_id = w.request_id
ORDER BY r.request_id
"""
_SEGMENTS = """
SELECT t.request_id, t.role, t.kind, t.text
FROM replay_text AS t JOIN replay_wanted AS w ON w.request_id = t.request_id
ORDER BY t.request_id, t.position
"""
_REQUESTS = "SELECT r.* FROM replay_asked AS r JOIN replay_wanted AS w ON w.request_id = r.request_id"
_HOSTED = "it uses a tool that only its provider has"

Each = TypeVar("Each")


@dataclass(frozen=True, slots=True)
class Logged:
    """A logged request: its prompt, or why it can't be asked again; where it went; tokens as logged (0 = none).

    `streamed`: the log says so or, where it says nothing, it timed a first chunk before the end.
    """

    request_id: int
    prompt: Prompt | None
    reason: str
    provider_name: str
    request_model: str
    response_model: str
    price: tuple[str, str] | None
    responses_api: bool
    input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    streamed: bool


def gather(store: Store, request_ids: Iterable[int]) -> None:
    """Copy the texts of these requests aside, in one pass over the log, for `load` to read a few at a time."""
    _want(store, sorted(set(request_ids)))
    store.run(_TEXTS)
    store.run(_ASKED)


def _want(store: Store, request_ids: Sequence[int]) -> None:
    store.run(_WANTED)
    store.write("replay_wanted", pa.table({"request_id": pa.array(request_ids, pa.int64())}))


def load(store: Store, request_ids: Sequence[int]) -> dict[int, Logged]:
    """The logged requests with these ids, of those gathered last."""
    _want(store, request_ids)
    rows = {row["request_id"]: row for row in store.rows(_REQUESTS)}
    segments = store.query(_SEGMENTS).to_pylist()
    media = [segment["text"] for segment in segments if segment["kind"] == "media" and segment["text"]]
    images = on_file(store, media) if media else {}
    grouped = {key: list(each) for key, each in groupby(segments, key=lambda segment: segment["request_id"])}
    return {request_id: _logged(row, grouped.get(request_id, []), images) for request_id, row in rows.items()}


def _logged(row: Mapping[str, Any], segments: list[dict[str, Any]], images: Mapping[str, Image]) -> Logged:
    prompt: Prompt | None = None
    reason = ""
    try:
        prompt = rebuild(segments, row["parameters"], images)
    except NotReplayableError as error:
        reason = error.reason
    return Logged(
        request_id=row["request_id"],
        prompt=prompt,
        reason=reason,
        provider_name=row["provider_name"] or row["price_provider"] or "",
        request_model=row["request_model"] or row["response_model"] or "",
        response_model=row["response_model"] or row["request_model"] or "",
        price=(row["price_provider"], row["price_model"]) if row["price_model"] else None,
        responses_api="responses" in (row["reader"] or "") or (row["response_id"] or "").startswith("resp_"),
        input_tokens=row["input_tokens"] or 0,
        output_tokens=row["output_tokens"] or 0,
        reasoning_tokens=row["reasoning_output_tokens"] or 0,
        streamed=row["streamed"],
    )


def rebuild(
    segments: Sequence[Mapping[str, Any]], parameters: str | None, images: Mapping[str, Image] | None = None
) -> Prompt:
    """A prompt from input segments (role, kind, text) in order and the request's parameters (JSON).

    `images` are those fetched so far, by digest. Raises NotReplayableError for what neither audit file nor log hold:
    sound, files, pictures that are gone, provider-side tools, results without calls.
    """
    draft = _Draft(images or {})
    for segment in segments:
        text = segment["text"]
        if text is None:
            raise NotReplayableError("the text was not kept")
        draft.add(str(segment["role"]), str(segment["kind"]), text)
    draft.finish()
    found = json.loads(parameters) if parameters else {}
    made = settings(found if isinstance(found, dict) else {}, draft.lossy)
    return Prompt(
        messages=tuple(draft.messages),
        system=tuple(draft.system),
        tools=tuple(draft.tools),
        lossy=tuple(dict.fromkeys(draft.lossy)),
        **made,
    )


@dataclass(slots=True)
class _Draft:
    """A prompt under construction; `pending` are ids of tool calls that wait for their results."""

    images: Mapping[str, Image]
    system: list[str] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    lossy: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    calls: int = 0

    def add(self, role: str, kind: str, text: str) -> None:
        """Take the next segment."""
        if kind == "tools":
            self.tools.append(tool(text))
        elif kind == "media":
            self._image(role, text)
        elif kind == "reasoning":
            self.lossy.append("reasoning of earlier turns is left out")
        elif kind == "tool_call":
            self._call(text)
        elif kind == "tool_result":
            self._result(text)
        elif role in ("system", "developer"):
            if self.messages:
                self.lossy.append("a system message inside the conversation is sent at its start")
            self.system.append(text)
        else:
            self._text(role, text)

    def _text(self, role: str, text: str) -> None:
        if role not in ("user", "assistant"):
            self.lossy.append("a message of another role is sent as the user's")
        speaker: Any = "assistant" if role == "assistant" else "user"
        last = self.messages[-1] if self.messages else None
        if last is not None and last.role == speaker and not last.tool_calls:
            self.messages[-1] = replace(last, texts=(*last.texts, text))
        else:
            self.messages.append(Message(speaker, (text,)))

    def _image(self, role: str, text: str) -> None:
        found = re.fullmatch(PLACEHOLDER, text)
        if found is None or role != "user":
            raise NotReplayableError(NOT_PICTURES)
        image = self.images.get(found.group(1))
        if image is not None and not image.data and not image.url:
            raise NotReplayableError("an image of it was not found in the log")
        last = self.messages[-1] if self.messages else None
        if last is None or last.role != "user":
            last = Message("user")
            self.messages.append(last)
        placed = replace(image or Image(found.group(1)), place=len(last.texts))
        self.messages[-1] = replace(last, images=(*last.images, placed))

    def _call(self, text: str) -> None:
        self.calls += 1
        data = _object(text)
        made = ToolCall(str(data.get("name") or ""), data.get("arguments"), f"call_{self.calls}")
        last = self.messages[-1] if self.messages else None
        if last is not None and last.role == "assistant":
            self.messages[-1] = Message("assistant", last.texts, (*last.tool_calls, made))
        else:
            self.messages.append(Message("assistant", (), (made,)))
        self.pending.append(made.call_id)

    def _result(self, text: str) -> None:
        last = self.messages[-1] if self.messages else None
        if self.pending:
            self.messages.append(Message("tool", (text,), call_id=self.pending.pop(0)))
        elif last is not None and last.role == "tool":
            # a result of several parts
            self.messages[-1] = Message("tool", (*last.texts, text), call_id=last.call_id)
        else:
            raise NotReplayableError("a tool's result stands without its call")

    def finish(self) -> None:
        """Check what only the whole can show."""
        if not self.messages:
            raise NotReplayableError("it holds no message")
        if self.pending:
            raise NotReplayableError("a tool's call stands without its result")


def tool(text: str) -> Tool:
    """A tool definition of any provider; raises NotReplayableError for tools that run at the provider."""
    data = _object(text)
    kind = data.get("type")
    inner = next((data[key] for key in ("function", "toolSpec") if isinstance(data.get(key), dict)), data)
    if kind not in (None, "function", "custom") or not isinstance(inner.get("name"), str) or "format" in inner:
        raise NotReplayableError(_HOSTED)
    schema: Any = next(
        (
            inner[key]
            for key in ("parameters", "input_schema", "inputSchema", "parametersJsonSchema", "parameters_json_schema")
            if isinstance(inner.get(key), dict)
        ),
        {"type": "object", "properties": {}},
    )
    if isinstance(schema.get("json"), dict):
        schema = schema["json"]
    description = inner.get("description")
    strict = inner.get("strict")
    return Tool(
        name=inner["name"],
        description=description if isinstance(description, str) else "",
        schema=plain_schema(schema),
        strict=strict if isinstance(strict, bool) else None,
    )


def _object(text: str) -> dict[str, Any]:
    try:
        data = read_json(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def chunks(ids: Sequence[Each], size: int = 64) -> Iterator[Sequence[Each]]:
    """The ids, or what goes with each, in runs of `size`: no more prompts are held than are about to be sent."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
