"""Saved answers of servers people run themselves: Ollama and llama.cpp; vLLM answers in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Iterable

from audit.call import Outcome, Skip
from audit.readers import Reader, Record
from audit.wire import pair
from audit.wire.calls import from_pair
from audit.wire.columns import spellings


def _detect(record: Record) -> int:
    return pair.confidence(record, "ollama")


def _read(record: Record) -> Iterable[Outcome]:
    taken = pair.of(record)
    response = taken.response
    if isinstance(response, dict) and response.get("done") is False:
        # one piece of a stream; the row with done=true holds the counts
        return (Skip("stream_chunk"),)
    call = from_pair(taken, "ollama")
    if taken.bare and call.started_at_us is not None and call.duration is not None:
        # created_at is when the answer was finished
        call.started_at_us -= round(call.duration * 1e6)
    if call.provider_name is None:
        native = isinstance(response, dict) and ("timings" in response or "tokens_predicted" in response)
        call.provider_name = "llamacpp" if native else "ollama"
    return (call,)


READER = Reader(
    name="ollama",
    title="Ollama and llama.cpp (saved responses, request/response pairs)",
    signatures=(
        *spellings("response"),
        *spellings("request"),
        *spellings("messages"),
        frozenset({"done", "created_at"}),
        frozenset({"prompt_eval_count"}),
        frozenset({"eval_count"}),
        frozenset({"timings"}),
        frozenset({"tokens_predicted"}),
    ),
    detect=_detect,
    read=_read,
    unlock={
        "text": "log the request body (messages, options) beside the response",
        "user": "log a user id beside the pair: the server knows none",
        "cost": "set the cost of the machine in [[endpoint]]: own servers have no price list",
    },
)
