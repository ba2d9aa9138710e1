"""Ways to ask the current model less, or otherwise: each changes a prompt and is judged like a candidate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from audit.clients import Prompt
from audit.errors import ConfigError

CONCISE = "Answer as briefly as the task allows: no preamble, no repetition, no closing remarks."
USUAL_TURNS = 4
EFFORTS = ("none", "minimal", "low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Variant:
    """A named change of a prompt; `change` returns None where there is nothing to change."""

    name: str
    change: Callable[[Prompt], Prompt | None]


def variant(text: str) -> Variant:
    """The variant that `NAME` or `NAME=VALUE` means; raises ConfigError for one that is not known."""
    name, _, value = text.partition("=")
    if name == "concise" and not value:
        return Variant(text, _concise)
    if name == "trim-history" and (not value or (value.isdigit() and int(value) > 0)):
        turns = int(value or USUAL_TURNS)
        return Variant(f"trim-history={turns}", lambda prompt: _trim_history(prompt, turns))
    if name == "effort" and value in EFFORTS:
        return Variant(text, lambda prompt: _effort(prompt, value))
    known = f"concise, trim-history=N (messages kept before the last), effort={'|'.join(EFFORTS)}"
    raise ConfigError(f"unknown variant {text!r}", f"known: {known}")


def _concise(prompt: Prompt) -> Prompt:
    return replace(prompt, system=(*prompt.system, CONCISE))


def _effort(prompt: Prompt, effort: str) -> Prompt | None:
    return None if prompt.reasoning_effort == effort else replace(prompt, reasoning_effort=effort, thinking=None)


def _trim_history(prompt: Prompt, kept: int) -> Prompt | None:
    """The last `kept` messages before the last one, from a user's message on, so that no result loses its call."""
    start = max(0, len(prompt.messages) - 1 - kept)
    while start < len(prompt.messages) - 1 and prompt.messages[start].role != "user":
        start += 1
    return replace(prompt, messages=prompt.messages[start:]) if start else None
