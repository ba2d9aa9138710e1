"""Commands that test cheaper models on real requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.evaluating import check_outcomes, note_on_file, print_outcomes
from audit.cli.options import ConfigFile, Db, Json, Yes, end_early, load, open_store, print_json
from audit.cli.replay_plan import Wish, planned, show_plan, usd
from audit.cli.replay_plan import agreed as agree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.config import Config
    from audit.deciding import Total, Verdict
    from audit.evalset import Outcome, Resolved
    from audit.replay import Plan, Policy, ReplayResult
    from audit.store import Store

Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model", help="Candidate: a name, ENDPOINT/NAME, or `local`; repeat. Default: proposed from prices."
    ),
]


Variants = Annotated[
    list[str] | None,
    typer.Option(
        "--variant",
        help="Ask the current model a changed request: concise, json, compress, trim-history=N, few-shot=N, "
        "top-k=N, effort=LEVEL, template=FILE; repeat.",
    ),
]


Batch = Annotated[
    bool, typer.Option("--batch", help="Use the Batch APIs: half the price, collected later. Collects first.")
]
Collect = Annotated[bool, typer.Option("--collect", help="Fetch what came of earlier --batch runs; send nothing new.")]


Redact = Annotated[
    bool, typer.Option("--redact", help="Replace mail addresses, phone, card and identity numbers before sending.")
]
Workflows = Annotated[
    list[str] | None, typer.Option("--workflow", help="Test this workflow, and no other that is not named; repeat.")
]
Excluded = Annotated[
    list[str] | None, typer.Option("--exclude-workflow", help="Send no content of this workflow; repeat.")
]


Again = Annotated[
    bool, typer.Option("--again", help="With --evalset: ask anew what was answered before; verdicts stay as they are.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(replay)


def replay(
    sample: Annotated[int | None, typer.Option(help="Prompts to draw (default 500).", min=1)] = None,
    model: Models = None,
    max_cost: Annotated[float | None, typer.Option(help="Hard cap in USD (default 5).", min=0)] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the draw (default 1).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and its cost; send nothing.")] = False,
    variant: Variants = None,
    no_floor: Annotated[bool, typer.Option("--no-floor", help="Do not replay the current models.")] = False,
    evalset: Annotated[str | None, typer.Option(help="Ask exactly the prompts of this set (`audit evalset`).")] = None,
    again: Again = False,
    strict: Annotated[bool, typer.Option("--strict", help="With --evalset: exit 3 when a model fails it.")] = False,
    batch: Batch = False,
    collect: Collect = False,
    redact: Redact = False,
    workflow: Workflows = None,
    exclude_workflow: Excluded = None,
    yes: Yes = False,
    db: Db = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Ask cheaper models a sample of your real requests. Scores the answers and says where switching is safe.

    Shows cost and data flow first and asks. Interrupt it and run it again: nothing is paid twice.

    Example: audit replay --sample 500 --model gpt-5-mini --max-cost 5
    """
    from audit.cli import batches
    from audit.errors import ConfigError

    settings = load(config)
    if again and (evalset is None or batch or collect):
        raise ConfigError("--again goes with --evalset, and not with batches", "a verdict rests on the first answers")
    wish = Wish(
        sample=sample, models=model or (), max_cost=max_cost, seed=seed, variants=variant or (), floor=not no_floor,
        evalset=evalset, again=again, dry_run=dry_run, batch=batch, redact=redact, workflows=workflow or (),
        excluded=exclude_workflow or (), yes=yes, as_json=as_json,
    )  # fmt: skip
    with open_store(db, writes=not dry_run) as store:
        if collect:
            batches.conclude(store, settings, batches.fetch(store, settings), None, as_json)
        elif batch and not dry_run:
            batches.submit(store, settings, wish)
        else:
            _replay(store, settings, wish, strict=strict)


