"""Hand the calls of a plan over to Batch APIs: half the price, answered within a day, collected by a later command.

A batch is on file under a name of its own before it is submitted, with every request in it. A run that is killed in
between finds out at the provider whether the batch exists, so nothing is submitted twice.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from audit.clients import Batches, BatchRequest, CallError, Client, NotReplayableError
from audit.config import EndpointConfig
from audit.errors import BudgetError, ReplayError
from audit.replay.calls import Call, prepare
from audit.replay.drawing import keep
from audit.replay.journal import forget_failures, identity, now_us
from audit.replay.pictures import fetch
from audit.replay.plans import PICO, Job, Plan
from audit.replay.prompts import Logged, chunks, gather, load
from audit.replay.results import Failure, Tallies
from audit.replay.routes import Route
from audit.replay.runs import spent_unfinished
from audit.replay.stage import check, settings_of
from audit.store import Store

SUBMITTED = "batches are open"
"""Why the event of a submission is no finished replay: what it costs still counts towards the cap."""
_KEPT = ("prompt_key", "request_id", "workflow_id", "current_model", "model", "variant")


@dataclass(frozen=True, slots=True)
class Submitted:
    """Batches handed over, the requests in them and the most they can cost; what was not handed over and why.

    `stopped` says for how many requests the cap left no room; empty where it did for all.
    """

    batches: int
    requests: int
    worst_usd: float
    failed: tuple[Failure, ...]
    notes: tuple[str, ...] = ()
    stopped: str = ""


@dataclass(slots=True)
class _Load:
    """Requests of one model that wait to be submitted together."""

    route: Route
    client: Client
    tag: str
    calls: list[tuple[Job, Call]] = field(default_factory=list)
    size: int = 0

    def add(self, job: Job, call: Call) -> None:
        self.calls.append((job, call))
        self.size += len(json.dumps(call.translation.body).encode()) + 200

    def custom_id(self, place: int) -> str:
        return f"{self.tag}_{place}"


def submit(store: Store, plan: Plan, *, max_cost_usd: float | None, consent: bool = False) -> Submitted:
    """Submit the calls of a plan made with `batch`; answers are collected by `audit.replay.collecting.collect`.

    The worst case of every request is set aside until its batch is collected. Raises as `replay` does.
    """
    check(plan, max_cost_usd, consent)
    gone = spent_unfinished(store, plan.routes)
    room = None if max_cost_usd is None else round(max_cost_usd * PICO) - gone
    keep(store, plan.frame, plan.strata, plan.sample, plan.seed)
    fetch(store, {job.request_id for job in plan.jobs})
    sender = _Submitter(store, plan, room)
    asyncio.run(sender.run())
    result = replace(sender.result(), stopped=_short(sender.result(), plan, gone, max_cost_usd))
    outcome = {"sampled": plan.sampled, "batches": result.batches, "submitted": result.requests, "stopped": SUBMITTED}
    store.log_event("replay", {**settings_of(plan, max_cost_usd), "batch": True}, outcome)
    store.checkpoint()
    if plan.jobs and not result.batches and not (result.stopped and gone):
        _raise(result, max_cost_usd)
    return result


def _short(result: Submitted, plan: Plan, gone: int, max_cost_usd: float | None) -> str:
    unmade = sum(each.count for each in result.failed if each.reason == "budget")
    spent = f", of which ${gone / PICO:.4f} is spent or set aside," if gone else ""
    return f"the cap of ${max_cost_usd:g}{spent} left no room for {unmade} of {len(plan.jobs)} calls" if unmade else ""


class _Submitter:
    def __init__(self, store: Store, plan: Plan, room: int | None) -> None:
        self._store = store
        self._plan = plan
        self._room = room
        self._open: dict[tuple[str, str], Batches] = {}
        self._tallies = Tallies(plan)
        self._notes: list[str] = []
        self._batches = self._requests = self._worst = 0

    async def run(self) -> None:
        """Submit everything that fits the budget."""
        forget_failures(self._store, self._plan)
        gather(self._store, (job.request_id for job in self._plan.jobs))
        loads: dict[tuple[str, str, str], _Load] = {}
        try:
            for part in chunks(range(len(self._plan.jobs))):
                jobs = [self._plan.jobs[place] for place in part]
                logged = load(self._store, sorted({job.request_id for job in jobs}))
                for job in jobs:
                    await self._add(job, logged[job.request_id], loads)
            for waiting in loads.values():
                await self._submit(waiting)
        finally:
            for each in self._open.values():
                with suppress(Exception):  # a connection that won't close changes no result
                    await each.close()

    async def _add(self, job: Job, logged: Logged, loads: dict[tuple[str, str, str], _Load]) -> None:
        """Put a request to the others of its model; a full batch is submitted."""
        route = self._plan.routes[job.route]
        try:
            call = prepare(logged, route, redactor=self._plan.redactor, whole=True)
            batches = self._batches_of(route.endpoint, call.client)
        except NotReplayableError as error:
            self._tallies.fail(job.route, "not_replayable", error.reason, sent=False)
            return
        if not self._fits(job):
            return
        key = route.endpoint.name, call.client.name, route.sends
        waiting = loads.setdefault(key, _Load(route, call.client, _tag()))
        waiting.add(job, call)
        if len(waiting.calls) >= batches.most_requests or waiting.size >= batches.most_bytes:
            await self._submit(loads.pop(key))

    def _fits(self, job: Job) -> bool:
        """Set the worst case of a request aside."""
        worst = job.worst_pico or 0
        if self._room is not None and worst > self._room:
            self._tallies.fail(job.route, "budget", "the cap leaves no room for this request", sent=False)
            return False
        if self._room is not None:
            self._room -= worst
        return True

    def _batches_of(self, endpoint: EndpointConfig, client: Client) -> Batches:
        if client.batches is None:
            raise NotReplayableError("the endpoint has no Batch API")
        key = endpoint.name, client.name
        if key not in self._open:
            self._open[key] = client.batches(endpoint)
        return self._open[key]

    async def _submit(self, waiting: _Load) -> None:
        """Write a batch down, hand it over, and note its id."""
        self._write(waiting)
        requests = [
            BatchRequest(waiting.custom_id(place), call.translation.body)
            for place, (_, call) in enumerate(waiting.calls)
        ]
        batches = self._batches_of(waiting.route.endpoint, waiting.client)
        try:
            batch_id = await batches.submit(waiting.tag, requests)
        except CallError as failure:
            if failure.maybe_billed:
                self._notes.append(f"it is not known whether a batch of {len(requests)} requests was accepted "
                                   f"({failure.message}); the next run finds out")  # fmt: skip
            else:
                self._give_up(waiting, failure)
            return
        opened(self._store, waiting.tag, batch_id)
        self._batches += 1
        self._requests += len(requests)
        self._worst += sum(job.worst_pico or 0 for job, _ in waiting.calls)

    def _write(self, waiting: _Load) -> None:
        route = waiting.route
        entries = []
        for place, (job, call) in enumerate(waiting.calls):
            named = identity(self._plan, job)
            lossy = json.dumps(call.translation.lossy, ensure_ascii=False)
            entries.append(
                {
                    "tag": waiting.tag,
                    "custom_id": waiting.custom_id(place),
                    **{key: named[key] for key in _KEPT},
                    "lossy": lossy,
                    "originals": json.dumps(call.originals, ensure_ascii=False) if call.originals else None,
                    "worst_pico": job.worst_pico or 0,
                }
            )
        batch = {
            "tag": waiting.tag,
            "endpoint": route.endpoint.name,
            "flavour": waiting.client.name,
            "model": route.model,
            "status": "submitting",
            "requests": len(entries),
            "rates": _prices(route),
            "submitted_at_us": now_us(),
        }
        with self._store.transaction():
            self._store.write_rows("replay_batch", [batch])
            self._store.write_rows("replay_batch_entry", entries)

    def _give_up(self, waiting: _Load, failure: CallError) -> None:
        dropped(self._store, waiting.tag)
        for job, _ in waiting.calls:
            self._tallies.fail(job.route, failure.kind, failure.message, sent=False)

    def result(self) -> Submitted:
        """What was handed over."""
        return Submitted(
            self._batches, self._requests, self._worst / PICO, self._tallies.failures(), tuple(self._notes)
        )


def opened(store: Store, tag: str, batch_id: str) -> None:
    """Note that a batch was accepted."""
    store.run("UPDATE replay_batch SET status = 'open', batch_id = $id WHERE tag = $tag", id=batch_id, tag=tag)


def dropped(store: Store, tag: str) -> None:
    """Forget a batch that was never accepted: its requests may be asked otherwise."""
    with store.transaction():
        store.run("DELETE FROM replay_batch_entry WHERE tag = $tag", tag=tag)
        store.run("DELETE FROM replay_batch WHERE tag = $tag", tag=tag)


def _tag() -> str:
    return f"audit_{secrets.token_hex(8)}"


def _prices(route: Route) -> str | None:
    if route.rates is None or route.billed is None:
        return None
    prices: Mapping[str, Any] = {"standard": route.rates.record(), "billed": route.billed.record()}
    return json.dumps(prices)


def _raise(result: Submitted, max_cost_usd: float | None) -> None:
    worst = result.failed[0] if result.failed else None
    if worst is None:
        return
    if worst.reason == "budget":
        raise BudgetError(f"a cap of ${max_cost_usd:g} leaves no room for one request", "raise --max-cost")
    raise ReplayError(f"{worst.endpoint}/{worst.model}: no batch was accepted: {worst.example}", "run without --batch")
