"""Fetch what came of the batches that were handed over: answers, failures, and what still waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from audit.clients import Answer, Batches, CallError, Client
from audit.clients._batches import EXPIRED, not_reached
from audit.config import EndpointConfig
from audit.errors import AuditError, ReplayError
from audit.plugins import find
from audit.replay.batching import SUBMITTED, dropped, opened
from audit.replay.journal import answered, failed
from audit.replay.plans import PICO
from audit.replay.rates import Rates
from audit.replay.redaction import restored
from audit.replay.results import Failure
from audit.replay.routes import BUILT_IN
from audit.store import Store

_WAITING = "SELECT * FROM replay_batch WHERE status <> 'collected' ORDER BY submitted_at_us, tag"
_ENTRIES = "SELECT * FROM replay_batch_entry WHERE tag = $tag ORDER BY custom_id"
_KNOWN = "SELECT batch_id FROM replay_batch WHERE batch_id IS NOT NULL"
_NEXT = "SELECT COALESCE(MAX(replay_id), 0) + 1 FROM replay"


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that is not collected: requests in it and done so far, and the provider's word for where it stands."""

    endpoint: str
    model: str
    batch_id: str
    requests: int
    done: int
    status: str
    submitted_at_us: int


@dataclass(frozen=True, slots=True)
class Collected:
    """What was fetched; `open` batches wait for a later command."""

    batches: int
    answered: int
    failed: tuple[Failure, ...]
    spent_usd: float
    open: tuple[OpenBatch, ...]
    notes: tuple[str, ...] = ()


def waiting(store: Store) -> int:
    """Batches that are not collected."""
    return int(store.value("SELECT COUNT(*) FROM replay_batch WHERE status <> 'collected'"))


def collect(store: Store, endpoints: Sequence[EndpointConfig] = ()) -> Collected:
    """Fetch every batch that ended and journal its answers, each batch as a whole; run again for those still open.

    A batch whose submission was cut off is looked for at the provider first. What can't be reached now stays open with
    a note. Collected batches are deleted at the provider.
    """
    found = _Collector(store, endpoints)
    if rows := store.rows(_WAITING):
        asyncio.run(found.run(rows))
        result = found.result()
        outcome = {
            "collected": result.batches,
            "answered": result.answered,
            "spent_usd": result.spent_usd,
            "stopped": SUBMITTED if result.open else "",
        }
        store.log_event("replay", {"collect": True}, outcome)
        store.checkpoint()
    return found.result()


@dataclass(slots=True)
class _Outcome:
    """An entry with what came of it."""

    entry: Mapping[str, Any]
    came: Answer | CallError