def _replay(store: Store, settings: Config, wish: Wish, *, strict: bool) -> None:
    """Plan; unless that is all, ask, score, decide and print. Raises Interrupted where the cap ended it early."""
    from audit.deciding import totals
    from audit.evalset import outcomes, resolve
    from audit.replay import Policy

    wanted = resolve(store, wish.evalset) if wish.evalset else None
    plan = planned(store, settings, wish, wanted.chances if wanted else None)
    show_plan(plan, wish, settings)
    if wish.dry_run:
        return
    result, verdicts = carry_out(
        store,
        plan,
        wish.cap(settings),
        agreed=wish.yes or agree(plan, wish.cap(settings)),
        policy=Policy(concurrency=settings.replay.concurrency),
        settings=settings,
        to_the_end=wanted is not None,
    )
    asked = [(route.endpoint.name, route.model, route.variant_name) for route in plan.routes]
    found = outcomes(store, wanted.names, asked) if wanted else []
    _print(result, verdicts, totals(store), _names(store), found, wanted, wish.as_json)
    if wanted and plan.reused and not wish.again and not wish.as_json:
        note_on_file(plan.reused)
    if strict:
        check_outcomes(found)
    end_early(result.stopped, result.unmade or _fruitless(result), result.answered)


def _print(
    result: ReplayResult,
    verdicts: list[Verdict],
    overall: list[Total],
    names: dict[int, str],
    found: list[Outcome],
    wanted: Resolved | None,
    as_json: bool,
) -> None:
    from audit.export import quality as written

    if as_json:
        print_json(written.replay_document(result, verdicts, names, overall) | written.evalset_rows(found, wanted))
        return
    print_result(result, verdicts, names)
    print_totals(overall)
    if wanted:
        print_outcomes(found, wanted)


def carry_out(
    store: Store,
    plan: Plan,
    cap: float | None,
    *,
    agreed: bool,
    policy: Policy | None = None,
    settings: Config | None = None,
    to_the_end: bool = False,
) -> tuple[ReplayResult, list[Verdict]]:
    """Make the calls, score the answers and decide; how it goes is drawn on stderr.

    Candidates nothing can save are asked no more, unless `to_the_end`. `settings` hold how late they may be.
    """
    from audit import console
    from audit.cli.replay_live import live_replay
    from audit.config import Config
    from audit.deciding import deciding, standings
    from audit.replay import replay as send
    from audit.scoring import observed, scoring

    limits = settings or Config()
    with live_replay(len(plan.jobs), cap, plan.spent_pico) as live:

        def look(beside: Store) -> Mapping[tuple[int, str, str, str, str], str]:
            scoring(beside)
            found = standings(beside)
            live.stand(found)
            return {} if to_the_end else {key: each.stopped for key, each in found.items() if each.stopped}

        result = send(store, plan, max_cost_usd=cap, consent=agreed, policy=policy, progress=live.show, look=look)
    with console.steps("scoring"):
        observed(store)
        scoring(store)
        verdicts = deciding(store, limits.latency, limits.first_chunk)
    return result, verdicts


def _fruitless(result: ReplayResult) -> str:
    """That calls were made and none answered; empty where any was, or none was made."""
    from audit import console

    asked = result.refused
    if result.answered or asked is None:
        return ""
    return f"no call was answered: {asked.endpoint}/{asked.model}: {console.clean(asked.example)}"


def print_result(result: ReplayResult, verdicts: list[Verdict], names: dict[int, str]) -> None:
    """The verdict table, and what failed."""
    from audit import console, figures

    failed = sum(each.count for each in result.failed if each.sent)
    unmade = sum(each.count for each in result.failed if not each.sent)
    before = f" (at most {usd(result.spent_usd + result.spent_before_usd)} with unfinished runs)"
    console.say(
        f"{result.answered} answered, {failed} failed, "
        + (f"{unmade} not made, " if unmade else "")
        + f"{result.reused} on file already, {usd(result.spent_usd)} spent"
        + (before if result.spent_before_usd else "")
        + f" in {figures.seconds(result.seconds)}"
        + (f", at most {usd(result.uncertain_usd)} more may be billed" if result.uncertain_usd else "")
        + (f"; stopped: {result.stopped}" if result.stopped else "")
    )
    for each in result.failed:
        said = f"{each.endpoint}/{each.model}: {each.count} × {each.reason}: {console.clean(each.example)}"
        if each.sent:
            console.warn(said)
        elif each.reason != "budget":
            console.note(f"not made: {said}")
    for note in result.notes:
        console.note(note)
    console.say("")
    print_verdicts(verdicts, names)


