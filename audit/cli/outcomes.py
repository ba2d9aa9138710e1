"""The command that says what success costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.options import ConfigFile, Db, Json, load, open_store, print_json
from audit.cli.pricing import warn_if_stale

if TYPE_CHECKING:
    from audit.outcomes import UnitCosts

_SAID = {
    "failed": "tasks that did not succeed",
    "retried": "calls that failed or were sent again",
    "regenerated": "answers asked for again after a minute or more",
    "tool failed": "calls that only read the error of a tool",
}


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(outcomes)


def outcomes(
    db: Db = None,
    config: ConfigFile = None,
    as_json: Json = False,
    top: Annotated[int, typer.Option(help="Workflows to list.")] = 20,
) -> None:
    """What a successful task and a unit of your business cost. Models, other cost lines, what was spent in vain.

    Units come from [outcomes] and cost lines from [[cost]] in audit.toml.

    Example: audit outcomes --json
    """
    from audit.export.inspection import outcomes_document
    from audit.outcomes import unit_costs

    settings = load(config)
    with open_store(db) as store:
        warn_if_stale(store, settings)
        result = unit_costs(store, settings)
    if as_json:
        print_json(outcomes_document(result))
        return
    _print_totals(result)
    _print_workflows(result, top)
    _print_units(result)


def _print_totals(result: UnitCosts) -> None:
    from audit import console, figures

    tasks = result.outcomes
    rows = [
        ("Models", figures.money(result.model_pico)),
        *((f"{line.name}{f' ({line.workflow})' if line.workflow else ''}", figures.money(line.cost_pico))
          for line in result.others),
        ("Tasks that succeeded", f"{figures.count(tasks.successes)} of {figures.count(tasks.tasks)}"),
        ("Cost per call, failed ones included", figures.money(result.per_request_pico)),
        ("Cost per task", figures.money(result.per_task_pico)),
        ("Cost per successful task", figures.money(result.per_success_pico)),
        *((f"In vain: {_SAID[waste.reason]}", f"{figures.money(waste.cost_pico)} ({figures.count(waste.requests)})")
          for waste in tasks.waste),
    ]  # fmt: skip
    console.table("Outcomes over the period of the log", ("", ""), rows)


def _print_workflows(result: UnitCosts, top: int) -> None:
    from audit import console, figures

    rows = result.outcomes.by_workflow
    console.table(
        "By workflow, models alone",
        ("Workflow", "Tasks", "Succeeded", "Spend", "In vain", "Per success"),
        [
            (row.name, figures.count(row.tasks), figures.share(row.successes / row.tasks if row.tasks else None),
             figures.money(row.cost_pico), figures.money(row.wasted_pico), figures.money(row.per_success_pico))
            for row in rows[:top]
        ],
        footer=f"and {len(rows) - top} more (--top)" if len(rows) > top else "",
    )  # fmt: skip


def _print_units(result: UnitCosts) -> None:
    from audit import console, figures

    if not result.units:
        console.note('no unit of business is defined: write [outcomes."resolved ticket"] in audit.toml')
        return
    console.table(
        "Units of business, everything included",
        ("Unit", "Counted by", "Units", "Models", "Other lines", "Clean-up", "Together", "Per unit"),
        [
            (unit.name, unit.counted, figures.count(unit.units), figures.money(unit.model_pico),
             figures.money(unit.other_pico), figures.money(unit.cleanup_pico), figures.money(unit.cost_pico),
             figures.money(unit.per_unit_pico))
            for unit in result.units
        ],
        left=2,
    )  # fmt: skip
