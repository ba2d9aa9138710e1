"""Conversations as they are published (LMSYS-Chat, WildChat, Chatbot Arena): each answer was a call of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.readers._gateway import put_time
from audit.wire.columns import layout
from audit.wire.messages import role_of, transcript
from audit.wire.text import label, maybe_json

_IDS = ("conversation_id", "conversation_hash", "question_id", "id")
_COUNTED = frozenset({"usage", "input_tokens", "output_tokens"})
_SIDES = (("model", "conversation"), ("model_a", "conversation_a"), ("model_b", "conversation_b"))


def _detect(record: Record) -> int:
    if not _COUNTED.isdisjoint(layout(tuple(record))):
        # a call that was counted as one, whatever was said before
        return 0
    return 15 if any(label(record.get(model)) and _turns(record.get(held)) for model, held in _SIDES) else 0


def _turns(value: Any) -> list[Mapping[str, Any]]:
    """The turns of a conversation; empty for anything else."""
    turns = maybe_json(value)
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        return []
    return turns if any("content" in turn or "value" in turn for turn in turns) else []


def _read(record: Record) -> Iterable[Outcome]:
    calls = [
        _call(record, model, held, turns, place)
        for model, held in _SIDES
        if (turns := _turns(record.get(held)))
        for place, turn in enumerate(turns)
        if role_of(turn) in ("assistant", "gpt")
    ]
    return calls or (Skip("not_an_llm_call"),)


def _call(record: Record, model: str, held: str, turns: list[Mapping[str, Any]], place: int) -> Call:
    """The call that gave the answer at `place`: all before it was its prompt."""
    name = next((found for key in _IDS if (found := label(record.get(key)))), None)
    call = Call(system="conversation", request_model=label(record.get(model)))
    call.native_id = f"{name}/{held}/{place}" if name else None
    transcript({"messages": turns[:place]}, turns[place]).apply(call)
    put_time(call, turns[place].get("timestamp"), record.get("timestamp"), record.get("tstamp"))
    call.conversation_id = f"{name}/{held}" if name else None
    asked = next((turn for turn in reversed(turns[:place]) if role_of(turn) == "user"), turns[0])
    call.user = label(asked.get("hashed_ip")) or label(record.get("hashed_ip")) or label(record.get("judge"))
    if label(record.get("language")):
        call.tags["language"] = label(record.get("language"))
    return call


READER = Reader(
    name="conversations",
    title="Published conversations (LMSYS-Chat, WildChat, Chatbot Arena), a call for each answer",
    signatures=tuple(frozenset(pair) for pair in _SIDES),
    detect=_detect,
    read=_read,
    unlock={
        "usage": "conversations hold no token counts: log the API's responses whole",
        "cache_tokens": "conversations hold no token counts: log the API's responses whole",
        "latency": "conversations hold no durations: log your own requests",
    },
)
