"""Commands that read the audit file and print what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from audit.cli.options import ConfigFile, Db, Json, load, open_store, print_json
from audit.cli.pricing import warn_if_stale

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.matching import DuplicateTier
    from audit.measures import Measure
    from audit.summary import Summary

_NAMED = 3
"""Models without a price that are named in a warning."""
_ROWS = 8
"""Rows of a table on the terminal, dearest first; what matters must not scroll away."""
_DAILY_ROWS = 14
"""Rows of a table by day: the newest."""


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (summary, duplicates, outliers, why):
        app.command()(command)


def summary(db: Db = None, config: ConfigFile = None, as_json: Json = False) -> None:
    """Spend, tokens, latency and success, by model, team and more. Also by workflow, feature, user, day.

    Example: audit summary --json | jq .cost_usd
    """
    from audit.cli.doubt import print_reported, print_uncertainty
    from audit.export import documents
    from audit.summary import measures
    from audit.summary import summary as summarise

    settings = load(config)
    with open_store(db) as store:
        warn_if_stale(store, settings)
        result = summarise(store)
    if as_json:
        print_json(documents.summary_document(result))
        return
    _print_totals(result)
    print_uncertainty(result.uncertainty)
    print_reported(result.logged_costs)
    for measure in measures():
        _print_measure(measure, result)


def duplicates(
    db: Db = None,
    config: ConfigFile = None,
    as_json: Json = False,
    top: Annotated[int, typer.Option(help="Groups to list per kind.")] = 10,
) -> None:
    """Requests that ask what was asked before. Exactly, but for layout, nearly in the same words, or in meaning.

    Lists the dearest groups of each kind. Questions alike in meaning count where the logged answers certify that one
    answer serves both; the last tables hold requests saved against the share of answers that could be wrong.

    Example: audit duplicates --top 20
    """
    from audit.cli.likeness import print_curves
    from audit.export import documents
    from audit.matching import matching

    settings = load(config)
    with open_store(db) as store:
        warn_if_stale(store, settings)
        tiers = matching(store, top=top)
    if as_json:
        print_json(documents.duplicates_document(tiers))
        return
    for tier, stricter in zip(tiers, (None, *tiers), strict=False):
        _print_tier(tier, stricter)
        print_curves(tier.workflows)


def outliers(
    db: Db = None,
    config: ConfigFile = None,
    as_json: Json = False,
    top: Annotated[int, typer.Option(help="Requests to list.")] = 20,
) -> None:
    """Prompts and answers far longer than their workflow's. With what the excess cost and its likely cause.

    Example: audit outliers --json
    """
    from audit import console, figures
    from audit.export import documents
    from audit.outliers import listed

    settings = load(config)
    with open_store(db) as store:
        warn_if_stale(store, settings)
        found = listed(store)
    if as_json:
        print_json(documents.outliers_document(found))
        return
    if not found.counted:
        console.say("No prompt or answer is far longer than its workflow's.")
        return
    console.table(
        "Outliers",
        ("Request", "Workflow", "Side", "Cause", "Tokens", "Median", "z", "Excess"),
        [
            (row["external_id"], row["workflow"], row["meter"], row["cause"], figures.count(row["tokens"]),
             figures.count(row["median"]), f"{row['z']:.1f}", figures.money(row["excess_cost_pico"]))
            for row in found.rows[:top]
        ],
        left=4,
        footer=f"{figures.things(found.counted, 'request')} in all, excess {figures.money(found.excess_cost_pico)}; "
        f"{found.counted - len(found.rows)} below 0.1 % of their workflow are counted, not listed",
    )  # fmt: skip


def why(
    start: Annotated[str, typer.Option("--from", help="Period to compare with: YYYY-MM, YYYY-MM-DD or A..B.")],
    end: Annotated[str, typer.Option("--to", help="Period to explain, in the same forms.")],
    db: Db = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Why the bill changed between two periods. Users, requests, mix, tokens, cache share, price: adds up exactly.

    Example: audit why --from 2026-10 --to 2026-11
    """
    from audit import console, figures
    from audit.export import documents
    from audit.why import period
    from audit.why import why as explain

    settings = load(config)
    with open_store(db) as store:
        warn_if_stale(store, settings)
        change = explain(store, period(start), period(end))
    if as_json:
        print_json(documents.why_document(change))
        return
    console.say(change.sentence)
    console.say("")
    console.table(
        "What changed the bill",
        ("Cause", "Change"),
        [(cause.title, figures.signed_money(cause.pico)) for cause in change.causes],
        footer=f"{figures.money(change.before_pico)} to {figures.money(change.after_pico)}, "
        f"{figures.signed_money(change.after_pico - change.before_pico)} in all",
    )
    console.table(
        "Workflows that changed it most",
        ("Workflow", "Before", "After", "Change"),
        [
            (row.key, figures.money(row.before_pico), figures.money(row.after_pico),
             figures.signed_money(row.after_pico - row.before_pico))
            for row in change.workflows[:3]
        ],
    )  # fmt: skip


