"""The body of a 200 answer, in whatever pieces it comes: one JSON object, or a stream that becomes one."""

from __future__ import annotations

from codecs import getincrementaldecoder
from itertools import chain
from typing import Any

from audit.clients import CallError
from audit.clients._failures import bad_answer, billed, inner_failure
from audit.wire.events import Events
from audit.wire.stream import Stream
from audit.wire.text import read_json

_STREAM_STARTS = (b"data:", b"event:", b"error:", b"retry:", b"id:", b":")
_LONGEST_START = max(map(len, _STREAM_STARTS))
_BOM = b"\xef\xbb\xbf"


class Body:
    """One answer's body as it comes.

    What it is shows in its first bytes, whatever was asked for: gateways stream unasked, and answer whole where a
    stream was asked for. A stream counts only with its end: without it the connection was cut.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._sniffed = False
        self._text: Any = None
        self._events = Events()
        self._stream = Stream()

    @property
    def streamed(self) -> bool:
        """Whether it is a stream."""
        return self._text is not None

    @property
    def begun(self) -> bool:
        """Whether anything of a stream that the asker can use has come: text, thinking, a refusal, a call."""
        return self._stream.begun

    @property
    def complete(self) -> bool:
        """Whether a stream has said how the answer ended; more may come, such as the counts."""
        return self._events.done or self._stream.complete

    @property
    def counted(self) -> bool:
        """Whether a stream has had its chance to say how many tokens it took."""
        return self._events.done or self._stream.counted

    def feed(self, piece: bytes) -> None:
        """Take the next bytes; raises the CallError that a stream tells of."""
        if self._text is not None:
            self._take(piece)
            return
        self._pieces.append(piece)
        if not self._sniffed:
            self._sniff(ended=False)

    def _sniff(self, *, ended: bool) -> None:
        held = b"".join(self._pieces)
        start = held.removeprefix(_BOM).lstrip()
        if len(start) < _LONGEST_START and not ended:
            return
        self._sniffed = True
        if start.startswith(_STREAM_STARTS):
            self._text = getincrementaldecoder("utf-8-sig")()
            self._pieces.clear()
            self._take(held)

    def _take(self, piece: bytes, *, last: bool = False) -> None:
        try:
            text = self._text.decode(piece, last)
        except UnicodeDecodeError as error:
            raise bad_answer("the endpoint answered with text that is not UTF-8") from error
        for event in chain(self._events.feed(text), self._events.end() if last else ()):
            wrong = event.get("error") or (event if event.get("type") == "error" else None)
            if wrong and not self.complete:
                raise billed(inner_failure(wrong, otherwise=500))
            self._stream.add(event)

    def end(self) -> dict[str, Any]:
        """The JSON object; HTML, cut or foreign JSON, cut streams and error bodies become CallError."""
        if not self._sniffed:
            self._sniff(ended=True)
        if self._text is None:
            return _whole(b"".join(self._pieces))
        self._take(b"", last=True)
        made = self._stream.body()
        if made is None:
            raise bad_answer("the endpoint answered with a stream of nothing known")
        if not self.complete:
            raise CallError("connection", "the stream ended before the answer did", retry=True, maybe_billed=True)
        return made


def decode(content: bytes) -> dict[str, Any]:
    """The JSON object of a 200 answer that is there as a whole; raises CallError as `Body` does."""
    body = Body()
    body.feed(content)
    return body.end()


def _whole(content: bytes) -> dict[str, Any]:
    try:
        data = read_json(content)
    except ValueError as error:
        kind = "a web page" if content.lstrip()[:1] == b"<" else "something that is not JSON"
        raise bad_answer(f"the endpoint answered with {kind}") from error
    if not isinstance(data, dict):
        raise bad_answer("the endpoint answered with JSON that is no object")
    wrong = data.get("error")
    if isinstance(wrong, dict) and not any(data.get(key) for key in ("choices", "output", "content")):
        failure = inner_failure(wrong, otherwise=400)
        # the endpoint took the request before something behind it failed
        failure.maybe_billed = failure.maybe_billed or failure.kind in ("server_error", "overloaded")
        raise failure
    return data
