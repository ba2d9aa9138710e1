"""The command that lets a model judge what programs can't compare."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.options import ConfigFile, Db, Json, Yes, agree_to_send, end_early, load, open_store, print_json

if TYPE_CHECKING:
    from audit.config import Config
    from audit.deciding import Fitness
    from audit.judging import Judged, JudgePlan
    from audit.store import Store


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(judge)


def judge(
    model: Annotated[str, typer.Option("--model", help="The judge: a name, or ENDPOINT/NAME. Best a dated snapshot.")],
    max_cost: Annotated[float, typer.Option(help="Hard cap in USD.", min=0)] = 2.0,
    workflow: Annotated[list[str] | None, typer.Option(help="Only answers of this workflow; repeat.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and its cost; send nothing.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the planted answers.")] = 1,
    yes: Yes = False,
    db: Db = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Let a model judge the answers programs can't compare, or fail with doubt, and test it with planted answers.

    Every answer is judged in both orders, without names, by the rubric of its workflow (`[rubrics]` in audit.toml). A
    judge that fails its planted answers, changes its mind with the order or answers as two models decides nothing.
    Shows cost and data flow first and asks; what was judged is not paid twice.

    Example: audit judge --model anthropic/claude-haiku-4-5 --max-cost 2
    """
    from audit.cli.pricing import catalogue
    from audit.judging import plan_judging
    from audit.scoring import scoring

    settings = load(config)
    with open_store(db, writes=not dry_run) as store:
        if not dry_run:
            scoring(store)  # of an earlier version: what it failed may be doubtful to this one
        plan = plan_judging(
            store,
            catalogue(settings),
            model,
            endpoints=settings.endpoint,
            rubrics=settings.rubrics,
            workflows=workflow or (),
            seed=seed,
        )
        _show_plan(plan, max_cost, dry_run, as_json)
        if not dry_run:
            needed = plan.destination.needs_consent or bool(plan.expected_usd)
            agreed = yes or agree_to_send(len(plan.asks), max_cost, needed)
            made = _carry_out(store, settings, plan, max_cost, agreed)
            _print(store, settings, made, as_json)
            end_early(made.stopped, made.unanswered, made.asked)


def _show_plan(plan: JudgePlan, cap: float, alone: bool, as_json: bool) -> None:
    """The plan on the terminal, or with `--json` as a document where it is all that was asked for."""
    from audit.export.opinions import judge_plan_document

    if not as_json:
        _print_plan(plan, cap)
    elif alone:
        print_json(judge_plan_document(plan, cap))


def _carry_out(store: Store, settings: Config, plan: JudgePlan, cap: float, agreed: bool) -> Judged:
    """Ask the judge; the progress goes to stderr."""
    from audit import console
    from audit.cli.replay_live import STOPPING
    from audit.clients._lane import Policy
    from audit.judging import judging

    with console.count_progress("judging", len(plan.asks)) as update:
        return judging(
            store,
            plan,
            max_cost_usd=cap,
            consent=agreed,
            policy=Policy(concurrency=settings.replay.concurrency),
            progress=lambda done, spent: update(done, f"${spent:.4f}"),
            stopping=partial(console.note, STOPPING),
        )


def _print(store: Store, settings: Config, made: Judged, as_json: bool) -> None:
    """What the judge said, and the verdicts that follow."""
    from audit.cli.quality import print_totals, print_verdicts
    from audit.deciding import deciding, totals
    from audit.export.opinions import judge_document
    from audit.ledger import workflow_names

    verdicts, names = deciding(store, settings.latency, settings.first_chunk), workflow_names(store)
    if as_json:
        print_json(judge_document(made, verdicts, names, totals(store)))
        return
    _print_judged(made)
    print_verdicts(verdicts, names)
    print_totals(totals(store))


def _print_plan(plan: JudgePlan, cap: float) -> None:
    from audit import console, figures
    from audit.cli.replay_plan import destination, warn_of_cap

    expected = "no price" if plan.expected_usd is None else figures.money(plan.expected_usd * 1e12)
    doubtful = f" ({plan.doubtful} programs failed with doubt)" if plan.doubtful else ""
    console.say(
        f"{len(plan.cases)} answers wait for a judge{doubtful}: {len(plan.asks)} questions to "
        f"{console.clean(plan.judge)}, {plan.canaries} of them about planted answers; {plan.reused} were answered "
        f"before; expected {expected}, hard cap ${cap:g}"
    )
    if plan.again:
        console.note(f"{plan.again} of the questions were asked before, and the answers could not be read")
    console.say(f"prompts and both answers: {destination(plan.destination)}")
    warn_of_cap(plan, len(plan.asks), cap, "name one --workflow")
    if plan.screened:
        console.note(
            f"{len(plan.screened)} answers fail unasked: they speak to a judge, or one text answers everything"
        )


def _print_judged(made: Judged) -> None:
    from audit import console, figures

    alike = "" if made.pass_share_alike is None else f" ({figures.share(made.pass_share_alike)} at like length)"
    console.say(
        f"{made.answers} answers judged in both orders: {made.passed} acceptable{alike}, {made.failed} not, "
        f"{made.inconsistent} by order, {made.unread} without a verdict, {made.screened} failed unasked; "
        f"${made.spent_usd:.4f} spent"
        + (f", at most ${made.uncertain_usd:.4f} more may be billed" if made.uncertain_usd else "")
        + (f"; {made.stopped}" if made.stopped else "")
    )
    if made.doubtful:
        console.note(f"programs had failed {made.doubtful} of them with doubt; {made.overruled} are acceptable")
    for kind, count in made.failures.items():
        console.warn(f"{figures.things(count, 'question')} got no answer: {kind}")
    console.table(
        "Is the judge fit?",
        (
            "Kind",
            "Same text",
            "Other's answer",
            "With an order to pass",
            "Number changed",
            "Candidate's other answer",
            "Same in both orders",
            "Fit",
        ),
        [_fitness(each) for each in made.fitness],
    )
    for each in made.fitness:
        for fault in each.faults:
            console.say(f"{each.task_kind or 'open'}: its verdicts do not count: {fault}")


def _fitness(each: Fitness) -> tuple[str, ...]:
    from audit import figures

    planted = [each.canaries.get(name) for name in ("same", "other", "injected", "number", "astray")]
    return (
        each.task_kind or "open",
        *(f"{seen.right} of {seen.n}" if seen else "–" for seen in planted),
        figures.share(each.consistency),
        "yes" if each.fit else "no",
    )
