"""Workers over feeds of calls that can be stopped without losing what is paid already."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

GRACE_SECONDS = 20.0
"""How long answers that are paid already are waited for after the user stopped the run."""

Item = TypeVar("Item")
Part = TypeVar("Part")


class Feed(AsyncIterator[Item], Generic[Part, Item]):
    """Items that are read in parts, the next part while those of this one are worked on; for many who take from it."""

    def __init__(self, parts: Iterable[Part], read: Callable[[Part], Awaitable[Iterable[Item]]]) -> None:
        self._parts = iter(parts)
        self._read = read
        self._here: deque[Item] = deque()
        self._coming: asyncio.Task[Iterable[Item]] | None = None
        self._begun = False

    async def __anext__(self) -> Item:
        if not self._begun:
            self._begun = True
            self._next()
        while not self._here:
            if (coming := self._coming) is None:
                raise StopAsyncIteration
            items = await asyncio.shield(coming)
            if coming is self._coming:
                # the first of those who waited
                self._here.extend(items)
                self._next()
        return self._here.popleft()

    def _next(self) -> None:
        part = next(self._parts, None)
        self._coming = None if part is None else asyncio.create_task(self._take(part))

    async def _take(self, part: Part) -> Iterable[Item]:
        return await self._read(part)


class Workers:
    """A number of workers for each feed; `busy` says whether any answer is being waited for.

    The first Ctrl-C or SIGTERM lets no further call start and waits for answers on the wire (`interrupted`, and
    `stopping` is told), the second one means it.
    """

    def __init__(self, each: int, busy: Callable[[], bool], stopping: Callable[[], None] = lambda: None) -> None:
        self._each = each
        self._busy = busy
        self._stopping = stopping
        self._stop = asyncio.Event()
        self.interrupted = False

    async def run(self, feeds: Iterable[AsyncIterator[Item]], do: Callable[[Item], Awaitable[None]]) -> None:
        """Do everything the feeds yield; on a signal, finish what is on the wire and return."""
        tasks = [asyncio.create_task(self._work(feed, do)) for feed in feeds for _ in range(self._each)]
        watcher = asyncio.create_task(self._watch(tasks))
        try:
            with _signals(self._interrupt):
                await asyncio.gather(*tasks)
        except asyncio.CancelledError:
            if not self._stop.is_set():
                raise
        finally:
            watcher.cancel()
            for task in tasks:
                # who was told already puts money and answers on file
                if not task.cancelling():
                    task.cancel()
            await asyncio.gather(watcher, *tasks, return_exceptions=True)

    async def _work(self, feed: AsyncIterator[Item], do: Callable[[Item], Awaitable[None]]) -> None:
        async for item in feed:
            if self._stop.is_set():
                return
            await do(item)

    def _interrupt(self) -> None:
        self.interrupted = True
        self._stop.set()
        self._stopping()

    async def _watch(self, tasks: list[asyncio.Task[None]]) -> None:
        """After a signal, cancel the workers once nothing is on the wire any more, or the grace is over."""
        await self._stop.wait()
        until = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < until and self._busy():
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on the first Ctrl-C or SIGTERM instead of raising, where platform and thread allow it."""
    loop = asyncio.get_running_loop()
    caught: list[int] = []

    def once(number: int) -> None:
        # the second one means it
        loop.remove_signal_handler(number)
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(number, once, number)
            caught.append(number)
    try:
        yield
    finally:
        for each in caught:
            loop.remove_signal_handler(each)
