"""The command that says what could be saved, lever by lever, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.options import ConfigFile, Db, Json, load, open_store, print_json
from audit.cli.pricing import warn_if_stale

if TYPE_CHECKING:
    from audit.projection import LeverSaving, Savings

_NARROW = 108
_LONGEST = 600


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(savings)


def savings(
    db: Db = None,
    config: ConfigFile = None,
    as_json: Json = False,
    level: Annotated[
        float | None, typer.Option(help="Level of the intervals (default 0.90).", min=0.5, max=0.999)
    ] = None,
    findings: Annotated[int, typer.Option(help="Findings to show of each lever.", min=0)] = 2,
) -> None:
    """What each lever would have saved, alone and together. Only the joint plan adds up.

    Each figure has its evidence class and interval; below the table stands where each lever would act, and what to do.

    Example: audit savings --json | jq .joint
    """
    from audit import console
    from audit.export import documents
    from audit.projection import projection
    from audit.reconciling import caveat, latest

    settings = load(config)
    with open_store(db) as store, console.steps("simulating levers") as say:
        warn_if_stale(store, settings)
        result = projection(store, settings, level=level, progress=say)
        unconfirmed = caveat(latest(store))
    if as_json:
        print_json(documents.savings_document(result))
        return
    _print_together(result, unconfirmed)
    if result.baseline_pico:
        _print_plan(result)
    _print_findings([lever for lever in result.levers if lever.attributed_pico > 0], findings)
    _print_scenarios(result)
    _print_findings([lever for lever in result.scenarios if (lever.alone_pico or 0) > 0], findings)
    _print_rest(result)


def _print_together(result: Savings, unconfirmed: str) -> None:
    from audit import console, figures

    joint = result.joint
    if not result.baseline_pico and result.unpriced:
        console.say(f"What could be saved is unknown: {figures.things(result.unpriced, 'request')} without a price.")
        console.say("")
        return
    console.say(
        f"Together {figures.money(joint.saving_pico)} of {figures.money(result.baseline_pico)} "
        f"({figures.share(joint.share)}), {100 * result.level:.0f} % interval "
        f"{figures.money_range(joint.interval_pico)}; bankable {figures.money(joint.bankable_pico)}"
        f"{f' ({unconfirmed})' if unconfirmed else ''}.",
        style="bold",
    )
    if result.unpriced:
        console.say(f"{figures.things(result.unpriced, 'request')} without a price: in none of these figures.")
    console.say("")


def _print_plan(result: Savings) -> None:
    from audit import console, figures

    wide = console.width() >= _NARROW
    shown = [lever for lever in result.levers if not lever.blocked]
    headings = ["Lever", "Class", "In the plan", f"{100 * result.level:.0f} % interval"]
    rows = [
        [lever.title, lever.evidence, figures.money(lever.attributed_pico), figures.money_range(lever.interval_pico)]
        for lever in shown
    ]
    if wide:
        headings += ["Alone", "A month", "Requests"]
        for row, lever in zip(rows, shown, strict=True):
            row += [figures.money(lever.alone_pico), figures.money(lever.monthly_pico), figures.count(lever.requests)]
    console.table(
        "Levers in rollout order: 'in the plan' adds up" + (", 'alone' does not" if wide else ""),
        headings,
        rows,
        left=2,
        unbroken=True,
        footer="class A arithmetic on the log, B simulated on the log, C measured by replay",
    )


def _print_scenarios(result: Savings) -> None:
    from audit import console, figures

    rows = [
        (lever.title, figures.money(lever.alone_pico), figures.money_range(lever.interval_pico),
         figures.count(lever.requests))
        for lever in result.scenarios if not lever.blocked
    ]  # fmt: skip
    if rows:
        headings = ("Scenario", "Alone", f"{100 * result.level:.0f} % interval", "Requests")
        console.table("Scenarios on stated assumptions (class D), never in the sum", headings, rows, unbroken=True)


def _print_findings(levers: list[LeverSaving], most: int) -> None:
    """Where each lever acts and what to do, the dearest lever first."""
    from audit import console, figures

    for lever in sorted(levers, key=lambda lever: -(lever.attributed_pico or lever.alone_pico or 0)):
        if not most or not (lever.findings or lever.fix):
            continue
        console.say(f"{lever.title} ({figures.money(lever.attributed_pico or lever.alone_pico)})", style="bold")
        for finding in lever.findings[:most]:
            console.item(console.clean(finding, _LONGEST))
        if len(lever.findings) > most:
            console.item(f"and {len(lever.findings) - most} more (--findings, --json, or the report)")
        if lever.fix:
            console.item(f"What to do: {lever.fix}")
        _print_conditions(lever)
        print_stated(lever)
        console.say("")


def _print_conditions(lever: LeverSaving) -> None:
    """What a saving hangs on, where that is more than arithmetic: its first condition and how many more there are."""
    from audit import console

    if not lever.conditions or (lever.risk == "low" and lever.evidence in ("A", "B")):
        return
    first, *others = lever.conditions
    more = f" (and {len(others)} more: --json, or the report)" if others else ""
    console.item(f"{'Conditions' if others else 'Condition'}: {console.clean(first, _LONGEST)}{more}")


def _print_rest(result: Savings) -> None:
    from audit import console

    for sentence in result.commitments:
        console.say(f"Commitment to {console.clean(sentence, 300)}.")
    reasons: dict[str, list[str]] = {}
    for lever in (*result.levers, *result.scenarios):
        if lever.blocked:
            reasons.setdefault(lever.blocked, []).append(lever.title)
        if lever.excluded:
            reasons.setdefault(f"left out, {lever.excluded}", []).append(lever.title)
    for reason, titles in reasons.items():
        console.note(f"{' · '.join(titles)}: {reason}")
    for lever in result.levers:
        if lever.findings and not (lever.attributed_pico or lever.blocked or lever.excluded):
            more = f" (and {len(lever.findings) - 1} more: --json)" if len(lever.findings) > 1 else ""
            console.note(f"{lever.title}: nothing in the plan; {console.clean(lever.findings[0], _LONGEST)}{more}")


def print_stated(lever: LeverSaving) -> None:
    """The prices a measured saving rests on, where only the configuration says so."""
    from audit import console

    for sentence in lever.stated_prices:
        console.say(f"  {lever.title}: {console.clean(sentence, 300)}.")
