"""The stage: check the plan against cap and consent, keep the sample, send, and say what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from audit.clients._failures import remedy
from audit.clients._lane import Policy
from audit.errors import BudgetError, ConsentError, Interrupted, ReplayError
from audit.replay.aside import Aside
from audit.replay.budget import Budget
from audit.replay.drawing import keep
from audit.replay.journal import forget_failures
from audit.replay.looks import Look, Looks
from audit.replay.pictures import fetch
from audit.replay.plans import PICO, Plan
from audit.replay.results import Progress, ReplayResult
from audit.replay.routes import Route
from audit.replay.runs import Run, spent_unfinished, taken_before
from audit.replay.sending import Sender
from audit.store import Store


def replay(
    store: Store,
    plan: Plan,
    *,
    max_cost_usd: float | None,
    consent: bool = False,
    policy: Policy | None = None,
    progress: Callable[[Progress], None] | None = None,
    look: Look | None = None,
) -> ReplayResult:
    """Make the calls of a plan and journal every outcome in `replay`; run again, it goes on where it ended.

    `max_cost_usd` caps the replay with all its interrupted runs (None = no cap): the worst case of each call is set
    aside before it is sent. `look` names candidates nothing can save any more; their calls are not made. `consent` says
    that somebody agreed to the plan's destinations. Raises ConsentError, BudgetError (nothing fits the cap, or a price
    is missing), ReplayError (no endpoint gave one answer) and Interrupted (stopped by the user; finished work is kept).
    """
    check(plan, max_cost_usd, consent)
    before = spent_unfinished(store, plan.routes)
    limit = None if max_cost_usd is None else round(max_cost_usd * PICO)
    keep(store, plan.frame, plan.strata, plan.sample, plan.seed)
    fetch(store, {job.request_id for job in plan.jobs})
    started = time.perf_counter()
    sender, budget = asyncio.run(_run(store, plan, limit, before, policy or Policy(), progress, look))
    result = _result(plan, sender, budget, before, time.perf_counter() - started, max_cost_usd)
    _log(store, plan, result, max_cost_usd)
    store.checkpoint()
    _raise(plan, result, sender, max_cost_usd)
    return result


async def _run(
    store: Store,
    plan: Plan,
    limit: int | None,
    before: int,
    policy: Policy,
    progress: Callable[[Progress], None] | None,
    look: Look | None,
) -> tuple[Sender, Budget]:
    run = Run(store, "replay")
    # a failure is no word on a candidate that is about to be asked again
    forget_failures(store, plan)
    with store.apart() as written, store.apart() as looked_at:
        async with Aside(written) as file, Aside(looked_at, idle=True) as beside:
            budget = Budget(limit, before, lambda pico: file.do(partial(run.set_aside, pico)))
            sender = Sender(store, file, plan, budget, policy, progress, Looks(plan, look, beside))
            await sender.run()
    run.set_aside(budget.uncertain, store)
    return sender, budget


def check(plan: Plan, max_cost_usd: float | None, consent: bool) -> None:
    """Raise ConsentError where nobody agreed to a destination, BudgetError where a cap can't be kept."""
    strangers = [each for each in plan.destinations if each.needs_consent]
    if strangers and not consent:
        hosts = ", ".join(f"{each.host} ({each.prompts} prompts)" for each in strangers)
        raise ConsentError(f"logged prompts would go to {hosts}", "agree with --yes, or name another --model")
    if max_cost_usd is not None and plan.unpriced:
        raise BudgetError(
            f"no price is known for {', '.join(plan.unpriced)}, so --max-cost can't be kept",
            "state input_per_million and output_per_million in its [[endpoint]] (0 where nothing is billed)",
        )


