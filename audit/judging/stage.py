"""The stage: ask the judge, keep every word it says, and write its verdicts to `score`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from audit.clients._failures import remedy
from audit.clients._lane import Policy
from audit.deciding import Fitness, fitness
from audit.errors import BudgetError, ConsentError, Interrupted, ReplayError
from audit.judging.asking import Asking
from audit.judging.cases import Case
from audit.judging.known import spent_unfinished
from audit.judging.planning import JudgePlan
from audit.judging.protocol import version
from audit.replay.aside import Aside
from audit.replay.budget import Budget
from audit.replay.journal import Journal
from audit.replay.plans import PICO
from audit.replay.runs import Run
from audit.statistics.agreement import aggregate_swapped
from audit.store import Store

_GOOD = ("better", "equal", "acceptable_but_worse")
_VALUE = {"better": 1.0, "equal": 1.0, "tie": 1.0, "acceptable_but_worse": 0.75, "unacceptable": 0.0}
_LIKE = (0.8, 1.25)
_VERDICTS = """
SELECT replay_id, protocol, candidate_first, verdict FROM judgement
WHERE judge = $judge AND status = 'ok' AND canary IS NULL
ORDER BY judgement_id
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a judgement brought.

    `answers` were judged in both orders: `passed` acceptable in both, `failed` in neither, `inconsistent` in one;
    `unread` got no verdict. `doubtful` of them programs had failed with doubt, `overruled` of these it passed.
    `not_worse` counts answers at least as good as the logged one; `pass_share_alike` is the share passed among answers
    about as long as the logged one (0.8 to 1.25 times), None without any. `screened` failed unasked. `spent_before_usd`
    is what unfinished runs spent of the cap, `uncertain_usd` bounds what questions without a counted answer may be
    billed besides. `stopped` says why it ended early (empty = it did not), `unanswered` which questions got no answer.
    """

    judge: str
    asked: int
    reused: int
    answers: int
    passed: int
    failed: int
    inconsistent: int
    unread: int
    doubtful: int
    overruled: int
    screened: int
    not_worse: int
    pass_share_alike: float | None
    spent_usd: float
    spent_before_usd: float
    uncertain_usd: float
    failures: Mapping[str, int]
    fitness: tuple[Fitness, ...]
    stopped: str = ""
    unanswered: str = ""


def judging(
    store: Store,
    plan: JudgePlan,
    *,
    max_cost_usd: float | None,
    consent: bool = False,
    policy: Policy | None = None,
    progress: Callable[[int, float], None] | None = None,
    stopping: Callable[[], None] = lambda: None,
) -> Judged:
    """Ask what the plan lists, canaries first, under a hard cap, and journal every answer as it comes.

    `max_cost_usd` caps the judgement with all its interrupted runs, and what those may have paid for and lost.
    `stopping` is told once the user has stopped it and only answers on their way are waited for.
    Verdicts go to `score` under the judge's name; whether they count is for the decision to say, by its canaries.
    Raises ConsentError, BudgetError (nothing fits the cap, or a price is missing), ReplayError (no answer came) and
    Interrupted (stopped by the user; answers are kept).
    """
    _check(plan, max_cost_usd, consent)
    before = spent_unfinished(store, plan.judge)
    filed = Run(store, "judge")
    limit = None if max_cost_usd is None else round(max_cost_usd * PICO)
    with store.apart() as written:
        file = Aside(written)
        budget = Budget(limit, before, lambda pico: file.do(partial(filed.set_aside, pico)))
        run = Asking(plan, budget, before, progress, file, Journal(store, file, "judgement", "judgement_id"))
        interrupted = asyncio.run(run.all(policy or Policy(), stopping))
    filed.set_aside(budget.uncertain, store)
    made = _judged(store, plan, run, "interrupted" if interrupted else run.stopped)
    _log(store, plan, made, max_cost_usd)
    if interrupted:
        raise Interrupted(f"stopped with {run.answered} answers of the judge kept", "run the same command to go on")
    if plan.asks and not run.answered:
        if run.short and before:
            return made
        if run.short:
            raise BudgetError(f"a cap of ${max_cost_usd:g} leaves no room for one call", "raise --max-cost")
        raise ReplayError(
            f"{plan.judge} gave no answer: {run.example}",
            remedy(next((kind for kind in run.failures if kind != "endpoint_closed"), "")),
        )
    return made


def _check(plan: JudgePlan, max_cost_usd: float | None, consent: bool) -> None:
    if plan.asks and plan.destination.needs_consent and not consent:
        raise ConsentError(
            f"logged prompts and answers would go to {plan.destination.host} ({plan.destination.prompts} prompts)",
            "agree with --yes, or name another --model",
        )
    if plan.asks and plan.unpriced and max_cost_usd is not None and plan.destination.leaves_machine:
        raise BudgetError(
            f"no price is known for {plan.judge}, so --max-cost can't be kept",
            "state input_per_million and output_per_million in its [[endpoint]] (0 where nothing is billed)",
        )


def _judged(store: Store, plan: JudgePlan, run: Asking, stopped: str) -> Judged:
    """Put both orders together, write the scores, and count."""
    said: dict[tuple[int, str], dict[bool, str | None]] = {}
    for row in store.rows(_VERDICTS, judge=plan.judge):
        said.setdefault((row["replay_id"], row["protocol"]), {})[bool(row["candidate_first"])] = row["verdict"]
    rows: list[dict[str, Any]] = []
    counts = {"passed": 0, "failed": 0, "inconsistent": 0, "unread": 0}
    doubtful = {"doubtful": 0, "overruled": 0}
    not_worse, alike = 0, [0, 0]
    for case in plan.cases:
        if case.replay_id in plan.screened:
            rows.append(_score(plan, case, False, 0.0, plan.screened[case.replay_id]))
            continue
        orders = said.get((case.replay_id, version(case.rubric)), {})
        if len(orders) < 2:
            continue
        state, value, reason = combined(orders[True], orders[False])
        counts[state] += 1
        doubtful["doubtful"] += case.doubtful
        doubtful["overruled"] += case.doubtful and state == "passed"
        passed = {"passed": True, "failed": False}.get(state)
        rows.append(_score(plan, case, passed, value, reason))
        not_worse += state == "passed" and value == 1.0
        if _LIKE[0] <= len(case.candidate) / max(1, len(case.logged)) <= _LIKE[1]:
            alike[0] += state == "passed"
            alike[1] += 1
    _write(store, plan, rows)
    known = [each for (name, _), each in sorted(fitness(store).items()) if name == plan.scorer]
    return Judged(
        judge=plan.judge,
        asked=run.answered,
        reused=plan.reused,
        answers=sum(counts.values()),
        **counts,
        **doubtful,
        screened=len(plan.screened),
        not_worse=not_worse,
        pass_share_alike=alike[0] / alike[1] if alike[1] else None,
        spent_usd=run.spent / PICO,
        spent_before_usd=run.before / PICO,
        uncertain_usd=run.budget.uncertain / PICO,
        failures=dict(run.failures),
        fitness=tuple(known),
        stopped=stopped,
        unanswered=run.unanswered,
    )


def combined(first: str | None, second: str | None) -> tuple[str, float, str]:
    """State, score and reason of one answer from its verdicts in both orders.

    Acceptable in both passes; which of the two is better is a tie where the orders disagree. Acceptable in one order
    only is no verdict: people see such answers first.
    """
    if first is None or second is None:
        return "unread", 0.0, "the judge gave no verdict that could be read"
    good = (first in _GOOD, second in _GOOD)
    if not any(good):
        return "failed", 0.0, "unacceptable in both orders"
    if not all(good):
        return "inconsistent", 0.5, "inconsistent: acceptable in one order only"
    verdict = aggregate_swapped([(first, second)]).verdicts[0]
    words = {"tie": "acceptable, as good or worse by order", "acceptable_but_worse": "acceptable, though not as good"}
    return "passed", _VALUE[verdict], words.get(verdict, f"acceptable: {verdict}")


def _score(plan: JudgePlan, case: Case, passed: bool | None, value: float, reason: str) -> dict[str, Any]:
    return {
        "replay_id": case.replay_id, "scorer": plan.scorer, "scorer_version": version(case.rubric), "score": value,
        "passed": passed, "reason": reason, "task_kind": case.task_kind, "scored_at_us": time.time_ns() // 1000,
    }  # fmt: skip


def _write(store: Store, plan: JudgePlan, rows: list[dict[str, Any]]) -> None:
    cases = pa.array([case.replay_id for case in plan.cases], pa.int64())
    store.replace("judge_case", pa.table({"replay_id": cases}))
    with store.transaction():
        store.run(
            "DELETE FROM score WHERE scorer = $judge AND replay_id IN (SELECT replay_id FROM judge_case)",
            judge=plan.scorer,
        )
        store.write_rows("score", rows)


def _log(store: Store, plan: JudgePlan, made: Judged, max_cost_usd: float | None) -> None:
    settings = {
        "judge": plan.judge,
        "host": plan.destination.host,
        "protocols": sorted({ask.protocol for ask in plan.asks}),
        "max_cost_usd": max_cost_usd,
    }
    outcome = {
        "asked": made.asked,
        "passed": made.passed,
        "failed": made.failed,
        "inconsistent": made.inconsistent,
        "doubtful": made.doubtful,
        "screened": made.screened,
        "spent_usd": made.spent_usd,
        "fit": {each.task_kind: list(each.faults) for each in made.fitness},
        "stopped": made.stopped,
    }
    store.log_event("judge", settings, outcome)
