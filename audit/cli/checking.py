"""The command for CI and cron: limits met or not, and the days on which spend left its level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from audit.cli.options import ConfigFile, Db, Json, load, open_store, print_json
from audit.cli.pricing import warn_if_stale

if TYPE_CHECKING:
    from audit.checking import Check
    from audit.config import Config

Limits = Annotated[
    list[str] | None,
    typer.Option("--limit", help="NAME=VALUE besides [budgets], such as day_usd=40 or error_share=0.02; repeat."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(check)


def check(
    db: Db = None,
    config: ConfigFile = None,
    limit: Limits = None,
    since: Annotated[
        str | None, typer.Option(help="Leave out days before YYYY-MM-DD, or all but the log's last days (7d).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare spend, errors and rates with the limits of [budgets]. Exits 3 with the reasons when one does not hold.

    Also names the days on which daily spend left its usual level, and why.

    Example: audit check --since 7d --limit day_usd=40
    """
    from audit import console, figures
    from audit.checking import checking, limits
    from audit.errors import GateError
    from audit.export.inspection import check_document

    settings = load(config)
    wanted = limits(_budgets(settings, limit), f"{settings.path} [budgets]")
    with open_store(db) as store:
        warn_if_stale(store, settings)
        result = checking(store, wanted, since=since)
    if as_json:
        print_json(check_document(result))
    else:
        _print(result)
    for missing, near in result.unknown:
        hint = f"; did you mean {console.clean(near)!r}?" if near else ""
        console.warn(f"[budgets.{missing.scope}]: nothing in the log is called {console.clean(missing.name)!r}{hint}")
    if result.unpriced:
        console.warn(f"{figures.things(result.unpriced, 'request')} without a price, in no sum: see `audit summary`")
    if not result.checked:
        console.note("no limit was checked: write [budgets] in audit.toml, or give --limit NAME=VALUE")
    if result.breaches:
        many = len({each.limit for each in result.breaches})
        raise GateError(f"{many} of {figures.things(result.checked, 'limit')} {'do' if many > 1 else 'does'} not hold")


def _budgets(settings: Config, flags: list[str] | None) -> dict[str, Any]:
    """`[budgets]` under the limits given as flags."""
    from audit.checking import QUANTITIES
    from audit.errors import ConfigError

    budgets: dict[str, Any] = dict(settings.budgets)
    for flag in flags or ():
        name, _, value = flag.partition("=")
        if name.strip() not in QUANTITIES:
            raise ConfigError(f"--limit {flag!r}: there is no such limit", f"limits are {', '.join(QUANTITIES)}")
        try:
            budgets[name.strip()] = float(value)
        except ValueError as error:
            raise ConfigError(f"--limit {flag!r} is not NAME=NUMBER", "for example --limit day_usd=40") from error
    return budgets


def _print(result: Check) -> None:
    from audit import console

    for breach in result.breaches:
        console.say(f"over: {console.clean(breach.reason, 600)}", style="bold red")
    if result.checked and not result.breaches:
        console.say(f"{result.checked} of {result.checked} limits hold.", style="bold")
    said = {breach.reason for breach in result.breaches}
    rest = [each for each in result.anomalies if each.sentence not in said]
    if rest:
        console.say("Daily spend left its usual level:")
    for each in rest:
        console.say(f"  {console.clean(each.sentence, 600)}")
