"""Send the calls of a plan: workers per endpoint, a budget over all, every outcome journaled as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from audit.clients import Answer, CallError, NotReplayableError
from audit.clients._lane import LaneClosedError, NoRoomError, Policy
from audit.hashes import digest, hexed
from audit.replay.aside import Aside
from audit.replay.budget import Budget, Reserve
from audit.replay.journal import Journal, answered, failed, identity, now_us
from audit.replay.lanes import Lanes
from audit.replay.looks import Looks
from audit.replay.plans import Job, Plan
from audit.replay.prompts import Logged, chunks, gather, load
from audit.replay.results import Progress, Tallies
from audit.replay.routes import Route
from audit.replay.workers import Feed, Workers
from audit.store import Store

LASTING = ("not_found", "unauthorised")
"""Why an endpoint is closed for good: the same command would meet the same."""
SHOW_SECONDS = 0.2
"""Between two reports of progress."""


class Sender:
    """One run over a plan's calls; `file` keeps what comes of them.

    `short_of_budget` calls found no room under the cap, `closed_to` ones an endpoint that may answer another day
    (`closing` says why it did not).
    """

    def __init__(
        self,
        store: Store,
        file: Aside,
        plan: Plan,
        budget: Budget,
        policy: Policy,
        progress: Callable[[Progress], None] | None,
        looks: Looks,
    ) -> None:
        self._store = store
        self._plan = plan
        self._budget = budget
        self._policy = policy
        self._progress = progress
        self._looks = looks
        self._journal = Journal(store, file, "replay", "replay_id")
        self.lanes = Lanes(policy, plan.redactor)
        self.tallies = Tallies(plan)
        self._workers = Workers(policy.concurrency, lambda: self.lanes.busy, lambda: self._show(at_once=True))
        self.short_of_budget = self.closed_to = 0
        self.closing = ""
        self._shown = 0.0

    @property
    def interrupted(self) -> bool:
        """Whether the user stopped the run."""
        return self._workers.interrupted

    async def run(self) -> None:
        """Make every call that fits the budget; on a signal, finish what is on the wire and return."""
        gather(self._store, (job.request_id for job in self._plan.jobs))
        jobs: dict[str, list[Job]] = {}
        for job in self._plan.jobs:
            jobs.setdefault(self._plan.routes[job.route].endpoint.name, []).append(job)
        try:
            self.lanes.open(self._plan.routes[place] for place in sorted({job.route for job in self._plan.jobs}))
            await self._looks.take(0)
            async with Aside(self._store) as log:
                feeds = [Feed(chunks(each), partial(self._load, log)) for each in jobs.values()]
                await self._workers.run(feeds, self._one)
        finally:
            await self._journal.close()
            self._show(at_once=True)
            await self.lanes.close()

    async def _load(self, log: Aside, jobs: Sequence[Job]) -> list[tuple[Job, Logged]]:
        """Calls with their requests."""
        wanted = sorted({job.request_id for job in jobs})
        logged = await log.do(lambda store: load(store, wanted))
        return [(job, logged[job.request_id]) for job in jobs]

    async def _one(self, item: tuple[Job, Logged]) -> None:
        await self._call(*item)
        await self._looks.take(self.tallies.answered.total())
        self._show()

    def _show(self, *, at_once: bool = False) -> None:
        """Tell how far the run is, a few times a second: counting everything anew has its price."""
        now = time.monotonic()
        if self._progress is not None and (at_once or now >= self._shown + SHOW_SECONDS):
            self._shown = now
            self._progress(self.tallies.progress(stopping=self.interrupted))

    async def _call(self, job: Job, logged: Logged) -> None:
        route = self._plan.routes[job.route]
        if (reason := self._looks.reason(job)) is not None:
            self.tallies.fail(job.route, "futile", reason, sent=False)
            return
        try:
            call = self.lanes.ready(logged, route, idempotency_key(job, route))
        except NotReplayableError as error:
            self.tallies.fail(job.route, "not_replayable", error.reason, sent=False)
            return
        reserve = Reserve(self._budget, job.worst_pico or 0)
        started = now_us()
        spent = 0
        try:
            answer = await self.lanes.ask(call, logged, route, reserve)
            spent = self._answered(job, route, answer, started, reserve)
            await self._journal.filed()
        except NoRoomError:
            self.short_of_budget += 1
            self.tallies.fail(job.route, "budget", "the cap leaves no room for this call", sent=False)
        except LaneClosedError as closed:
            self.tallies.fail(job.route, "endpoint_closed", str(closed), sent=False)
            if closed.kind not in LASTING:
                self.closed_to += 1
                self.closing = f"{route.endpoint.name}/{route.model}: {closed}"
        except CallError as failure:
            self._file(job, failed(failure), started)
            self.tallies.fail(job.route, failure.kind, failure.message, sent=True)
        finally:
            await reserve.settle(spent)

    def _file(self, job: Job, outcome: dict[str, Any], started_at_us: int) -> None:
        self._journal.add({"started_at_us": started_at_us, **identity(self._plan, job), **outcome})

    def _answered(self, job: Job, route: Route, answer: Answer, started: int, reserve: Reserve) -> int:
        """Journal an answer; returns pico-USD spent."""
        cost = route.rates.of(answer.usage) if route.rates is not None else None
        self._file(job, answered(answer, route.rates), started)
        spent = 0 if route.client.in_process else cost or 0
        self.tallies.answer(job.route, answer.duration, spent)
        if cost is None and route.rates is not None and not route.client.in_process:
            # an answer without usage costs at most what was set aside
            reserve.uncertain += 1
        return spent


def idempotency_key(job: Job, route: Route) -> str:
    """The same for every attempt at one call, so that a gateway that knows such keys answers it once."""
    again = (str(job.attempt),) if job.attempt > 1 else ()
    named = digest(job.prompt_key, route.endpoint.name, route.model, route.variant_name, *again)
    return f"audit-{hexed(named)}"
