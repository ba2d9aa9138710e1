"""Runs that spend money, on file: what a killed one may have been billed for counts against the cap of the next."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from audit.replay.journal import now_us
from audit.replay.plans import PICO
from audit.replay.routes import Route
from audit.store import Store

_SPENT_SINCE = """
SELECT CAST(COALESCE(SUM(COALESCE(r.billed_pico, r.cost_pico)), 0) AS BIGINT) FROM replay AS r
JOIN replay_route AS p ON p.endpoint = r.endpoint AND p.model = r.model
WHERE r.origin = 'live' AND r.started_at_us > $since
"""
_SET_ASIDE = """
SELECT CAST(COALESCE(SUM(e.worst_pico), 0) AS BIGINT) FROM replay_batch_entry AS e
JOIN replay_batch AS b ON b.tag = e.tag WHERE b.status <> 'collected'
"""
_LOST = """
SELECT CAST(COALESCE(SUM(set_aside_pico), 0) AS BIGINT) FROM replay_run
WHERE COALESCE(command, 'replay') = $command AND started_at_us > $since
"""
_FINISHED = """
SELECT CAST(COALESCE(MAX(e.at_us), 0) AS BIGINT) FROM event AS e
WHERE e.command = $command AND e.outcome LIKE '%"stopped": ""%'
"""


class Run:
    """One run of a command (`replay`, `judge`) on file, with the most it may have been billed beyond its journal."""

    def __init__(self, store: Store, command: str) -> None:
        self._run_id = int(store.value("SELECT COALESCE(MAX(run_id), 0) + 1 FROM replay_run"))
        row = {"run_id": self._run_id, "command": command, "started_at_us": now_us(), "set_aside_pico": 0}
        store.write_rows("replay_run", [row])

    def set_aside(self, pico: int, store: Store) -> None:
        """Bound what this run may have been billed for without a row in the journal."""
        store.run("UPDATE replay_run SET set_aside_pico = $pico WHERE run_id = $id", pico=pico, id=self._run_id)


def taken_before(pico: int) -> str:
    """What unfinished runs may have taken of a cap, as a clause behind it; empty where that is nothing."""
    return f", of which unfinished runs may have cost ${pico / PICO:.4f}," if pico else ""


def finished_at_us(store: Store, command: str) -> int:
    """When a command last ran to its end; what was spent since counts against a cap (0 = never)."""
    return int(store.value(_FINISHED, command=command) or 0)


def lost_since(store: Store, command: str, since_us: int) -> int:
    """Most that runs since a moment may have been billed for without a trace, pico-USD."""
    return int(store.value(_LOST, command=command, since=since_us) or 0)


def spent_unfinished(store: Store, ways: Sequence[Route]) -> int:
    """Pico-USD spent on candidates by replays stopped or killed since the last one that ran to its end.

    What killed runs may have paid for and lost counts as spent, and so does the worst case of every batch that waits
    to be collected.
    """
    names = sorted({(route.endpoint.name, route.model) for route in ways})
    store.run("CREATE OR REPLACE TEMP TABLE replay_route (endpoint VARCHAR, model VARCHAR)")
    store.write(
        "replay_route",
        pa.table({"endpoint": [name for name, _ in names], "model": [model for _, model in names]}),
    )
    since = finished_at_us(store, "replay")
    spent = int(store.value(_SPENT_SINCE, since=since) or 0)
    return spent + lost_since(store, "replay", since) + int(store.value(_SET_ASIDE) or 0)
