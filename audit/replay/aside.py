"""Work on the audit file beside the event loop, which has answers to read and their times to take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from audit.store import Store

AGAIN_SECONDS = 0.1
"""Between two words to work that is to end."""

Made = TypeVar("Made")


class Aside:
    """A thread that does what it is given in turn, on a store nobody else uses meanwhile.

    What was given is done even if nobody waits for it any more, except where the thread is `idle` work: what then is
    still to do at the end is dropped.
    """

    def __init__(self, store: Store, *, idle: bool = False) -> None:
        self._store = store
        self._idle = idle
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="audit-file")
        self._open: set[asyncio.Future[Any]] = set()

    async def do(self, work: Callable[[Store], Made]) -> Made:
        """What `work` returns; raises what it raises."""
        given = asyncio.get_running_loop().run_in_executor(self._thread, work, self._store)
        self._open.add(given)
        given.add_done_callback(self._done)
        return await asyncio.shield(given)

    def _done(self, given: asyncio.Future[Any]) -> None:
        self._open.discard(given)
        if not given.cancelled():
            given.exception()  # whoever waited may be gone, and then nobody is to be told

    async def __aenter__(self) -> Aside:
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._open:
            if self._idle:
                self._store.interrupt()
            await asyncio.wait(self._open, timeout=AGAIN_SECONDS)
        self._thread.shutdown()
