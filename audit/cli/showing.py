"""Commands that show one thing closely: the list of workflows, one workflow, one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.options import ConfigFile, Db, Json, load, open_store, print_json

if TYPE_CHECKING:
    from audit.config import Config
    from audit.showing import Piece, RequestView, WorkflowRow, WorkflowView
    from audit.store import Store

_LINES, _WIDTH = 12, 160


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (workflows, show):
        app.command()(command)


def workflows(
    db: Db = None,
    config: ConfigFile = None,
    as_json: Json = False,
    top: Annotated[int, typer.Option(help="Workflows to list.")] = 40,
) -> None:
    """Every kind of request the log holds, dearest first. Names and merges of `[workflows]` are applied here too.

    Example: audit workflows --json
    """
    from audit import console, figures
    from audit.cli.settling import settle
    from audit.export.inspection import workflow_row
    from audit.showing import workflow_rows

    settings = load(config)
    with open_store(db) as store:
        with console.steps("sorting") as say:
            settle(store, settings, say, new_requests=False)
        rows = workflow_rows(store)
    if as_json:
        print_json({"workflows": [workflow_row(row) for row in rows]})
        return
    console.table(
        "Workflows",
        ("Workflow", "Found by", "Kind", "Sure", "Difficulty", "Models", "Requests", "Failed", "Asked before", "Input",
         "Output", "Spend", "Share"),
        [
            (row.name, row.origin, row.task_kind or "–", figures.share(row.kind_confidence, 0),
             "–" if row.difficulty is None else f"{row.difficulty:.2f}", _models(row), figures.count(row.requests),
             figures.count(row.failed), figures.count(row.repeated), figures.tokens(row.input_tokens),
             figures.tokens(row.output_tokens), figures.money(row.cost_pico), figures.share(row.share))
            for row in rows[:top]
        ],
        left=3,
        footer=(f"and {len(rows) - top} more (--top); " if len(rows) > top else "")
        + "audit show NAME tells more; rename or merge under [workflows] in audit.toml",
    )  # fmt: skip


def show(
    name: Annotated[str, typer.Argument(help="A workflow's name, a request's id (or how it begins), or #NUMBER.")],
    db: Db = None,
    config: ConfigFile = None,
    as_json: Json = False,
    full: Annotated[bool, typer.Option("--full", help="Print every text whole.")] = False,
    levers: Annotated[bool, typer.Option(help="Simulate each lever on the workflow.")] = True,
) -> None:
    """A workflow, or a request as the model saw it. With tokens and dollars, piece by piece.

    Example: audit show support-faq
    """
    from audit.showing import find, request_view, workflow_view

    settings = load(config)
    with open_store(db) as store:
        found = find(store, name)
        if found.kind == "workflow":
            view = workflow_view(store, found.key)
            if view is not None:
                _show_workflow(store, settings, view, as_json, levers, full)
                return
            raise _nothing_billed(name)
        seen = request_view(store, found.key)
    _show_request(seen, as_json, full)


def _nothing_billed(name: str) -> Exception:
    from audit.errors import ConfigError

    return ConfigError(f"the workflow {name!r} holds no billable request", "see `audit workflows`")


def _models(row: WorkflowRow) -> str:
    return row.model if row.models == 1 else f"{row.models} models"


def _show_request(view: RequestView, as_json: bool, full: bool) -> None:
    from audit import console, figures
    from audit.export.inspection import request_document

    if as_json:
        print_json(request_document(view))
        return
    for line in _request_lines(view):
        console.say(console.clean(line, 400))
    console.say("")
    console.table(
        "What was charged",
        ("Meter", "Price of", "Quantity", "USD per 1M", "Cost"),
        [
            (charge.sku_meter, f"{charge.model or 'no price'} {charge.service_tier}",
             figures.count(charge.consumed_quantity),
             "–" if charge.unit_price_pico is None else f"{charge.unit_price_pico / 1e6:g}",
             figures.money(charge.cost_pico) + (" (estimated)" if charge.estimated else ""))
            for charge in view.charges
        ],
        left=2,
    )  # fmt: skip
    for number, piece in enumerate(view.pieces, 1):
        _show_piece(number, piece, full)
    rest = view.facts["cost_pico"] + view.facts["estimated_cost_pico"] - view.placed_pico
    if rest:
        console.say(f"{figures.money(rest)} of the bill is in no logged text (formatting, schemas, text not logged)")


def _request_lines(view: RequestView) -> list[str]:
    from audit import figures

    facts = view.facts
    name = facts["external_id"] or f"#{facts['request_id']}"
    who = [f"{key} {facts[column]}" for key, column in (
        ("user", "user_id"), ("team", "team"), ("environment", "environment"), ("conversation", "conversation_id"),
    ) if facts[column]]  # fmt: skip
    model = facts["response_model"] or facts["request_model"] or "unknown model"
    lines = [
        f"Request {name} · workflow {facts['workflow']} ({facts['task_kind'] or 'kind unknown'}) · {facts['status']}",
        f"{model} at {facts['provider_name'] or 'unknown provider'} · {figures.minute(facts['started_at_us'])} UTC · "
        f"{figures.seconds(facts['duration'])} · finished: {facts['finish_reason'] or facts['error_type'] or '–'}",
        f"{figures.money(facts['cost_pico'] or facts['estimated_cost_pico'])}: "
        f"{figures.count(facts['input_tokens'])} input tokens ({figures.count(facts['cache_read_input_tokens'])} from "
        f"cache), {figures.count(facts['output_tokens'])} output ({figures.count(facts['reasoning_output_tokens'])} "
        f"reasoning){', no price known' if facts['unpriced'] else ''}",
    ]
    if who:
        lines.append(" · ".join(who))
    if view.same_prompt > 1:
        lines.append(f"asked {view.same_prompt} times word for word, with {view.distinct_answers} different answers")
    lines.extend(
        f"outlier: {figures.count(row['tokens'])} {row['meter']} tokens against a median of "
        f"{figures.count(row['median'])}, cause {row['cause']}, {figures.money(row['excess_cost_pico'])} above it"
        for row in view.outliers
    )
    lines.append(f"from {facts['path'] or 'an unnamed source'}, record {facts['line']}, read as {facts['reader']}")
    return lines


def _show_piece(number: int, piece: Piece, full: bool) -> None:
    from audit import console, figures

    cached = []
    if piece.cache_read_tokens:
        cached.append(f"{figures.count(piece.cache_read_tokens)} read from cache")
    if piece.cache_write_tokens:
        cached.append(f"{figures.count(piece.cache_write_tokens)} written to it")
    if piece.cache_breakpoint:
        cached.append("breakpoint after it")
    noted = f" ({', '.join(cached)})" if cached else ""
    heading = (
        f"{number} {'answer: ' if piece.direction == 'output' else ''}{piece.role} · {piece.kind} · "
        f"{figures.count(piece.tokens if piece.tokens is not None else piece.counted)} tokens"
        f"{noted} · {figures.money(piece.cost_pico)}"
    )
    missing = "(billed, not logged)" if piece.counted is None else "(text not kept)"
    text = missing if piece.text is None else piece.text
    console.block(console.clean(heading, 200), text, lines=0 if full else _LINES, width=0 if full else _WIDTH)


def _show_workflow(
    store: Store, settings: Config, view: WorkflowView, as_json: bool, with_levers: bool, full: bool
) -> None:
    from audit import console
    from audit.export.inspection import workflow_document
    from audit.projection import workflow_levers
    from audit.showing import request_view

    levers = None
    if with_levers and view.row.workflow_id is not None:
        with console.steps("simulating levers"):
            levers = workflow_levers(store, settings, view.row.workflow_id)
    typical = None if view.typical is None else request_view(store, view.typical)
    if as_json:
        print_json(workflow_document(view, typical.facts["external_id"] if typical else None, levers))
        return
    from audit.cli.workflow_page import print_workflow

    print_workflow(view, levers)
    if typical is not None:
        console.say("A request of median cost", style="bold")
        _show_request(typical, False, full)
