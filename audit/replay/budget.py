"""A spending cap that holds while calls are under way: the worst case of each is set aside before it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from math import ceil
from typing import Protocol

SLACK = 1.25
"""Times what is open now that a grant covers, so that it is seldom written."""


class Priced(Protocol):
    """A call that has not been made; pico-USD."""

    @property
    def expected_pico(self) -> int | None:
        """What it is expected to be billed; None without a price."""

    @property
    def worst_pico(self) -> int | None:
        """The most it can be billed; None without a price."""


def affordable(calls: Iterable[Priced], spent: int, limit: int) -> int:
    """Calls a cap leaves room for after what was spent, if each costs what is expected; its worst case has to fit."""
    room = 0
    for call in calls:
        if not call.worst_pico or spent + call.worst_pico <= limit:
            spent += call.expected_pico or 0
            room += 1
    return room


async def _nobody(pico: int) -> None:
    """Where no grant is kept."""


class Budget:
    """Pico-USD spent, set aside for calls under way, and possibly billed for attempts that gave no answer.

    The three never add up to more than `limit` (None = no cap), as long as no endpoint bills more than the worst case
    of a call; `excess` is how many times that an answer cost so far, and later calls set as much aside. `grant` puts on
    file, before anything is sent on it, a sum that bounds what is not on file of this run: calls under way, until they
    are settled, and uncertain attempts. Should the run be killed, so much may be lost.
    """

    def __init__(self, limit: int | None, spent: int = 0, grant: Callable[[int], Awaitable[None]] = _nobody) -> None:
        self._grant = grant
        self._granting = asyncio.Lock()
        self._granted = self._largest = 0
        self.limit = limit
        self.spent = spent
        self.held = 0
        self.uncertain = 0
        self.excess = 1.0
        self._changed = asyncio.Condition()

    def fits(self, pico: int) -> bool:
        """Whether so much more can be set aside now; what costs nothing always can."""
        return self.limit is None or pico == 0 or self.spent + self.held + self.uncertain + pico <= self.limit

    async def take_if_free(self, pico: int) -> bool:
        """Set aside without waiting for room; False when there is none."""
        if not self.fits(pico):
            return False
        self.held += pico
        self._largest = max(self._largest, pico)
        try:
            await self._cover()
        except BaseException:
            self.held -= pico
            raise
        return True

    async def _cover(self) -> None:
        """Let the grant on file be no less than what is open, and not far more."""
        async with self._granting:
            open_pico = self.held + self.uncertain
            if self._granted < open_pico or self._granted > 2 * SLACK * max(open_pico, self._largest):
                room = round(SLACK * open_pico)
                grant = room if self.limit is None else max(open_pico, min(room, self.limit - self.spent))
                # a smaller one holds at once, a larger one when it is on file
                self._granted = min(self._granted, grant)
                await self._grant(grant)
                self._granted = grant

    async def take(self, pico: int) -> bool:
        """Set aside, waiting for calls under way to free what they did not need; False when it never fits."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.fits(pico) or self.held == 0)
            return await self.take_if_free(pico)

    async def settle(self, held: int, spent: int, uncertain: int) -> None:
        """Turn what was set aside into what was spent, and is on file, and what may yet be billed."""
        async with self._changed:
            self.held -= held
            self.spent += spent
            self.uncertain += uncertain
            self._changed.notify_all()
        await self._cover()


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
        taken = await self.budget.take_if_free(pico)
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
