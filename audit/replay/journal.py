"""The table `replay` as a journal: every answer is on file as soon as it came, so nothing is paid twice."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa

from audit.clients import Answer, CallError
from audit.replay.aside import Aside
from audit.replay.plans import Job, Plan
from audit.replay.rates import Rates
from audit.store import Store
from audit.wire.text import repaired

_JOBS = """
CREATE OR REPLACE TEMP TABLE replay_job (prompt_key BIGINT, endpoint VARCHAR, model VARCHAR, variant VARCHAR)
"""
_DROP_FAILED = """
DELETE FROM replay WHERE status = 'failed' AND prompt_key IN (
    SELECT j.prompt_key FROM replay_job AS j
    WHERE j.endpoint = replay.endpoint AND j.model = replay.model AND j.variant = COALESCE(replay.variant, ''))
"""


@dataclass(slots=True)
class _Batch:
    """Rows that are written together, and what tells that they are on file, or why they are not."""

    filed: asyncio.Future[None]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, wrong: Exception | None) -> None:
        """Say that the rows are on file, or what keeps them from it."""
        if wrong is None:
            self.filed.set_result(None)
            return
        self.filed.set_exception(wrong)
        self.filed.exception()  # nobody may wait for it any more


class Journal:
    """Appends outcomes to a table as they come, beside the event loop; rows are numbered in the column `key`.

    What comes while rows are written is written with the next ones. Whoever waits for `filed` before the next call
    loses no more to a kill than the calls under way.
    """

    def __init__(self, store: Store, aside: Aside, table: str, key: str) -> None:
        self._aside = aside
        self._table = table
        self._key = key
        self._schema: pa.Schema = store.schema(table)
        self._next = int(store.value(f"SELECT COALESCE(MAX({key}), 0) FROM {table}")) + 1
        self._batch: _Batch | None = None
        self._writer: asyncio.Task[None] | None = None
        self._broken: Exception | None = None

    def add(self, row: dict[str, Any]) -> None:
        """Take an outcome, by column; raises StoreError when earlier ones could not be written."""
        if self._broken is not None:
            raise self._broken
        if self._batch is None:
            self._batch = _Batch(asyncio.get_running_loop().create_future())
        self._batch.rows.append({self._key: self._next, **row})
        self._next += 1
        self._begin()

    async def filed(self) -> None:
        """Wait until what was added is on file; raises StoreError where it can't be: it must not be paid for."""
        if self._batch is not None:
            await asyncio.shield(self._batch.filed)

    async def close(self) -> None:
        """Wait until everything is on file; raises StoreError where it could not be written."""
        while self._batch is not None or not self._at_rest:
            self._begin()
            await asyncio.wait({self._writer} if self._writer is not None else ())
        if self._broken is not None:
            raise self._broken

    @property
    def _at_rest(self) -> bool:
        return self._writer is None or self._writer.done()

    def _begin(self) -> None:
        if self._at_rest:
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while self._batch is not None:
            batch, self._batch = self._batch, None
            try:
                if self._broken is None:
                    await self._aside.do(partial(self._append, batch.rows))
            except Exception as error:
                self._broken = error
            finally:
                batch.tell(self._broken)

    def _append(self, rows: list[dict[str, Any]], store: Store) -> None:
        store.write(self._table, pa.Table.from_pylist(rows, schema=self._schema))


def forget_failures(store: Store, plan: Plan) -> None:
    """Drop earlier failures of the calls about to be made; one outcome per call is kept."""
    store.run(_JOBS)
    routes = [plan.routes[job.route] for job in plan.jobs]
    store.write(
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
    store.run(_DROP_FAILED)


def identity(plan: Plan, job: Job) -> dict[str, Any]:
    """The columns that say which call of a plan a row is about."""
    route = plan.routes[job.route]
    return {
        "prompt_key": job.prompt_key,
        "attempt": job.attempt,
        "request_id": job.request_id,
        "workflow_id": int(plan.frame.workflow_id[job.row]),
        "current_model": route.current.model,
        "endpoint": route.endpoint.name,
        "model": route.model,
        "variant": route.variant_name,
        "origin": "recorded" if route.client.recorded else "local" if route.client.in_process else "live",
    }


def answered(answer: Answer, rates: Rates | None) -> dict[str, Any]:
    """The columns of an answer, at the standard prices of its model (None: not known)."""
    usage = answer.usage
    cost = rates.of(usage) if rates is not None else None
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
        "cost_pico": cost,
        "output_cost_pico": rates.output(usage) if rates and usage and cost is not None else None,
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