def _print_totals(result: Summary) -> None:
    from audit import console, figures
    from audit.export.values import utc

    counts, days = result.counts, figures.things(result.days, "day")
    console.table(
        "Totals",
        ("", ""),
        [
            ("Period (UTC)", f"{utc(result.start_us) or '–'} to {utc(result.end_us) or '–'}, {days}"),
            ("Spend", figures.spend(result.cost_pico, counts["unpriced_requests"] or 0)),
            ("  estimated besides (no usage logged)", figures.money(result.estimated_cost_pico)),
            ("Billable requests", figures.count(result.requests)),
            ("  failed / served by a gateway cache",
             f"{figures.count(counts['failed_requests'])} / {figures.count(counts['gateway_cache_hits'])}"),
            ("  unpriced / usage estimated / unknown", " / ".join(
                figures.count(counts[key])
                for key in ("unpriced_requests", "usage_estimated_requests", "usage_unknown_requests"))),
            ("Input tokens, of them cached",
             f"{figures.tokens(counts['input_tokens'])}, {figures.tokens(counts['cache_read_input_tokens'])}"),
            ("Output tokens, of them reasoning",
             f"{figures.tokens(counts['output_tokens'])}, {figures.tokens(counts['reasoning_output_tokens'])}"),
            ("Cost per billable request", figures.money(result.cost_per_request_pico)),
            ("Cost per successful task",
             f"{figures.money(result.cost_per_success_pico)} ({figures.count(result.outcomes.successes)} of "
             f"{figures.count(result.outcomes.tasks)} tasks)"),
        ],
        left=2,
    )  # fmt: skip
    _warn_unpriced(result)
    rejected = sum(row["records"] for row in result.rejected)
    if rejected:
        reasons = ", ".join(f"{row['records']} {row['reason']}" for row in result.rejected)
        console.warn(f"{figures.things(rejected, 'record')} could not be used ({reasons})")


def _warn_unpriced(result: Summary) -> None:
    """One line for requests without a model, one for all models without a price, however many there are."""
    from audit import console, figures

    named = [row for row in result.unpriced if row["model"] != "unknown"]
    nameless = sum(row["requests"] for row in result.unpriced) - sum(row["requests"] for row in named)
    if nameless:
        console.warn(f"{figures.things(nameless, 'request')} without a model: the cost is unknown and not in the spend")
    if not named:
        return
    names = ", ".join(console.clean(row["model"]) for row in named[:_NAMED])
    models = names if len(named) == 1 else f"{len(named)} models ({names}{', …' if len(named) > _NAMED else ''})"
    left_out = figures.things(sum(row["requests"] for row in named), "request")
    console.warn(f"no price for {models}: {left_out} left out{' (--json lists all)' if len(named) > _NAMED else ''}")


def _print_measure(measure: Measure, result: Summary) -> None:
    from audit import console, figures

    rows = result.measures[measure.name]
    if not rows:
        return
    left = sum(1 for column in measure.columns if column.unit in ("text", "path", "day"))
    daily = measure.columns[0].unit == "day"
    shown = _newest(rows, measure.columns[0].name) if daily else rows[: min(measure.limit, _ROWS)]
    more = len(rows) - len(shown)
    console.table(
        measure.title,
        [column.heading for column in measure.columns],
        [[figures.cell(row[column.name], column.unit, column.name) for column in measure.columns] for row in shown],
        left=left,
        footer=f"and {more} {'before' if daily else 'more'} (--json has all)" if more > 0 else "",
    )


def _newest(rows: Sequence[Mapping[str, Any]], day: str) -> Sequence[Mapping[str, Any]]:
    """The last rows of a table by day, of whole days only where that leaves any."""
    before, kept = rows[:-_DAILY_ROWS], rows[-_DAILY_ROWS:]
    return [row for row in kept if not before or row[day] != before[-1][day]] or kept


def _print_tier(tier: DuplicateTier, stricter: DuplicateTier | None) -> None:
    """The groups a notion of sameness joins; a looser one shows only what the stricter one before it keeps apart."""
    from audit import console, figures

    if not tier.measured:
        console.say(f"{tier.name}: not measurable on this log: {tier.reason}")
        return
    footer = (
        f"{figures.things(tier.avoidable, 'avoidable request')} in {figures.things(tier.groups, 'group')}, "
        f"{figures.money(tier.cost_pico)} with no limit on age or scope"
    )
    if stricter is None:
        console.table(
            "Exact duplicates",
            ("Question", "Workflow", "Model", "Requests", "Avoidable", "Answers", "Avoidable cost"),
            [_group(row) for row in tier.top],
            left=3,
            widths={0: 60},
            footer=footer,
        )
    elif tier.avoidable == stricter.avoidable:
        console.say(f"{tier.name}: {footer}; none beyond the {stricter.name} ones")
    else:
        console.table(
            f"{tier.name.capitalize()} duplicates in several wordings",
            ("Question", "Workflow", "Model", "Requests", "Avoidable", "Answers", "Avoidable cost", "Wordings"),
            [(*_group(row), figures.count(row["wordings"])) for row in tier.top if row["wordings"] > 1],
            left=3,
            widths={0: 60},
            footer=f"{footer}, the {stricter.name} ones included",
        )
    if tier.reason:
        console.say(f"{tier.name}: {tier.reason}")


def _group(row: dict[str, Any]) -> tuple[str, ...]:
    from audit import figures

    return (
        row["text"] or row["external_id"], row["workflow"], row["model"], figures.count(row["requests"]),
        figures.count(row["avoidable"]), figures.count(row["distinct_answers"]), figures.money(row["cost_pico"]),
    )  # fmt: skip
