"""What the streams of every API are put together with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Chunk = Mapping[str, Any]


class Joiner:
    """Takes the events of one stream as they come, and holds no more of them than the response body they make.

    `begun`: something the asker can use has come: text, thinking, a refusal, a call; not a role, a count or a ping.
    `complete`: the sender said how the answer ended. Both are told of the APIs that replays ask.
    """

    begun = False
    complete = False

    @property
    def counted(self) -> bool:
        """Whether the sender has had its chance to say how many tokens it took."""
        return self.complete

    def add(self, event: Chunk) -> None:
        """Take the next event."""
        raise NotImplementedError

    def body(self) -> dict[str, Any]:
        """The response body so far, as an answer without a stream has it."""
        raise NotImplementedError
