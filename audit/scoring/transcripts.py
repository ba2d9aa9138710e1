"""Requests as a person or a judge reads them: the turns before the answer, and the logged answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from audit.store import Store
from audit.wire.text import read_json

_SEGMENTS = """
SELECT s.request_id, s.direction, s.role, s.kind, c.text
FROM segment AS s
JOIN content AS c ON c.content_hash = s.content_hash
JOIN transcript_wanted AS t ON t.request_id = s.request_id
WHERE s.kind NOT IN ('tools', 'reasoning')
ORDER BY s.request_id, s.position
"""


@dataclass(slots=True)
class Transcript:
    """One request: turns as (role, text) in order, and the parts of its logged answer.

    `calls` are the tool calls among those parts as JSON, `texts` the rest.
    """

    turns: list[tuple[str, str]] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """The logged answer."""
        return "\n".join(self.parts)


def transcripts(store: Store, request_ids: Sequence[int]) -> dict[int, Transcript]:
    """Transcripts by request; a text that was not kept is replaced by words that say so."""
    store.replace("transcript_wanted", pa.table({"request_id": pa.array(sorted(set(request_ids)), pa.int64())}))
    found = {request: Transcript() for request in request_ids}
    for row in store.rows(_SEGMENTS):
        text = row["text"] if row["text"] is not None else "(the text was not kept)"
        transcript = found[row["request_id"]]
        if row["direction"] != "output":
            transcript.turns.append((str(row["role"] or row["kind"]), text))
        elif row["kind"] == "tool_call":
            transcript.parts.append(call_text(text))
            transcript.calls.append(text)
        else:
            transcript.parts.append(text)
            transcript.texts.append(text)
    return found


def answer_text(text: str | None, tool_calls: str | None) -> str:
    """A replayed answer, written as logged ones are."""
    calls = [call_text(json.dumps(call, ensure_ascii=False)) for call in json.loads(tool_calls or "[]")]
    return "\n".join(filter(None, (text, *calls)))


def call_text(text: str) -> str:
    """A tool call (JSON) as both sides write it, so that its layout does not tell who made it."""
    try:
        call = read_json(text)
        arguments = call.get("arguments")
        if isinstance(arguments, str):
            arguments = read_json(arguments)
        return f"calls {call.get('name')}({json.dumps(arguments, ensure_ascii=False, sort_keys=True, indent=1)})"
    except (ValueError, AttributeError):
        return text
