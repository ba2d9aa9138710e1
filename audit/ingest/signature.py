"""What kind of request a call is: an explicit tag, a prompt template, or the shape of its instructions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from audit.call import Call
from audit.hashes import content_hash, digest
from audit.masking import MASKED_CHARACTERS, masked

_ENDS = 200
_KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Signature:
    """A workflow: its id, where it comes from (`tag`, `template`, `prompt`), its name or what to name it after.

    Of prompts also how the masked instructions end, and a hash of everything else their workflow is told by.
    """

    workflow_id: int
    origin: str
    title: str
    ending: str | None = None
    shape: int | None = None


class Signatures:
    """Workflow signatures of one process; the masked form of each instruction text is worked out once."""

    def __init__(self) -> None:
        self._masks: dict[int, tuple[int, str, str]] = {}
        self._tools: dict[int, str] = {}
        self._known: dict[tuple[Any, ...], Signature] = {}

    def of(self, call: Call, hashes: list[int], start: int, response_format: str) -> Signature:
        """The workflow of a call; the content hashes of its segments stand in `hashes` from `start` on."""
        if call.feature:
            return self._named("tag", call.feature)
        if call.prompt_template:
            return self._named("template", call.prompt_template)
        system: list[int] = []
        tools: list[str] = []
        title = ending = ""
        for at, segment in enumerate(call.segments, start):
            # what comes after the first message is no longer how the request was set up
            if segment.kind == "system":
                mask, opening, ending = self._mask(hashes[at], segment.text)
                system.append(mask)
                title = title or opening
            elif segment.kind == "tools":
                tools.append(self._tool(hashes[at], segment.text))
            else:
                break
        # without text a workflow is at least one operation of one kind of model
        operation = "" if call.segments else call.operation_name
        rest = ("tools", *sorted(set(tools)), response_format, operation)
        shape: tuple[int | str, ...] = (*system, *rest)
        found = self._known.get(shape)
        if found is None:
            names = " ".join(sorted(set(tools))[:3])
            title = title or (f"tools {names}" if names else _fallback_title(call))
            key = digest("workflow", "prompt", *shape)
            found = self._keep(shape, Signature(key, "prompt", title, ending, digest("shape", *rest)))
        return found

    def _named(self, origin: str, name: str) -> Signature:
        found = self._known.get((origin, name))
        if found is None:
            found = self._keep((origin, name), Signature(digest("workflow", origin, name), origin, name[:200]))
        return found

    def _keep(self, shape: tuple[Any, ...], signature: Signature) -> Signature:
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[shape] = signature
        return signature

    def _mask(self, key: int, text: str) -> tuple[int, str, str]:
        """The hash of masked instructions, and how they begin and end."""
        found = self._masks.get(key)
        if found is None:
            plain = masked(text)
            last = plain if len(text) <= MASKED_CHARACTERS else masked(text[-2 * _ENDS :])
            found = content_hash(plain), plain[:_ENDS], last[-_ENDS:]
            if len(self._masks) >= _KEPT:
                self._masks.clear()
            self._masks[key] = found
        return found

    def _tool(self, key: int, text: str) -> str:
        name = self._tools.get(key)
        if name is None:
            name = _tool_name(text)
            if len(self._tools) >= _KEPT:
                self._tools.clear()
            self._tools[key] = name
        return name


def _tool_name(text: str) -> str:
    try:
        tool = orjson.loads(text)
        inner = tool.get("function", tool)
        name = inner.get("name") or tool.get("toolSpec", {}).get("name") or tool.get("type")
    except (ValueError, AttributeError):
        return text[:80]
    return str(name)[:80]


def _fallback_title(call: Call) -> str:
    if not call.segments:
        return f"{call.operation_name} without text"
    return "no instructions"
