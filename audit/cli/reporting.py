"""Commands that hand the audit on: the HTML report and machine-readable exports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.options import ConfigFile, Db, Json, load, open_store, print_json
from audit.cli.pricing import warn_if_stale

if TYPE_CHECKING:
    from audit.config import Config
    from audit.report import ReportData
    from audit.store import Store


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(report)
    app.command()(export)


def report(
    db: Db = None,
    config: ConfigFile = None,
    output: Annotated[str, typer.Option("--output", "-o", help="The HTML file.")] = "reports/audit.html",
    title: Annotated[str, typer.Option(help="Heading of the report.")] = "LLM workload audit",
    with_content: Annotated[
        bool, typer.Option("--with-content", help="Show prompts and answers; they are left out otherwise.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the report: one self-contained HTML file. What was spent, what each lever saves, how sure that is, and why.

    Example: audit report -o reports/audit.html
    """
    settings = load(config)
    with open_store(db) as store:
        warn_if_stale(store, settings)
        data = write_report(store, settings, output, title=title, with_content=with_content)
    if as_json:
        from audit.export.coverage import coverage_document
        from audit.export.documents import report_document

        print_json({**report_document(data), "coverage": coverage_document(data.coverage)})


def export(
    output: Annotated[str, typer.Argument(help="A .csv or .parquet file.")],
    db: Db = None,
    config: ConfigFile = None,
) -> None:
    """Write the charges in FOCUS columns, for chargeback and BI. By day, model, meter, team and workflow.

    Example: audit export focus.csv
    """
    from audit import console, figures
    from audit.chargeback import chargeback, unpriced
    from audit.cli.writing import new_file
    from audit.errors import ConfigError
    from audit.export import focus

    path = Path(output)
    if path.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"{output}: only .csv and .parquet are written", "for example `audit export focus.csv`")
    settings = load(config)
    with open_store(db) as store:
        warn_if_stale(store, settings)
        rows, without = chargeback(store), unpriced(store)
    with new_file(path) as place:
        number = focus.write(rows, place)
    console.note(f"{figures.things(number, 'row')}: {path.resolve()}")
    if without:
        console.warn(
            f"{figures.things(without, 'request')} without a price: written with quantities and empty costs, in no sum"
        )


def write_report(
    store: Store, settings: Config, output: str, *, title: str = "LLM workload audit", with_content: bool = False
) -> ReportData:
    """Gather and render the report, say where it is, and return its data."""
    from audit import console
    from audit.cli.writing import new_file
    from audit.report import gather, render

    with console.steps("writing the report"):
        data = gather(store, settings, title=title, with_content=with_content)
        page = render(data)
    path = Path(output)
    with new_file(path, parents=True) as place:
        place.write_text(page, encoding="utf-8")
    console.note(f"report: {path.resolve()} ({len(page.encode()) / 1000:,.0f} kB)")
    return data


def next_step(data: ReportData) -> None:
    """Name the command that would unlock most dollars."""
    from audit import console, figures

    savings = data.savings
    console.say(
        f"Spend {figures.money(data.summary.cost_pico)} over {figures.things(data.summary.days, 'day')}; all levers "
        f"together would have saved {figures.money(savings.joint.saving_pico)} ({figures.share(savings.joint.share)}), "
        f"{100 * savings.level:.0f} % interval {figures.money_range(savings.joint.interval_pico)}."
    )
    untested = savings.baseline_pico - savings.joint.saving_pico
    if any(lever.name == "routing" and lever.blocked for lever in savings.levers) and untested > 0:
        console.say(
            f"Next: `audit replay --sample 500` tests cheaper models on the remaining {figures.money(untested)}; "
            "it shows cost and data flow and asks before anything is sent."
        )