@dataclass(slots=True)
class _Sums:
    batches: int = 0
    answered: int = 0
    spent: int = 0
    failures: dict[tuple[str, str, str], tuple[int, str]] = field(default_factory=dict)
    open: list[OpenBatch] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _Collector:
    def __init__(self, store: Store, endpoints: Sequence[EndpointConfig]) -> None:
        self._store = store
        self._endpoints = {each.name: each for each in (*BUILT_IN, *endpoints)}
        self._clients: dict[str, Client] = {client.name: client for client in find("clients", "CLIENT")}
        self._sums = _Sums()

    async def run(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Look at every batch."""
        for row in rows:
            try:
                batches = self._reach(row)
            except AuditError as error:
                self._still_open(row, 0, f"can't be reached: {error.message}; {error.hint}")
                continue
            try:
                await self._look(row, batches)
            except CallError as failure:
                self._still_open(row, 0, f"can't be reached: {failure.message}")
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                # the shape of what came back is the provider's affair; the batch is looked at again next time
                self._still_open(row, 0, f"the answer can't be read: {type(error).__name__}: {error}")
            finally:
                with suppress(Exception):  # a connection that won't close changes no result
                    await batches.close()

    def _reach(self, row: Mapping[str, Any]) -> Batches:
        endpoint, client = self._endpoints.get(row["endpoint"]), self._clients.get(row["flavour"])
        if endpoint is None or client is None or client.batches is None:
            raise ReplayError(f"no endpoint is called {row['endpoint']!r}", "put its [[endpoint]] back in audit.toml")
        return client.batches(endpoint)

    async def _look(self, row: Mapping[str, Any], batches: Batches) -> None:
        batch_id = row["batch_id"] or await self._recover(row, batches)
        if batch_id is None:
            return
        state = await batches.state(batch_id)
        if not state.ended:
            self._still_open({**row, "batch_id": batch_id}, state.done, state.status)
            return
        results = await batches.results(batch_id)
        if results and not any(name.startswith(row["tag"]) for name in results):
            # a batch without a name was taken for the one whose submission was cut off; it is somebody else's
            dropped(self._store, row["tag"])
            self._sums.notes.append(f"a batch of {row['requests']} requests was never submitted; run --batch again")
            return
        missing = not_reached(EXPIRED if results else await batches.why_failed(batch_id))
        entries = self._store.rows(_ENTRIES, tag=row["tag"])
        self._write(row, [_Outcome(entry, results.get(entry["custom_id"], missing)) for entry in entries])
        if lost := sum(1 for entry in entries if entry["custom_id"] not in results) if results else 0:
            self._sums.notes.append(
                f"{lost} requests have no result in batch {batch_id}, so {row['endpoint']} keeps it"
            )
            return
        try:
            await batches.forget(batch_id)
        except CallError as failure:
            self._sums.notes.append(f"{row['endpoint']} keeps batch {batch_id}: {failure.message}")

    async def _recover(self, row: Mapping[str, Any], batches: Batches) -> str | None:
        """The id of a batch whose submission was cut off; without one it was never accepted and is forgotten."""
        known = {each["batch_id"] for each in self._store.rows(_KNOWN)}
        found = await batches.find(row["tag"], row["submitted_at_us"], row["requests"], known)
        if found is None:
            dropped(self._store, row["tag"])
            self._sums.notes.append(f"a batch of {row['requests']} requests was never submitted; run --batch again")
        else:
            opened(self._store, row["tag"], found)
        return found

    def _write(self, row: Mapping[str, Any], outcomes: Sequence[_Outcome]) -> None:
        """Journal a batch, all of it or nothing."""
        prices = json.loads(row["rates"]) if row["rates"] else None
        standard = Rates.recorded(prices["standard"]) if prices else None
        billed = Rates.recorded(prices["billed"]) if prices else None
        first = int(self._store.value(_NEXT))
        rows = [self._row(row, outcome, first + place, standard, billed) for place, outcome in enumerate(outcomes)]
        with self._store.transaction():
            self._store.write_rows("replay", rows)
            self._store.run(
                "UPDATE replay_batch SET status = 'collected', collected_at_us = CAST(epoch_us(now()) AS BIGINT) "
                "WHERE tag = $tag",
                tag=row["tag"],
            )
        self._sums.batches += 1

    def _row(
        self, row: Mapping[str, Any], outcome: _Outcome, replay_id: int, standard: Rates | None, billed: Rates | None
    ) -> dict[str, Any]:
        entry, came = outcome.entry, outcome.came
        made = {
            "replay_id": replay_id,
            "attempt": 1,
            "endpoint": row["endpoint"],
            "origin": "live",
            "started_at_us": row["submitted_at_us"],
            **{key: entry[key] for key in ("prompt_key", "request_id", "workflow_id", "current_model", "model",
                                           "variant")},
        }  # fmt: skip
        if isinstance(came, CallError):
            self._count_failure(row["endpoint"], entry["model"], came)
            return {**made, **failed(came)}
        paid = billed.of(came.usage) if billed is not None else None
        self._sums.answered += 1
        # an answer without usage costs at most what was set aside
        self._sums.spent += paid if paid is not None else entry["worst_pico"] if standard is not None else 0
        came = restored(came, json.loads(entry["originals"] or "{}"))
        came = replace(came, lossy=tuple(json.loads(entry["lossy"])))
        # how long a batch took says nothing about the model
        return {**made, **answered(came, standard), "billed_pico": paid, "duration": None}

    def _count_failure(self, endpoint: str, model: str, failure: CallError) -> None:
        key = endpoint, model, failure.kind
        count, example = self._sums.failures.get(key, (0, failure.message))
        self._sums.failures[key] = count + 1, example

    def _still_open(self, row: Mapping[str, Any], done: int, status: str) -> None:
        self._sums.open.append(
            OpenBatch(row["endpoint"], row["model"], row["batch_id"] or "", row["requests"], done, status,
                      row["submitted_at_us"])
        )  # fmt: skip

    def result(self) -> Collected:
        """What was fetched so far."""
        sums = self._sums
        listed = [Failure(*key, count, example, sent=True) for key, (count, example) in sums.failures.items()]
        return Collected(
            sums.batches,
            sums.answered,
            tuple(sorted(listed, key=lambda each: (-each.count, each.endpoint, each.model, each.reason))),
            sums.spent / PICO,
            tuple(sums.open),
            tuple(sums.notes),
        )