def print_totals(overall: Sequence[Total]) -> None:
    """What each candidate does over all its workflows."""
    from audit import console, figures

    for each in overall:
        counted = "; ".join(
            f"{figures.share(share.estimate)} of {name} [{figures.share(share.low)} – {figures.share(share.high)}]"
            for name, share in (("requests", each.shares.requests), ("dollars", each.shares.dollars))
            if share.low <= share.estimate
        )
        if each.workflows > 1 and counted:
            more = "".join(f"; {clause}" for clause in _apart(each))
            console.say(f"{_candidate(each)}, {each.workflows} workflows together: acceptable on {counted}{more}")


def _apart(total: Total) -> list[str]:
    """Why a share over all workflows may lie apart from those of each."""
    from audit import figures

    found = []
    if total.unmeasured:
        most = figures.things(total.unmeasured, "workflow")
        found.append(f"without what nobody could judge, most answers of {most}")
    if total.pooled:
        ratings = figures.things(total.pooled, "rating")
        found.append(f"{ratings} of groups too small to speak alone count for their whole groups here, not in the rows")
    return found


def print_verdicts(verdicts: Sequence[Verdict], names: Mapping[int, str]) -> None:
    """The verdict on every candidate, and a line of reasons for each."""
    from audit import console, figures

    console.table(
        "Verdicts",
        ("Workflow", "Today", "Candidate", "Verdict", "n", "Acceptable", "90 % interval", "Floor", "Cost ratio"),
        [
            (names.get(row.workflow_id, "(none)"), row.current_model, _candidate(row),
             row.verdict.replace("_", " "), figures.count(row.n), figures.share(row.acceptable),
             f"{figures.share(row.interval_low)} – {figures.share(row.interval_high)}",
             "not measured" if row.floor is None and not row.floor_n else figures.share(row.floor),
             figures.cell(row.cost_ratio, "ratio"))
            for row in verdicts
        ],
        left=4,
    )  # fmt: skip
    for row in verdicts:
        who = f"{names.get(row.workflow_id, '(none)')}, {_candidate(row)}"
        console.say(f"{who}: {row.verdict.replace('_', ' ')}: {row.reason}")
    print_timing([row for row in verdicts if row.p50_duration is not None], names)


def print_timing(verdicts: Sequence[Verdict], names: Mapping[int, str]) -> None:
    """How long candidates take, and how long until the first chunk of a stream, beside today's; nothing without any."""
    from audit import console, figures

    def pair(half: float | None, most: float | None) -> str:
        return "not measured" if half is None else f"{figures.seconds(half)} / {figures.seconds(most)}"

    def streams(row: Verdict) -> str:
        today = row.current_first_chunk_n
        return figures.count(row.first_chunk_n) + (f", today {figures.count(today)}" if today else "")

    if verdicts:
        console.table(
            "Latency, p50 / p95",
            ("Workflow", "Candidate", "Answer", "n", "First chunk", "First chunk today", "n"),
            [
                (names.get(row.workflow_id, "(none)"), _candidate(row),
                 pair(row.p50_duration, row.p95_duration), figures.count(row.duration_n),
                 pair(row.p50_first_chunk, row.p95_first_chunk),
                 pair(row.current_p50_first_chunk, row.current_p95_first_chunk), streams(row))
                for row in verdicts
            ],
            left=2,
        )  # fmt: skip


def _candidate(row: Verdict | Total) -> str:
    return f"{row.endpoint}/{row.model}" + (f" {row.variant}" if row.variant else "")


def _names(store: Store) -> dict[int, str]:
    from audit.ledger import workflow_names

    return workflow_names(store)
