"""What every workflow shares: a calendar, its own random stream, and bodies in the three request shapes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Any

from audit.samples.calls import Call
from audit.samples.counting import MESSAGE_OVERHEAD, compact, count
from audit.samples.timetable import Calendar

SCHEMA_NAME = "answer"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where workflows get days and chance from; the same seed gives the same calls."""

    seed: int
    calendar: Calendar

    def rng(self, workflow: str) -> Random:
        """Return the random stream of one workflow, independent of all others."""
        return Random(f"{self.seed}/{workflow}")


def chat_request(model: str, messages: list[dict[str, str]], **parameters: Any) -> dict[str, Any]:
    """Return a chat completion body."""
    return {"model": model, "messages": messages, **parameters}


def chat_parts(request: dict[str, Any]) -> list[str]:
    """Return the texts of a chat body in the order the provider reads them."""
    schema = request.get("response_format")
    return ([compact(schema)] if schema else []) + [str(message["content"]) for message in request["messages"]]


def turn(role: str, content: str) -> dict[str, str]:
    """Return one chat message."""
    return {"role": role, "content": content}


def enum_format(key: str, labels: tuple[str, ...]) -> dict[str, Any]:
    """Return a strict response format that allows one label under one key."""
    schema = {
        "type": "object",
        "properties": {key: {"type": "string", "enum": list(labels)}},
        "required": [key],
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": SCHEMA_NAME, "strict": True, "schema": schema}}


def finish_call(call: Call, rng: Random, *, streamed: bool = False) -> Call:
    """Fill output tokens and latency of a call from its answer; failed calls generate nothing."""
    if call.failure is not None:
        call.latency_ms = round(lognormal(rng, 180, 0.5))
        return call
    answer = call.answer if isinstance(call.answer, str) else compact(call.answer)
    visible = count(answer) + (MESSAGE_OVERHEAD if not isinstance(call.answer, str) else 0)
    call.output_tokens = call.output_tokens or visible + call.reasoning_tokens
    first = lognormal(rng, 420, 0.35) + 9 * call.reasoning_tokens
    call.latency_ms = round(first + call.output_tokens * lognormal(rng, 11, 0.25))
    if streamed:
        call.first_token_ms = round(first)
    return call


def lognormal(rng: Random, median: float, sigma: float) -> float:
    """Return a log-normal draw around a median."""
    return median * math.exp(rng.gauss(0, sigma))


def environment(rng: Random, staging_share: float = 0.04) -> str:
    """Return production for most calls and staging for some test traffic."""
    return "staging" if rng.random() < staging_share else "production"