def _result(
    plan: Plan, sender: Sender, budget: Budget, before: int, seconds: float, max_cost_usd: float | None
) -> ReplayResult:
    tallies = sender.tallies
    answered, failed = tallies.answered.total(), tallies.failed.total()
    return ReplayResult(
        sampled=plan.sampled,
        sent=answered + failed,
        answered=answered,
        reused=plan.reused,
        failed=tallies.failures(),
        excluded=plan.excluded,
        not_replayable=plan.not_replayable,
        spent_usd=(budget.spent - before) / PICO,
        spent_before_usd=before / PICO,
        uncertain_usd=budget.uncertain / PICO,
        seconds=seconds,
        by_candidate=tallies.candidates(),
        stopped="interrupted" if sender.interrupted else _short(plan, sender, before, max_cost_usd),
        unmade=f"{sender.closed_to} calls were not made: {sender.closing}" if sender.closed_to else "",
        notes=(*sender.lanes.notes, *_recorded(plan), *_excess(budget)),
    )


def _short(plan: Plan, sender: Sender, before: int, max_cost_usd: float | None) -> str:
    """For how many calls the cap left no room; empty where it did for all."""
    if not sender.short_of_budget:
        return ""
    room = f"left no room for {sender.short_of_budget} of {len(plan.jobs)} calls"
    return f"the cap of ${max_cost_usd:g}{taken_before(before)} {room}"


def _log(store: Store, plan: Plan, result: ReplayResult, max_cost_usd: float | None) -> None:
    """What was tried goes into the event chain: seeds and candidates count in every later verdict."""
    settings = settings_of(plan, max_cost_usd)
    outcome = {
        "sampled": result.sampled,
        "sent": result.sent,
        "answered": result.answered,
        "reused": result.reused,
        "spent_usd": result.spent_usd,
        "stopped": result.stopped,
    }
    store.log_event("replay", settings, outcome)


def _excess(budget: Budget) -> list[str]:
    if budget.excess <= 1:
        return []
    return [
        f"an answer was billed at {budget.excess:.1f} times the most its limits allow; "
        "as much was set aside for later calls"
    ]


def _recorded(plan: Plan) -> list[str]:
    files = {route.endpoint.name: route.endpoint.base_url for route in plan.routes if route.client.recorded}
    return [f"answers of {name} are recorded ones, read from {file}" for name, file in files.items()]


def settings_of(plan: Plan, max_cost_usd: float | None) -> dict[str, object]:
    """What was asked for, as the event chain keeps it."""
    return {
        "seed": plan.seed,
        "sample": plan.requested,
        "candidates": sorted({_name(route) for route in plan.routes if not route.floor}),
        "max_cost_usd": max_cost_usd,
        "again": sum(job.attempt > 1 for job in plan.jobs),
        "hosts": sorted({each.host for each in plan.destinations if each.host}),
    }


def _name(route: Route) -> str:
    return f"{route.endpoint.name}/{route.model}" + (f" {route.variant_name}" if route.variant else "")


def _raise(plan: Plan, result: ReplayResult, sender: Sender, max_cost_usd: float | None) -> None:
    """Turn a run that answered nothing, or was stopped, into the error the user sees.

    A cap that earlier runs have used up is none: like in the run before, what is on file is shown.
    """
    if sender.interrupted:
        left = len(plan.jobs) - result.sent
        raise Interrupted(
            f"stopped with {result.answered} new answers kept, {left} calls left", "run the same command to go on"
        )
    if result.answered or not plan.jobs:
        return
    if sender.short_of_budget == len(plan.jobs):
        if result.spent_before_usd:
            return
        smallest = min(job.worst_pico or 0 for job in plan.jobs) / PICO
        raise BudgetError(
            f"a cap of ${max_cost_usd:g} leaves no room for one call: the smallest may cost ${smallest:.4f}",
            "raise --max-cost",
        )
    if result.failed and not result.reused:
        worst = result.refused or result.failed[0]
        raise ReplayError(
            f"{worst.endpoint}/{worst.model} gave no answer: {worst.example}",
            remedy(worst.reason),
        )
