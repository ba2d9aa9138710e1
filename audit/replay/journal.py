"""The table `replay` as a journal: every answer is on file as soon as it came, so nothing is paid twice."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from audit.clients import Answer, CallError
from audit.replay.plans import Job, Plan
from audit.store import Store
from audit.wire.text import repaired

WRITE_PAUSE = 2.0
"""Times a write's own duration before the next one: answers are written at once, together only where many come."""

_JOBS = """
CREATE OR REPLACE TEMP TABLE replay_job (prompt_key BIGINT, endpoint VARCHAR, model VARCHAR, variant VARCHAR)
"""
_DROP_FAILED = """
DELETE FROM replay WHERE status = 'failed' AND prompt_key IN (
    SELECT j.prompt_key FROM replay_job AS j
    WHERE j.endpoint = replay.endpoint AND j.model = replay.model AND j.variant = COALESCE(replay.variant, ''))
"""
_SPENT_SINCE = """
SELECT CAST(COALESCE(SUM(COALESCE(r.billed_pico, r.cost_pico)), 0) AS BIGINT) FROM replay AS r
JOIN replay_route AS p ON p.endpoint = r.endpoint AND p.model = r.model
WHERE r.origin = 'live' AND r.started_at_us > (
    SELECT COALESCE(MAX(e.at_us), 0) FROM event AS e
    WHERE e.command = 'replay' AND e.outcome LIKE '%"stopped": ""%')
"""


_LOST = """
SELECT CAST(COALESCE(SUM(set_aside_pico), 0) AS BIGINT) FROM replay_run WHERE started_at_us > (
    SELECT COALESCE(MAX(e.at_us), 0) FROM event AS e
    WHERE e.command = 'replay' AND e.outcome LIKE '%"stopped": ""%')
"""
_SET_ASIDE = """
SELECT CAST(COALESCE(SUM(e.worst_pico), 0) AS BIGINT) FROM replay_batch_entry AS e
JOIN replay_batch AS b ON b.tag = e.tag WHERE b.status <> 'collected'
"""


def spent_unfinished(store: Store, plan: Plan) -> int:
    """Pico-USD spent on the plan's candidates by replays stopped or killed since the last one that ran to its end.

    What killed runs may have paid for and lost counts as spent, and so does the worst case of every batch that waits
    to be collected.
    """
    names = sorted({(route.endpoint.name, route.model) for route in plan.routes})
    store.run("CREATE OR REPLACE TEMP TABLE replay_route (endpoint VARCHAR, model VARCHAR)")
    store.write(
        "replay_route",
        pa.table({"endpoint": [name for name, _ in names], "model": [model for _, model in names]}),
    )
    return sum(int(store.value(each) or 0) for each in (_SPENT_SINCE, _LOST, _SET_ASIDE))


class Run:
    """One run of a replay on file, with the most it may have been billed beyond what is journaled."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._run_id = int(store.value("SELECT COALESCE(MAX(run_id), 0) + 1 FROM replay_run"))
        store.write_rows("replay_run", [{"run_id": self._run_id, "started_at_us": now_us(), "set_aside_pico": 0}])

    def set_aside(self, pico: int) -> None:
        """Bound what this run may have been billed for without a row in the journal."""
        self._store.run("UPDATE replay_run SET set_aside_pico = $pico WHERE run_id = $id", pico=pico, id=self._run_id)


class Journal:
    """Collects outcomes and appends them to the table in small groups."""

    def __init__(self, store: Store, filed: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._filed = filed
        self._schema: pa.Schema = store.schema("replay")
        self._next = int(store.value("SELECT COALESCE(MAX(replay_id), 0) FROM replay")) + 1
        self._rows: list[dict[str, Any]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._not_before = 0.0

    def forget_failures(self, plan: Plan) -> None:
        """Drop earlier failures of the calls about to be made; one outcome per call is kept."""
        self._store.run(_JOBS)
        routes = [plan.routes[job.route] for job in plan.jobs]
        self._store.write(
            "replay_job",
            pa.table(
                {
                    "prompt_key": pa.array([job.prompt_key for job in plan.jobs], pa.int64()),
                    "endpoint": pa.array([route.endpoint.name for route in routes], pa.string()),
                    "model": pa.array([route.model for route in routes], pa.string()),
                    "variant": pa.array([route.variant_name for route in routes], pa.string()),
                }
            ),
        )
        self._store.run(_DROP_FAILED)

    def answered(self, plan: Plan, job: Job, answer: Answer, cost_pico: int | None, started_at_us: int) -> None:
        """Take an answer."""
        self._add(plan, job, answered(answer, cost_pico), started_at_us)

    def failed(self, plan: Plan, job: Job, failure: CallError, started_at_us: int) -> None:
        """Take a failure."""
        self._add(plan, job, failed(failure), started_at_us)

    def _add(self, plan: Plan, job: Job, outcome: dict[str, Any], started_at_us: int) -> None:
        named = {"replay_id": self._next, "attempt": 1, "started_at_us": started_at_us}
        self._rows.append({**named, **identity(plan, job), **outcome})
        self._next += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(self._not_before, self.flush)

    def flush(self) -> None:
        """Write what was collected."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._rows:
            rows, self._rows = self._rows, []
            started = time.monotonic()
            self._store.write("replay", pa.Table.from_pylist(rows, schema=self._schema))
            self._filed()
            ended = time.monotonic()
            self._not_before = ended + WRITE_PAUSE * (ended - started)


def identity(plan: Plan, job: Job) -> dict[str, Any]:
    """The columns that say which call of a plan a row is about."""
    route = plan.routes[job.route]
    return {
        "prompt_key": job.prompt_key,
        "request_id": job.request_id,
        "workflow_id": int(plan.frame.workflow_id[job.row]),
        "current_model": route.current.model,
        "endpoint": route.endpoint.name,
        "model": route.model,
        "variant": route.variant_name,
        "origin": "recorded" if route.client.recorded else "local" if route.client.in_process else "live",
    }


def answered(answer: Answer, cost_pico: int | None) -> dict[str, Any]:
    """The columns of an answer."""
    usage = answer.usage
    calls = [{"name": call.name, "arguments": call.arguments} for call in answer.tool_calls]
    return {
        "status": "ok",
        "text": repaired(answer.text),
        "tool_calls": repaired(json.dumps(calls, ensure_ascii=False, sort_keys=True)) if calls else None,
        "finish_reason": answer.finish_reason,
        "response_model": answer.response_model,
        "response_id": answer.response_id,
        "input_tokens": usage.input_tokens if usage else None,
        "cache_read_input_tokens": usage.cache_read_input_tokens if usage else None,
        "cache_write_input_tokens": _written(answer),
        "output_tokens": usage.output_tokens if usage else None,
        "reasoning_output_tokens": usage.reasoning_output_tokens if usage else None,
        "cost_pico": cost_pico,
        "duration": answer.duration,
        "time_to_first_chunk": answer.time_to_first_chunk,
        "lossy": json.dumps(answer.lossy, ensure_ascii=False),
    }


def failed(failure: CallError) -> dict[str, Any]:
    """The columns of a failure; its text starts with the kind."""
    return {"status": "failed", "error": repaired(f"{failure.kind}: {failure.message}")[:500]}


def now_us() -> int:
    """This moment, UTC epoch microseconds."""
    return time.time_ns() // 1000


def _written(answer: Answer) -> int | None:
    usage = answer.usage
    if usage is None:
        return None
    parts = (usage.cache_write_5m_input_tokens, usage.cache_write_1h_input_tokens)
    return sum(part or 0 for part in parts) if any(part is not None for part in parts) else None
