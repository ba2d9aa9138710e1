"""Put the questions of a plan to the judge under a cap, and journal every answer as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from audit.clients import Answer, CallError
from audit.clients._lane import Lane, LaneClosedError, NoRoomError, Policy
from audit.hashes import digest, hexed
from audit.judging.planning import Ask, JudgePlan, translated
from audit.judging.protocol import read_verdict
from audit.replay.aside import Aside
from audit.replay.budget import Budget, Reserve
from audit.replay.journal import Journal
from audit.replay.plans import PICO
from audit.replay.runs import taken_before
from audit.replay.workers import Feed, Workers
from audit.wire.text import repaired


@dataclass(slots=True)
class Asking:
    """One run over the questions of a plan."""

    plan: JudgePlan
    budget: Budget
    before: int
    progress: Callable[[int, float], None] | None
    file: Aside
    journal: Journal
    answered: int = 0
    short: int = 0
    spent: int = 0
    example: str = ""
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def stopped(self) -> str:
        """Why it ended early, empty where it did not."""
        cut = self.budget.uncertain
        cut_off = f", with ${cut / PICO:.4f} set aside for calls that were cut off and may be billed," if cut else ""
        asked = len(self.plan.asks)
        return (
            f"the cap{taken_before(self.before)}{cut_off} left no room for {self.short} of {asked} calls"
            if self.short
            else ""
        )

    @property
    def unanswered(self) -> str:
        """How many questions got no answer, empty where all did."""
        failed = sum(self.failures.values())
        return f"{failed} of {len(self.plan.asks)} questions got no answer: {self.example}" if failed else ""

    async def all(self, policy: Policy, stopping: Callable[[], None]) -> bool:
        """Ask everything that fits the budget; whether the user stopped it."""
        session = self.plan.route.client.open(self.plan.route.endpoint)
        lane = Lane(self.plan.route.client, session, policy)
        workers = Workers(policy.concurrency, lambda: bool(lane.on_the_wire), stopping)

        async def one(ask: Ask) -> None:
            await self._ask(lane, ask)
            if self.progress:
                self.progress(self.answered + sum(self.failures.values()), self.spent / PICO)

        async def listed(asks: Sequence[Ask]) -> Sequence[Ask]:
            return asks

        async with self.file:
            try:
                await workers.run([Feed([self.plan.asks], listed)], one)
            finally:
                await self.journal.close()
                with suppress(Exception):  # a connection that won't close changes no verdict
                    await session.close()
        return workers.interrupted

    async def _ask(self, lane: Lane, ask: Ask) -> None:
        key = digest(ask.protocol, self.plan.judge, ask.case.replay_id, ask.canary, int(ask.question.candidate_first))
        translation, limits = translated(ask.question, self.plan.route, f"audit-judge-{hexed(key)}")
        reserve, spent = Reserve(self.budget, ask.worst_pico or 0), 0
        try:
            spent = self._take(ask, await lane.send(translation, limits, reserve), reserve)
            await self.journal.filed()
        except NoRoomError:
            self.short += 1
        except LaneClosedError as closed:
            self._failed("endpoint_closed", str(closed))
        except CallError as failure:
            self._failed(failure.kind, failure.message)
        finally:
            await reserve.settle(spent)

    def _failed(self, kind: str, message: str) -> None:
        self.failures[kind] = self.failures.get(kind, 0) + 1
        self.example = self.example or message

    def _take(self, ask: Ask, answer: Answer, reserve: Reserve) -> int:
        rates, usage = self.plan.route.rates, answer.usage
        cost = rates.of(usage) if rates is not None else None
        self.answered += 1
        self.spent += cost or 0
        self.journal.add(
            {
                "judge": self.plan.judge, "protocol": ask.protocol,
                "replay_id": None if ask.canary else ask.case.replay_id, "canary": ask.canary or None,
                "request_id": ask.case.request_id, "workflow_id": ask.case.workflow_id,
                "task_kind": ask.case.task_kind, "candidate_first": ask.question.candidate_first,
                "status": "ok", "verdict": read_verdict(answer.text, ask.question.candidate_first),
                "text": repaired(answer.text), "response_model": answer.response_model,
                "input_tokens": usage.input_tokens if usage else None,
                "output_tokens": usage.output_tokens if usage else None,
                "cost_pico": cost, "judged_at_us": time.time_ns() // 1000,
            }
        )  # fmt: skip
        if cost is None and rates is not None:
            # an answer without usage costs at most what was set aside
            reserve.uncertain += 1
        return cost or 0
