"""Streams as the three APIs send them: events in their order, and how they are laid on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

Event = dict[str, Any]
DONE = "[DONE]"


def sse(events: Iterable[Event | str], *, newline: str = "\n", space: str = " ", lines: bool = False) -> bytes:
    """Server-sent events; named where the API names them. `lines` spreads each object over several lines of data."""
    made: list[str] = []
    for event in events:
        text = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False, indent=1 if lines else None)
        if isinstance(event, dict) and "type" in event and "choices" not in event:
            made.append(f"event:{space}{event['type']}{newline}")
        made.extend(f"data:{space}{line}{newline}" for line in text.split("\n"))
        made.append(newline)
    return "".join(made).encode()


def chunk(delta: Event | None = None, finish: str | None = None, **rest: Any) -> Event:
    """A chunk of chat completions."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    return {"id": "chatcmpl-9", "object": "chat.completion.chunk", "created": 1790000000, "model": "gpt-5-mini-2025",
            "service_tier": "default", "system_fingerprint": None, "choices": choices, "usage": None,
            "obfuscation": "x9", **rest}  # fmt: skip


def counts(prompt: int = 100, completion: int = 5, cached: int = 0, reasoning: int = 0) -> Event:
    """Usage in the words of chat completions."""
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0}}  # fmt: skip


def call_piece(index: int, arguments: str, call_id: str | None = None, name: str | None = None) -> Event:
    """A piece of a call in a chunk; its first says id and name."""
    head: Event = {"id": call_id, "type": "function"} if call_id else {}
    function = {"name": name, "arguments": arguments} if name else {"arguments": arguments}
    return {"tool_calls": [{"index": index, **head, "function": function}]}


def chat(*deltas: Event, finish: str = "stop", usage: Event | None = None) -> list[Event | str]:
    """A whole stream of chat completions, with the counts that were asked for."""
    body = [chunk({"role": "assistant", "content": "", "refusal": None}), *map(chunk, deltas), chunk({}, finish)]
    return [*body, chunk(usage=usage or counts()), DONE]


def response(status: str = "in_progress", output: Iterable[Event] = (), **rest: Any) -> Event:
    """A response object."""
    return {"id": "resp_9", "object": "response", "created_at": 1790000000, "status": status, "error": None,
            "incomplete_details": None, "model": "gpt-5-mini-2025", "output": list(output), "usage": None,
            **rest}  # fmt: skip


def used(input_tokens: int = 100, output_tokens: int = 5, cached: int = 0, reasoning: int = 0) -> Event:
    """Usage in the words of Responses."""
    return {"input_tokens": input_tokens, "input_tokens_details": {"cached_tokens": cached},
            "output_tokens": output_tokens, "output_tokens_details": {"reasoning_tokens": reasoning},
            "total_tokens": input_tokens + output_tokens}  # fmt: skip


def responses(
    events: Iterable[Event], output: Iterable[Event], *, end: str = "completed", **last: Any
) -> list[Event | str]:
    """A whole stream of Responses around the events of its items, numbered as they come."""
    listed = [
        {"type": "response.created", "response": response()},
        {"type": "response.in_progress", "response": response()},
        *events,
        {"type": f"response.{end}", "response": response(end, output, **({"usage": used()} | last))},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(listed)]


def message_item(text: str, kind: str = "output_text") -> Event:
    """A message of an output list."""
    part = {"type": kind, "refusal" if kind == "refusal" else "text": text}
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def text_events(*pieces: str, kind: str = "output_text") -> list[Event]:
    """The events of a message in Responses."""
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    word = "refusal" if kind == "refusal" else "text"
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **place, "part": {"type": kind, word: ""}},
        *({"type": f"response.{kind}.delta", **place, "delta": piece} for piece in pieces),
        {"type": f"response.{kind}.done", **place, word: "".join(pieces)},
        {"type": "response.output_item.done", "output_index": 0, "item": message_item("".join(pieces), kind)},
    ]


def block(index: int, start: Event, *deltas: Event) -> list[Event]:
    """The events of one block of a message."""
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text_block(index: int, *pieces: str) -> list[Event]:
    """A block of text."""
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in pieces))


def messages(
    *blocks: list[Event], stop: str = "end_turn", first: Event | None = None, last: Event | None = None
) -> list[Event | str]:
    """A whole stream of Messages; `first` and `last` are more of its two counts, the second cumulative."""
    opening = {"input_tokens": 100, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 1}
    message = {"id": "msg_9", "type": "message", "role": "assistant", "model": "claude-haiku-4-5-20251001",
               "content": [], "stop_reason": None, "stop_sequence": None, "usage": opening | (first or {})}  # fmt: skip
    inner = [event for each in blocks for event in each]
    return [
        {"type": "message_start", "message": message},
        *inner[:1],
        {"type": "ping"},
        *inner[1:],
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": None},
            "usage": {"output_tokens": 5} | (last or {}),
        },
        {"type": "message_stop"},
    ]


def said(path: str, text: str) -> list[Event | str]:
    """A text as a stream of the API of a path."""
    pieces = [text[:3], text[3:]]
    if path.endswith(("/messages", ":streamRawPredict")):
        return messages(text_block(0, *pieces))
    if path.endswith("/responses"):
        return responses(text_events(*pieces), [message_item(text)])
    return chat(*({"content": piece} for piece in pieces))
