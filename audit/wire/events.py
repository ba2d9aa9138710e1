"""Server-sent events as the text of a stream comes in: pieces of any length in, JSON objects out."""

from __future__ import annotations

from collections.abc import Iterator
from io import IncrementalNewlineDecoder
from typing import Any

from audit.wire.text import maybe_json

DONE = "[DONE]"


class Events:
    """Finds the events of one stream.

    Kinder than the standard (WHATWG HTML, "server-sent events"), because gateways and logs are careless with it: a line
    of data that stands for itself is an event without an empty line behind it, and so are lines of bare JSON. Comments
    and fields nobody asked for are passed over. An object that says no `type` has that of its event, and what comes
    under the name `error` is an error however it looks. `done` once the sender has said that no more comes.
    """

    def __init__(self) -> None:
        self._newlines = IncrementalNewlineDecoder(None, translate=True)
        self._unfinished: list[str] = []
        self._name = ""
        self._data: list[str] = []
        self.done = False

    def feed(self, text: str) -> Iterator[dict[str, Any]]:
        """The events that end in the next piece of text."""
        *lines, rest = self._newlines.decode(text).split("\n")
        if lines:
            self._unfinished.append(lines[0])
            lines[0] = "".join(self._unfinished)
            self._unfinished = []
        self._unfinished.append(rest)
        for line in lines:
            yield from self._line(line.strip())

    def end(self) -> Iterator[dict[str, Any]]:
        """The event that the end of the text leaves open."""
        yield from self.feed(self._newlines.decode("", True) + "\n\n")

    def _line(self, line: str) -> Iterator[dict[str, Any]]:
        if not line:
            yield from self._event()
        elif line.startswith("{"):
            # newline-delimited JSON (Ollama)
            self._data.append(line)
        else:
            field, _, value = line.partition(":")
            if field == "data":
                self._data.append(value.strip())
            elif field in ("event", "error"):
                yield from self._event()
                self._name = value.strip() if field == "event" else field
                self._data = [] if field == "event" else [value.strip()]

    def _event(self) -> Iterator[dict[str, Any]]:
        """The event whose lines are complete; one object in several lines, or several in a line each."""
        name, data = self._name, self._data
        self._name, self._data = "", []
        whole = maybe_json("\n".join(data)) if len(data) > 1 else None
        for found in [whole] if isinstance(whole, dict) else map(maybe_json, data):
            if isinstance(found, dict):
                yield _named(name, found)
            elif name == "error" and found:
                yield {"type": "error", "error": {"message": found}}
            elif isinstance(found, str) and found.startswith(DONE):
                self.done = True


def _named(name: str, event: dict[str, Any]) -> dict[str, Any]:
    if name == "error" and "error" not in event:
        return {"type": "error", "error": event}
    if name and name != "message":
        event.setdefault("type", name)
    return event
