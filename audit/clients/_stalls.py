"""Stretches in which this process did something else and could not read answers: they are no model's latency."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from audit.clients import Answer

BEAT = 0.05
"""Seconds between two beats of the event loop while answers are waited for."""
SHORTEST = 0.1
"""Seconds a beat must be late to count as a stall; the usual reading of many answers makes it less."""
LARGEST_SHARE = 0.1
"""A time that a stall may have made longer by more than this share was not measured."""


class Stalls:
    """Notices how late the event loop comes round while there is somebody to wait for; `excuse` is told of each stall.

    The loop runs what fell due before it wakes those whose answer came in the meantime, so a stall is known before
    they look at the clock.
    """

    def __init__(self, excuse: Callable[[float], None]) -> None:
        self._excuse = excuse
        self._beat: asyncio.TimerHandle | None = None
        self._waiting = 0
        self.seconds = 0.0

    def begin(self) -> float:
        """Somebody waits from now on; what `seconds` stands at."""
        self._waiting += 1
        if self._beat is None:
            self._next()
        return self.seconds

    def end(self) -> None:
        """Somebody waits no longer."""
        self._waiting -= 1
        if not self._waiting and self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def _next(self) -> None:
        self._beat = asyncio.get_running_loop().call_later(BEAT, self._due)

    def _due(self) -> None:
        loop = asyncio.get_running_loop()
        late = loop.time() - self._beat.when() if self._beat is not None else 0.0
        if late >= SHORTEST:
            self.seconds += late
            self._excuse(late)
        self._next()


def timed(answer: Answer, stalled: float) -> Answer:
    """An answer without the times that a stall of so many seconds, somewhere in them, leaves unknown."""

    def sure(seconds: float | None) -> float | None:
        return seconds if seconds is not None and stalled <= LARGEST_SHARE * seconds else None

    if not stalled:
        return answer
    return replace(answer, duration=sure(answer.duration), time_to_first_chunk=sure(answer.time_to_first_chunk))
