"""Send the calls of a plan: workers per endpoint, a budget over all, every outcome journaled as it comes."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from audit.clients import Answer, CallError, NotReplayableError
from audit.clients._lane import LaneClosedError, NoRoomError, Policy
from audit.hashes import digest
from audit.replay.budget import Budget, Reserve
from audit.replay.journal import Journal, now_us
from audit.replay.lanes import Lanes
from audit.replay.looks import Looks
from audit.replay.plans import Job, Plan
from audit.replay.prompts import Logged, chunks, load
from audit.replay.results import Progress, Tallies
from audit.replay.routes import Route
from audit.store import Store

SHOW_SECONDS = 0.2
"""Between two reports of progress."""

GRACE_SECONDS = 20.0
"""How long answers that are paid already are waited for after the user stopped the run."""


class Sender:
    """One run over a plan's calls."""

    def __init__(
        self,
        store: Store,
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
        self._journal = Journal(store, budget.filed)
        self.lanes = Lanes(policy, plan.redactor)
        self._stop = asyncio.Event()
        self.tallies = Tallies(plan)
        self.interrupted = False
        self.short_of_budget = 0
        self._shown = 0.0

    async def run(self) -> None:
        """Make every call that fits the budget; on a signal, finish what is on the wire and return."""
        self._journal.forget_failures(self._plan)
        jobs: dict[str, list[Job]] = {}
        for job in self._plan.jobs:
            jobs.setdefault(self._plan.routes[job.route].endpoint.name, []).append(job)
        workers = [
            asyncio.create_task(self._work(feed))
            for feed in map(self._feed, jobs.values())
            for _ in range(self._policy.concurrency)
        ]
        watcher = asyncio.create_task(self._watch(workers))
        try:
            with _signals(self._interrupt):
                await asyncio.gather(*workers)
        except asyncio.CancelledError:
            if not self._stop.is_set():
                raise
        finally:
            watcher.cancel()
            for worker in workers:
                worker.cancel()
            await asyncio.gather(watcher, *workers, return_exceptions=True)
            self._journal.flush()
            self._show(last=True)
            await self.lanes.close()

    def _interrupt(self) -> None:
        self.interrupted = True
        self._stop.set()

    async def _watch(self, workers: list[asyncio.Task[None]]) -> None:
        """After a signal, cancel the workers once nothing is on the wire any more, or the grace is over."""
        await self._stop.wait()
        until = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < until and self.lanes.busy:
            await asyncio.sleep(0.05)
        for worker in workers:
            worker.cancel()

    def _feed(self, jobs: list[Job]) -> Iterator[tuple[Job, Logged]]:
        """The calls of one endpoint with their requests, read a few at a time."""
        for part in chunks(range(len(jobs))):
            logged = load(self._store, sorted({jobs[place].request_id for place in part}))
            for place in part:
                yield jobs[place], logged[jobs[place].request_id]

    async def _work(self, feed: Iterator[tuple[Job, Logged]]) -> None:
        for job, logged in feed:
            if self._stop.is_set():
                return
            await self._call(job, logged)
            if self._looks.due(self.tallies.answered.total()):
                self._journal.flush()
                self._looks.take(self.tallies.answered.total())
            self._show()

    def _show(self, *, last: bool = False) -> None:
        """Tell how far the run is, a few times a second: counting everything anew has its price."""
        now = time.monotonic()
        if self._progress is not None and (last or now >= self._shown + SHOW_SECONDS):
            self._shown = now
            self._progress(self.tallies.progress())

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
        except NoRoomError:
            self.short_of_budget += 1
            self.tallies.fail(job.route, "budget", "the cap leaves no room for this call", sent=False)
        except LaneClosedError as closed:
            self.tallies.fail(job.route, "endpoint_closed", str(closed), sent=False)
        except CallError as failure:
            self._journal.failed(self._plan, job, failure, started)
            self.tallies.fail(job.route, failure.kind, failure.message, sent=True)
        finally:
            await reserve.settle(spent)

    def _answered(self, job: Job, route: Route, answer: Answer, started: int, reserve: Reserve) -> int:
        """Journal an answer; returns pico-USD spent."""
        cost = route.rates.cost(answer.usage) if route.rates is not None and answer.usage is not None else None
        self._journal.answered(self._plan, job, answer, cost, started)
        spent = 0 if route.client.in_process else cost or 0
        self.tallies.answer(job.route, answer.duration, spent)
        if cost is None and route.rates is not None and not route.client.in_process:
            # an answer without usage costs at most what was set aside
            reserve.uncertain += 1
        return spent


def idempotency_key(job: Job, route: Route) -> str:
    """The same for every attempt at one call, so that a gateway that knows such keys answers it once."""
    return f"audit-{digest(job.prompt_key, route.endpoint.name, route.model, route.variant_name) & (2**64 - 1):016x}"


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on the first Ctrl-C or SIGTERM instead of raising, where platform and thread allow it."""
    loop = asyncio.get_running_loop()
    caught: list[int] = []

    def once(number: int) -> None:
        # the second one means it
        loop.remove_signal_handler(number)
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(number, once, number)
            caught.append(number)
    try:
        yield
    finally:
        for each in caught:
            loop.remove_signal_handler(each)
