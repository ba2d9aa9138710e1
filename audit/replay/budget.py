"""A spending cap that holds while calls are under way: the worst case of each is set aside before it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Budget:
    """Pico-USD spent, set aside for calls under way, and possibly billed for attempts that gave no answer.

    The three never add up to more than `limit` (None = no cap), as long as no endpoint bills more than the worst case
    of a call. `grant` is told, before anything is sent on it, a sum that bounds what is not on file of this run: calls
    under way, uncertain attempts, and answers since the last `filed`. Should the run be killed, so much may be lost.
    """

    def __init__(self, limit: int | None, spent: int = 0, grant: Callable[[int], None] = lambda pico: None) -> None:
        self._grant = grant
        self._granted = 0
        self._unfiled = 0
        self.limit = limit
        self.spent = spent
        self.held = 0
        self.uncertain = 0
        self._changed = asyncio.Condition()

    def fits(self, pico: int) -> bool:
        """Whether so much more can be set aside now; what costs nothing always can."""
        return self.limit is None or pico == 0 or self.spent + self.held + self.uncertain + pico <= self.limit

    def take_at_once(self, pico: int) -> bool:
        """Set aside without waiting; False when there is no room."""
        if not self.fits(pico):
            return False
        self.held += pico
        open_pico = self.held + self.uncertain + self._unfiled
        if open_pico > self._granted:
            # ahead of need, so that it is seldom written
            most = 2 * open_pico if self.limit is None else self.limit - self.spent + self._unfiled
            self._granted = min(2 * open_pico, most)
            self._grant(self._granted)
        return True

    def filed(self) -> None:
        """Say that every answer so far is on file."""
        self._unfiled = 0

    async def take(self, pico: int) -> bool:
        """Set aside, waiting for calls under way to free what they did not need; False when it never fits."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.fits(pico) or self.held == 0)
            return self.take_at_once(pico)

    async def settle(self, held: int, spent: int, uncertain: int) -> None:
        """Turn what was set aside into what was spent and what may yet be billed."""
        async with self._changed:
            self.held -= held
            self.spent += spent
            self._unfiled += spent
            self.uncertain += uncertain
            self._changed.notify_all()
