"""What kind of request a call is: an explicit tag, a prompt template, or the shape of its instructions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from audit.call import Call
from audit.hashes import content_hash, digest

_MASKED_CHARACTERS = 2_000
_KEPT = 50_000

_UUID = re.compile(r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b", re.IGNORECASE)
_HEX = re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,}\b", re.IGNORECASE)
_QUOTED = re.compile(
    r'"[^"\n]{0,400}"|“[^”\n]{0,400}”|‘[^’\n]{0,400}’|«[^»\n]{0,400}»|`[^`\n]{1,400}`'
    r"|(?<!\w)'[^'\n]{1,400}'(?!\w)"
)
_MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAYS = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?"
_DATE = re.compile(
    rf"\b(?:{_DAYS}\s+)?(?:\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTHS}(?:,?\s+\d{{2,4}})?"
    rf"|{_MONTHS}\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{2,4}})?|{_MONTHS}\s+\d{{4}})",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,:/\-T]\d+)*(?:Z|(?:\.\d+)?[ap]\.?m\.?\b)?", re.IGNORECASE)
_WEEKDAY = re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b", re.IGNORECASE)


def masked(text: str) -> str:
    """A prompt's first 2,000 characters with quoted strings, ids, dates and numbers replaced by marks."""
    text = text[:_MASKED_CHARACTERS]
    text = _UUID.sub("‹id›", text)
    text = _QUOTED.sub("‹quoted›", text)
    text = _HEX.sub("‹id›", text)
    text = _DATE.sub("‹date›", text)
    text = _WEEKDAY.sub("‹date›", text)
    text = _NUMBER.sub("‹n›", text)
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class Signature:
    """A workflow: its id, where it comes from (`tag`, `template`, `prompt`), its name or what to name it after."""

    workflow_id: int
    origin: str
    title: str


class Signatures:
    """Workflow signatures of one process; the masked form of each instruction text is worked out once."""

    def __init__(self) -> None:
        self._masks: dict[int, tuple[int, str]] = {}
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
        title = ""
        for at, segment in enumerate(call.segments, start):
            # what comes after the first message is no longer how the request was set up
            if segment.kind == "system":
                mask, opening = self._mask(hashes[at], segment.text)
                system.append(mask)
                title = title or opening
            elif segment.kind == "tools":
                tools.append(self._tool(hashes[at], segment.text))
            else:
                break
        # without text a workflow is at least one operation of one kind of model
        operation = "" if call.segments else call.operation_name
        shape: tuple[int | str, ...] = (*system, "tools", *sorted(set(tools)), response_format, operation)
        found = self._known.get(shape)
        if found is None:
            names = " ".join(sorted(set(tools))[:3])
            title = title or (f"tools {names}" if names else _fallback_title(call))
            found = self._keep(shape, Signature(digest("workflow", "prompt", *shape), "prompt", title))
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

    def _mask(self, key: int, text: str) -> tuple[int, str]:
        found = self._masks.get(key)
        if found is None:
            plain = masked(text)
            found = content_hash(plain), plain[:200]
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
