"""`audit replay --batch` and `--collect`: hand requests over to Batch APIs and fetch what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.cli.options import print_json
from audit.cli.replay_plan import agreed, planned, show_plan, usd

if TYPE_CHECKING:
    from audit.cli.replay_plan import Wish
    from audit.config import Config
    from audit.replay import Plan
    from audit.replay.batching import Submitted
    from audit.replay.collecting import Collected
    from audit.store import Store


def fetch(store: Store, settings: Config) -> Collected:
    """Collect the batches that ended."""
    from audit import console
    from audit.replay.collecting import collect

    with console.steps("collecting batches"):
        return collect(store, settings.endpoint)


def submit(store: Store, settings: Config, wish: Wish) -> None:
    """Collect what has ended, then hand over what is still to be asked; Interrupted where the cap left some out."""
    from audit import figures
    from audit.errors import Interrupted
    from audit.evalset import resolve

    fetched = fetch(store, settings)
    only = resolve(store, wish.evalset).chances if wish.evalset else None
    plan = planned(store, settings, wish, only)
    show_plan(plan, wish, settings)
    handed = hand_over(store, plan, wish.cap(settings), wish.yes) if plan.jobs else None
    conclude(store, settings, fetched, handed, wish.as_json)
    if handed is not None and handed.stopped:
        raise Interrupted(
            f"{handed.stopped}; {figures.things(handed.requests, 'request')} handed over",
            "raise --max-cost and run the same command to go on",
        )


def hand_over(store: Store, plan: Plan, cap: float, yes: bool) -> Submitted:
    """Submit the calls of a plan, once somebody agreed."""
    from audit import console
    from audit.replay.batching import submit

    consent = yes or agreed(plan, cap)
    with console.steps("submitting batches"):
        return submit(store, plan, max_cost_usd=cap, consent=consent)


def conclude(store: Store, settings: Config, fetched: Collected, handed: Submitted | None, as_json: bool) -> None:
    """Score what was fetched, decide, and say what was handed over and what still waits."""
    from audit import console
    from audit.cli.quality import print_verdicts
    from audit.deciding import deciding
    from audit.export import quality as written
    from audit.ledger import workflow_names
    from audit.scoring import observed, scoring

    with console.steps("scoring"):
        observed(store)
        scoring(store)
        verdicts = deciding(store, settings.latency, settings.first_chunk)
    names = workflow_names(store)
    if as_json:
        print_json(written.batch_document(fetched, handed, verdicts, names))
        return
    _print_fetched(fetched)
    if handed is not None:
        _print_handed(handed)
    if verdicts:
        console.say("")
        print_verdicts(verdicts, names)


def _print_fetched(fetched: Collected) -> None:
    from audit import console, figures

    console.say(
        f"{fetched.batches} batches collected: {fetched.answered} answered, "
        f"{sum(each.count for each in fetched.failed)} failed, {usd(fetched.spent_usd)} spent"
    )
    for failed in fetched.failed:
        console.warn(
            f"{failed.endpoint}/{failed.model}: {failed.count} × {failed.reason}: {console.clean(failed.example)}"
        )
    for each in fetched.open:
        console.say(
            f"waiting: {each.endpoint}/{each.model}: {each.done} of {each.requests} done since "
            f"{figures.minute(each.submitted_at_us)} UTC: {console.clean(each.status, 200)}"
        )
    for note in fetched.notes:
        console.note(console.clean(note, 200))


def _print_handed(handed: Submitted) -> None:
    from audit import console

    if handed.batches:
        console.say(
            f"{handed.requests} requests handed over in {handed.batches} batches, at most {usd(handed.worst_usd)}; "
            "collect the answers with `audit replay --collect` (within a day)"
        )
    for failed in handed.failed:
        if failed.reason == "budget":
            continue
        console.warn(
            f"{failed.endpoint}/{failed.model}: {failed.count} not handed over: {failed.reason}: "
            f"{console.clean(failed.example)}"
        )
    for note in handed.notes:
        console.warn(console.clean(note, 200))
