"""The table `replay` as a journal: every answer is on file as soon as it came, so nothing is paid twice."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from audit.clients import Answer, CallError
from audit.errors import StoreError
from audit.replay.plans import Job, Plan
from audit.store import Store
from audit.wire.text import repaired

WRITE_PAUSE = 2.0
"""Times a write's own duration before the next one: answers are written at once, together only where many come."""

LONGEST_PAUSE = 0.05
"""Seconds an answer waits at most, however slow the disk is."""

_JOBS = """
CREATE OR REPLACE TEMP TABLE replay_job (prompt_key BIGINT, endpoint VARCHAR, model VARCHAR, variant VARCHAR)
"""
_DROP_FAILED = """
DELETE FROM replay WHERE status = 'failed' AND prompt_key IN (
    SELECT j.prompt_key FROM replay_job AS j
    WHERE j.endpoint = replay.endpoint AND j.model = replay.model AND j.variant = COALESCE(replay.variant, ''))
"""


class Journal:
    """Appends outcomes to a table as they come; `filed` is told when every one so far is on file.

    Rows are numbered in the column `key`. Where many come, they are written together, so that writing takes a third of
    the time at most. Once nothing can be written, `add` raises StoreError: what can't be kept must not be paid for.
    """

    def __init__(self, store: Store, table: str, key: str, filed: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._table = table
        self._key = key
        self._filed = filed
        self._schema: pa.Schema = store.schema(table)
        self._next = int(store.value(f"SELECT COALESCE(MAX({key}), 0) FROM {table}")) + 1
        self._rows: list[dict[str, Any]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._broken: StoreError | None = None
        self._not_before = 0.0

    def add(self, row: dict[str, Any]) -> None:
        """Take an outcome, by column; raises StoreError when earlier ones could not be written."""
        if self._broken is not None:
            raise self._broken
        self._rows.append({self._key: self._next, **row})
        self._next += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(self._not_before, self._on_time)

    def _on_time(self) -> None:
        try:
            self.flush()
        except StoreError as error:  # nobody waits for a timer: the next one who adds is told
            self._broken = error

    def flush(self) -> None:
        """Write what was collected."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._rows:
            rows, self._rows = self._rows, []
            started = time.monotonic()
            self._store.write(self._table, pa.Table.from_pylist(rows, schema=self._schema))
            self._filed()
            ended = time.monotonic()
            self._not_before = ended + min(LONGEST_PAUSE, WRITE_PAUSE * (ended - started))


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
