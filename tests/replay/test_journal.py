from __future__ import annotations

import asyncio

import pytest

from audit.errors import StoreError
from audit.replay.journal import Journal
from audit.store import Store


def test_answers_are_on_file_a_moment_after_they_came(store: Store) -> None:
    filed: list[int] = []

    async def main() -> None:
        journal = Journal(store, "replay", "replay_id", lambda: filed.append(1))
        for number in range(3):
            journal.add({"prompt_key": number, "status": "ok"})
        await asyncio.sleep(0.2)

    asyncio.run(main())
    assert [row["replay_id"] for row in store.rows("SELECT replay_id FROM replay ORDER BY replay_id")] == [1, 2, 3]
    assert filed == [1]


def test_what_cannot_be_kept_is_said_to_whoever_adds_next(store: Store) -> None:
    async def main() -> None:
        journal = Journal(store, "replay", "replay_id")
        store.run("DROP TABLE replay")
        journal.add({"status": "ok"})
        await asyncio.sleep(0.2)
        journal.add({"status": "ok"})

    with pytest.raises(StoreError):
        asyncio.run(main())
