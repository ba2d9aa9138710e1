"""Commands that hold the log against money that was really paid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.options import ConfigFile, Db, Json, load, open_store, print_json

if TYPE_CHECKING:
    from decimal import Decimal

    from audit.reconciling import Cause, Reconciliation

Invoices = Annotated[
    list[str] | None,
    typer.Argument(metavar="INVOICE...", help="Invoices, cost or usage exports of providers and clouds; see --help."),
]
_TOP = 12


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(reconcile)


def reconcile(
    invoices: Invoices = None,
    total: Annotated[str | None, typer.Option(help="The sum of the bill in USD instead of files.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="First day or month: YYYY-MM-DD or YYYY-MM.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day or month, included.")] = None,
    rate: Annotated[
        list[str] | None, typer.Option("--rate", help="USD per unit of another currency: EUR=1.08; repeat.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 when the log does not explain the bill.")] = False,
    db: Db = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Hold the log against an invoice. Compares by day, model and kind of token, and names what differs, in dollars.

    Reads cost and usage exports of OpenAI, Anthropic, OpenRouter and DeepSeek, AWS, Google Cloud and Azure bills, and
    FOCUS. Without --from and --to it compares the days that both sides cover.

    Example: audit reconcile costs.csv claude-cost.csv   or   audit reconcile --total 87000 --from 2026-10 --to 2026-10
    """
    from audit import console
    from audit.cli.pricing import catalogue, reprice_if_stale
    from audit.errors import ConfigError, GateError
    from audit.reconciling import reconciling
    from audit.why import period

    if not invoices and total is None:
        raise ConfigError("no invoice to compare with", "name files, or give the sum of the bill with --total 87000")
    settings = load(config)
    prices = catalogue(settings)
    with open_store(db, writes=True) as store, console.steps("comparing") as say:
        say("invoice and log")
        result = reconciling(
            store,
            invoices or (),
            catalogue=prices,
            total=None if total is None else _decimal(total, "--total"),
            first_day=period(start).first if start else None,
            last_day=period(end).last if end else None,
            rates=_rates(rate),
            invoices_read=lambda: reprice_if_stale(store, settings, prices),
        )
    _show(result, as_json)
    if strict and not result.reconciled:
        raise GateError("the log does not explain the bill", "see the causes above, or run without --strict")


def _show(result: Reconciliation, as_json: bool) -> None:
    if as_json:
        from audit.export.reconciliation import reconciliation_document

        print_json(reconciliation_document(result))
    else:
        _print(result)


def _decimal(text: str, option: str) -> Decimal:
    from decimal import Decimal, InvalidOperation

    from audit.errors import ConfigError

    try:
        value = Decimal(text.strip().lstrip("$").replace(",", ""))
    except InvalidOperation as error:
        raise ConfigError(f"{option} {text!r} is not an amount", "write it as 87000 or 87000.50") from error
    if not value.is_finite() or value < 0:
        raise ConfigError(f"{option} {text!r} is not an amount", "write it as 87000 or 87000.50")
    return value


def _rates(pairs: list[str] | None) -> dict[str, Decimal]:
    from audit.errors import ConfigError

    rates: dict[str, Decimal] = {}
    for pair in pairs or []:
        code, separator, value = pair.partition("=")
        if not separator or len(code.strip()) != 3:
            raise ConfigError(f"--rate {pair!r} is not CURRENCY=USD", "for example --rate EUR=1.08")
        rates[code.strip().upper()] = _decimal(value, "--rate")
    return rates


def _print(result: Reconciliation) -> None:
    from audit import console, figures

    days = f"{figures.day(result.first_day)} to {figures.day(result.last_day)}"
    console.table(
        f"Invoice and log, {days}",
        ("Provider", "Billed", "In the log", "Difference", "Unexplained"),
        [
            (each.name + (" (counts valued at the log's prices)" if each.counts_only else ""),
             figures.money(each.billed_pico), figures.money(each.logged_pico),
             figures.signed_money(each.billed_pico - each.logged_pico), figures.money(each.unexplained_pico))
            for each in result.providers
        ],
        footer="days of the invoice: "
        + "; ".join(f"{console.clean(each.name)} {each.time_zone}" for each in result.providers),
    )  # fmt: skip
    if result.causes:
        console.table(
            "Why they differ",
            ("Cause", "Days", "Mostly in", "Dollars"),
            [
                (cause.title + (" (estimate)" if cause.estimated else ""), _days(cause), _models(cause),
                 figures.signed_money(cause.pico))
                for cause in result.causes
            ],
            left=3,
            footer=f"{figures.signed_money(result.residual_pico)} in all",
        )  # fmt: skip
    _print_cells(result)
    _print_contracts(result)
    _print_rest(result)
    console.say(result.reason, style="bold")
    if result.checked_share is not None and result.checked_share < 1:
        console.say(f"{figures.share(1 - result.checked_share)} of the log's dollars were not held against a bill.")


def _print_cells(result: Reconciliation) -> None:
    from audit import console, figures

    telling = [each for each in result.residuals if each.causes.keys() - {"rounding"}]
    open_ones = sorted(telling, key=lambda each: -abs(each.pico))
    if not open_ones or result.basis == "total":
        return
    console.table(
        "Largest differences",
        ("Day", "Model", "Kind", "Billed", "In the log", "Tokens billed", "Tokens in the log", "Difference"),
        [
            (_span(each.first_day, each.last_day), each.model or "–", each.kind, figures.money(each.billed_pico),
             figures.money(each.logged_pico), figures.tokens(each.billed_quantity),
             figures.tokens(each.logged_quantity), figures.signed_money(each.pico))
            for each in open_ones[:_TOP]
        ],
        left=3,
        footer=f"{len(open_ones)} of {len(result.residuals)} differ; all with --json" if len(open_ones) > _TOP else "",
    )  # fmt: skip


def _print_contracts(result: Reconciliation) -> None:
    from audit import console, figures
    from audit.reconciling import as_toml

    for found in result.contracts:
        console.say(
            f"The invoice charges {found.ratio_low:.3f} to {found.ratio_high:.3f} of the log's price on {found.days} "
            "days. If that is your contract, put this in audit.toml and run this command again:"
        )
        dates = tuple("" if day is None else figures.day(day) for day in (found.from_day, found.to_day))
        for line in as_toml(found, (dates[0], dates[1])).splitlines():
            console.say(f"    {line}")
        console.say("")


def _print_rest(result: Reconciliation) -> None:
    from audit import console, figures

    for each in result.unchecked:
        console.note(
            f"not compared: {figures.money(each.pico)} of the {each.side} ({console.clean(each.name)}): {each.reason}"
        )
    for beside in result.beside[:_TOP]:
        console.note(
            f"beside the comparison: {figures.money(beside.pico)} {beside.category}: {console.clean(beside.label)}"
        )
    for note in result.notes:
        console.note(console.clean(note, 400))


def _span(first: int, last: int) -> str:
    from audit import figures

    return figures.day(first) + (f" to {figures.day(last)}" if last > first else "")


def _days(cause: Cause) -> str:
    from audit import figures

    if not cause.days:
        return ""
    if len(cause.days) == 1:
        return _span(cause.days[0][0], cause.days[0][1])
    return f"{len(cause.days)}, {figures.day(cause.days[0][0])} to {figures.day(cause.days[-1][1])}"


def _models(cause: Cause) -> str:
    names = [model for model, _ in cause.models[:2]]
    more = len(cause.models) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")
