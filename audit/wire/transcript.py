"""What the model saw and what it answered, gathered piece by piece in the order the model saw it."""

from __future__ import annotations

from typing import Any

from audit.call import Call, Direction, Segment, TextStatus
from audit.wire.media import from_url
from audit.wire.text import Damage, canonical, damage, maybe_json, repaired, worst_damage


class Transcript:
    """The segments of one call, the ids inside its messages, and doubts about its text.

    `partial` is set when a part of the prompt lives elsewhere (on the provider's server, in another table).
    """

    __slots__ = ("_calls", "_results", "damage", "flags", "identifiers", "partial", "segments")

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.identifiers: list[str] = []
        self.flags: list[str] = []
        self.partial = False
        self.damage: Damage | None = None
        self._calls: list[str] = []
        self._results: list[tuple[str, int, int]] = []

    def add(self, role: str, kind: str, text: str, direction: Direction = "input") -> None:
        """Append one piece; empty text adds nothing."""
        if not text:
            return
        if not text.isascii() or "\0" in text:
            fixed = repaired(text)
            if fixed is not text:
                text = fixed
                if "repaired_text" not in self.flags:
                    self.flags.append("repaired_text")
        self.segments.append(Segment(role, kind, text, direction))

    def add_media(self, role: str, kind: str, data: Any, direction: Direction = "input") -> None:
        """Append the placeholder of media given as base64, a `data:` URL, an address or an id; `kind` is its type."""
        if isinstance(data, str) and self.damage is None:
            self.damage = damage(data)
        self.add(role, "media", from_url(data, kind), direction)

    def add_tool_call(self, role: str, name: Any, arguments: Any, direction: Direction = "input") -> None:
        """Append a tool call as canonical JSON of its name and its decoded arguments."""
        call = {"arguments": maybe_json(arguments), "name": name}
        self.add(role, "tool_call", canonical(call), direction)

    def identify(self, value: Any) -> None:
        """Note an id that belongs to the exact body but not to its text."""
        if value is not None and value != "":
            self.identifiers.append(str(value)[:200])

    def called(self, value: Any) -> None:
        """Note the id by which a result will name the tool call just added."""
        self._calls.append(str(value))

    def resulted(self, value: Any, start: int) -> None:
        """Note that the segments from `start` on are the result of the tool call with this id (None: not said).

        A tool that returned nothing has an empty one, since a call without a result could not be asked again.
        """
        if len(self.segments) == start:
            self.segments.append(Segment("tool", "tool_result", "", "input"))
        if value is None:
            return
        self.identify(value)
        self._results.append((str(value), start, len(self.segments)))

    def _pair(self) -> None:
        """Put results that stand together into the order of their calls: it is by their order that they are paired.

        No API minds the order of results, since each names its call; ids would make every prompt another text.
        """
        rank = {name: place for place, name in enumerate(self._calls)}
        run: list[tuple[str, int, int]] = []
        for each in [*self._results, ("", -1, -1)]:
            if run and each[1] != run[-1][2]:
                self._sort(run, rank)
                run = []
            run.append(each)

    def _sort(self, run: list[tuple[str, int, int]], rank: dict[str, int]) -> None:
        if any(name not in rank for name, _, _ in run):
            return
        pieces = [self.segments[start:end] for _, start, end in sorted(run, key=lambda each: rank[each[0]])]
        old = self.segments[run[0][1] : run[-1][2]]
        if not any(segment.cache_breakpoint for segment in old):
            self.segments[run[0][1] : run[-1][2]] = [segment for piece in pieces for segment in piece]

    def mark_breakpoint(self, control: Any = None, default: str = "5m") -> None:
        """Mark the newest segment as the end of a cached prefix, with the life `control` asks for, else `default`."""
        if not self.segments:
            return
        newest = self.segments[-1]
        newest.cache_breakpoint = True
        ttl = control.get("ttl") if isinstance(control, dict) else None
        newest.cache_ttl = ttl if isinstance(ttl, str) else default

    def retain(self, life: str) -> None:
        """Note how long the provider was asked to keep the prompt, where it sets no breakpoint itself."""
        if self.segments and self.segments[-1].cache_ttl is None:
            self.segments[-1].cache_ttl = life[:20]

    def text_status(self) -> TextStatus:
        """Whether the text of the prompt is all there; `absent` when no input text was logged."""
        if not any(segment.direction == "input" for segment in self.segments):
            return "absent"
        worst = worst_damage(segment.text for segment in self.segments) or self.damage
        return worst or ("truncated" if self.partial else "full")

    def apply(self, call: Call) -> None:
        """Hand segments, identifiers, text status and flags to `call`."""
        if len(self._results) > 1:
            self._pair()
        call.segments = self.segments
        call.identifiers = self.identifiers
        call.text_status = self.text_status()
        if self.flags:
            call.flags.extend(self.flags)
