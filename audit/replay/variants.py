"""Ways to ask the current model less, or otherwise: each changes a prompt and is judged like a candidate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from audit.anatomy.examples import Example, examples
from audit.anatomy.passages import Passage, passages
from audit.clients import Prompt
from audit.errors import ConfigError
from audit.replay.compression import compressor
from audit.replay.templates import edit

CONCISE = "Answer as briefly as the task allows: no preamble, no repetition, no closing remarks."
COMPACT = "Answer with one compact JSON object: no line breaks or indentation, no text around it."
USUAL_TURNS = 4
EFFORTS = ("none", "minimal", "low", "medium", "high")


KNOWN = (
    "concise, json, compress, trim-history=N (messages kept before the last), few-shot=N (examples kept), top-k=N "
    f"(retrieved passages kept), effort={'|'.join(EFFORTS)}, template=FILE (Jinja2)"
)


@dataclass(frozen=True, slots=True)
class Variant:
    """A named change of a prompt; `change` returns None where there is nothing to change."""

    name: str
    change: Callable[[Prompt], Prompt | None]


def variant(text: str) -> Variant:
    """The variant that `NAME` or `NAME=VALUE` means.

    Raises ConfigError for one that is not known, ReplayError for one whose packages are not installed.
    """
    name, _, value = text.partition("=")
    plain = {"concise": _concise, "json": _json}
    if name in plain and not value:
        return Variant(name, plain[name])
    if name == "compress" and not value:
        return Variant(name, compressor())
    if name == "trim-history" and not value:
        value = str(USUAL_TURNS)
    least = {"trim-history": (1, _trim_history), "few-shot": (0, _few_shot), "top-k": (1, _top_k)}
    if name in least and value.isdecimal() and int(value) >= least[name][0]:
        kept, change = int(value), least[name][1]
        return Variant(f"{name}={kept}", lambda prompt: change(prompt, kept))
    if name == "effort" and value in EFFORTS:
        return Variant(text, lambda prompt: _effort(prompt, value))
    if name == "template" and value:
        return Variant(*edit(value))
    raise ConfigError(f"unknown variant {text!r}", f"known: {KNOWN}")


def _concise(prompt: Prompt) -> Prompt:
    return replace(prompt, system=(*prompt.system, CONCISE))


def _json(prompt: Prompt) -> Prompt:
    free = prompt.json_schema is None
    return replace(prompt, system=(*prompt.system, COMPACT), json_object=prompt.json_object or free)


def _few_shot(prompt: Prompt, kept: int) -> Prompt | None:
    """The first `kept` examples of every text that shows some."""
    return _cut(prompt, examples, kept, ("user", "assistant"))


def _top_k(prompt: Prompt, kept: int) -> Prompt | None:
    """The first `kept` retrieved passages of every text that holds some; retrieval puts the best first."""
    return _cut(prompt, passages, kept, ("user", "tool"))


def _cut(
    prompt: Prompt, find: Callable[[str], Sequence[Example | Passage]], kept: int, roles: Sequence[str]
) -> Prompt | None:
    def shorter(text: str) -> str:
        return _without(text, find(text), kept)

    changed = replace(
        prompt,
        system=tuple(map(shorter, prompt.system)),
        messages=tuple(
            replace(each, texts=tuple(map(shorter, each.texts))) if each.role in roles else each
            for each in prompt.messages
        ),
    )
    return None if changed == prompt else changed


def _without(text: str, parts: Sequence[Example | Passage], kept: int) -> str:
    """A text without the parts after the first `kept`, nor the commas and blank space before them."""
    made, last = [], 0
    for place, part in enumerate(parts):
        gap = text[last : part.start]
        if place < kept or gap.strip(" \t\r\n,"):
            made.append(gap)
        if place < kept:
            made.append(text[part.start : part.end])
        last = part.end
    return "".join((*made, text[last:]))


def _effort(prompt: Prompt, effort: str) -> Prompt | None:
    return None if prompt.reasoning_effort == effort else replace(prompt, reasoning_effort=effort, thinking=None)


def _trim_history(prompt: Prompt, kept: int) -> Prompt | None:
    """The last `kept` messages before the last one, from a user's message on, so that no result loses its call."""
    start = max(0, len(prompt.messages) - 1 - kept)
    while start < len(prompt.messages) - 1 and prompt.messages[start].role != "user":
        start += 1
    return replace(prompt, messages=prompt.messages[start:]) if start else None
