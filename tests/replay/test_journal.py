from __future__ import annotations

import asyncio

import pytest

from audit.errors import StoreError
from audit.replay.aside import Aside
from audit.replay.journal import Journal
from audit.store import Store


def on_file(store: Store) -> list[int]:
    return [row["replay_id"] for row in store.rows("SELECT replay_id FROM replay ORDER BY replay_id")]


def test_whoever_waits_for_an_answer_to_be_on_file_finds_it_there(store: Store) -> None:
    async def main(beside: Store) -> None:
        async with Aside(beside) as aside:
            journal = Journal(store, aside, "replay", "replay_id")

            async def one(number: int) -> None:
                journal.add({"prompt_key": number, "status": "ok"})
                await journal.filed()
                assert store.value("SELECT COUNT(*) FROM replay WHERE prompt_key = $key", key=number) == 1

            await asyncio.gather(*map(one, range(20)))

    with store.apart() as beside:
        asyncio.run(main(beside))
    assert on_file(store) == list(range(1, 21))


def test_what_nobody_waits_for_is_on_file_at_the_end(store: Store) -> None:
    async def main(beside: Store) -> None:
        async with Aside(beside) as aside:
            journal = Journal(store, aside, "replay", "replay_id")
            journal.add({"prompt_key": 1, "status": "ok"})
            waiting = asyncio.create_task(journal.filed())
            await asyncio.sleep(0)
            waiting.cancel()
            journal.add({"prompt_key": 2, "status": "ok"})
            await journal.close()

    with store.apart() as beside:
        asyncio.run(main(beside))
    assert on_file(store) == [1, 2]


def test_what_cannot_be_kept_is_said_to_who_waits_and_to_whoever_adds_next(store: Store) -> None:
    async def main(beside: Store) -> None:
        async with Aside(beside) as aside:
            journal = Journal(store, aside, "replay", "replay_id")
            store.run("DROP TABLE replay")
            journal.add({"status": "ok"})
            with pytest.raises(StoreError):
                await journal.filed()
            with pytest.raises(StoreError):
                journal.add({"status": "ok"})
            with pytest.raises(StoreError):
                await journal.close()

    with store.apart() as beside:
        asyncio.run(main(beside))
