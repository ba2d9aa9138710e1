"""Work beside the event loop ends with it."""

from __future__ import annotations

import asyncio
import gc

import pytest

from audit.replay.aside import Aside
from audit.store import Store

LONG = "SELECT SUM(a.range * b.range % 7) FROM range(3000000) AS a, range(3000000) AS b"
"""Hours of work."""


def test_idle_work_nobody_waits_for_any_more_is_dropped_without_a_word(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    begun: list[int] = []

    def look(beside: Store) -> object:
        begun.append(1)
        return beside.value(LONG)

    async def main(beside: Store) -> None:
        async with asyncio.timeout(60), Aside(beside, idle=True) as aside:
            looking = asyncio.create_task(aside.do(look))
            while not begun:
                await asyncio.sleep(0.01)
            looking.cancel()

    with store.apart() as beside:
        asyncio.run(main(beside))
        gc.collect()
        assert beside.value("SELECT 1") == 1
    assert caplog.records == []
