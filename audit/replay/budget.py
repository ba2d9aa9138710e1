"""A spending cap that holds while calls are under way: the worst case of each is set aside before it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

SLACK = 1.25
"""Times what is open now that a grant covers, so that it is seldom written."""


class Budget:
    """Pico-USD spent, set aside for calls under way, and possibly billed for attempts that gave no answer.

    The three never add up to more than `limit` (None = no cap), as long as no endpoint bills more than the worst case
    of a call; `excess` is how many times that an answer cost so far, and later calls set as much aside. `grant` is
    told, before anything is sent on it, a sum that bounds what is not on file of this run: calls under way, uncertain
    attempts, and answers since the last `filed`. Should the run be killed, so much may be lost.
    """

    def __init__(self, limit: int | None, spent: int = 0, grant: Callable[[int], None] = lambda pico: None) -> None:
        self._grant = grant
        self._granted = 0
        self._unfiled = 0
        self.limit = limit
        self.spent = spent
        self.held = 0
        self.uncertain = 0
        self.excess = 1.0
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
            self._ask_grant(open_pico)
        return True

    def _ask_grant(self, open_pico: int) -> None:
        room = round(SLACK * open_pico)
        most = room if self.limit is None else self.limit - self.spent + self._unfiled
        self._granted = min(room, most)
        self._grant(self._granted)

    def filed(self) -> None:
        """Say that every answer so far is on file; a grant far beyond what is open is given back."""
        self._unfiled = 0
        if self._granted > 2 * SLACK * (self.held + self.uncertain):
            self._ask_grant(self.held + self.uncertain)

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


@dataclass(slots=True)
class Reserve:
    """What one call holds of a budget: its worst case for each attempt; `uncertain` of them may be billed.

    `owed` is what attempts that may be billed were given up for while the call waited for room.
    """

    budget: Budget
    worst: int
    attempts: int = 0
    held: int = 0
    uncertain: int = 0
    owed: int = 0

    async def take(self) -> bool:
        """Set aside for an attempt beside those that may be billed; waits for room. False where none comes free."""
        if self.attempts > self.uncertain:
            return True
        pico = self._pico
        taken = self.budget.take_at_once(pico)
        if not taken:
            # whoever waits holds nothing, or calls could wait for each other
            await self._owe()
            taken = await self.budget.take(pico)
        if taken:
            self.attempts += 1
            self.held += pico
        return taken

    async def settle(self, spent: int) -> None:
        """End the call: so much was spent, the attempts that may be billed stay set aside, the rest is free again."""
        if self.worst:
            self.budget.excess = max(self.budget.excess, spent / self.worst)
        doubt = max(0, min(self.attempts, self.uncertain) * self._pico - self.owed)
        await asyncio.shield(self.budget.settle(self.held, spent, doubt))

    async def _owe(self) -> None:
        held, self.held = self.held, 0
        self.owed += held
        await asyncio.shield(self.budget.settle(held, 0, held))

    @property
    def _pico(self) -> int:
        return ceil(self.worst * self.budget.excess)
