"""The command that turns certified verdicts into a routing table."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.options import ConfigFile, Db, Json, load, open_store, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.config import EndpointConfig
    from audit.routing import RouteTo, RoutingTable

_FORMATS = ("table", "litellm")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(route)


def route(
    out: Annotated[str, typer.Option("--out", "-o", help="The file to write: .yaml or .json.")] = "routes.yaml",
    form: Annotated[str, typer.Option("--format", help="table, or litellm for a LiteLLM proxy.")] = "table",
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 when no workflow can be routed.")] = False,
    db: Db = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Write certified workflows as a routing table. Each with its certificate and the day it expires.

    A whole workflow, or the part of it that a rule, a trained router or a cascade tells apart. Only what is certified
    safe, cheaper, of one model version and less than 30 days old is routed; prompts longer than those tested stay with
    today's model.

    Example: audit route -o routes.yaml   or   audit route --format litellm -o litellm.yaml
    """
    from audit.errors import GateError
    from audit.export.routes import routes_document
    from audit.routing import routing

    _check(out, form)
    endpoints = load(config).endpoint
    with open_store(db) as store:
        table = routing(store, time.time_ns() // 1000)
    _write(table, out, form, endpoints)
    if as_json:
        print_json(routes_document(table))
    else:
        _print(table, out, form)
    if strict and not table.routes:
        raise GateError("no workflow can be routed", "`audit replay` says how many more requests would tell")


def _check(out: str, form: str) -> None:
    """ConfigError for a format or a name of a file that says nothing."""
    from audit.errors import ConfigError

    if form not in _FORMATS:
        raise ConfigError(f"unknown format {form!r}", f"known: {', '.join(_FORMATS)}")
    if Path(out).suffix.lower() not in (".yaml", ".yml", ".json"):
        raise ConfigError(f"{out}: neither .yaml nor .json", "name the file so that its format is plain")


def _write(table: RoutingTable, out: str, form: str, endpoints: Sequence[EndpointConfig]) -> None:
    from audit.cli.writing import write_file
    from audit.export import routes
    from audit.export.yaml import to_yaml

    document = (
        routes.routes_document(table)
        if form == "table"
        else routes.litellm_document(table, {each.name: each for each in endpoints})
    )
    in_json = Path(out).suffix.lower() == ".json"
    written = json.dumps(document, indent=2, ensure_ascii=False) + "\n" if in_json else to_yaml(document)
    write_file(out, written)


def _print(table: RoutingTable, out: str, form: str) -> None:
    from audit import console
    from audit.export.routes import beyond_litellm

    if table.routes:
        _print_routes(table.routes, out)
    else:
        console.say(f"Nothing is certified: {console.clean(out, 300)} routes nothing, today's models keep everything")
    for each in table.routes:
        if each.step == "cascade":
            console.say(f"{console.clean(each.workflow)}: {_cascade(each)}")
    for beyond, why in beyond_litellm(table) if form == "litellm" else ():
        console.warn(
            f"{console.clean(beyond.workflow)} is not in the LiteLLM configuration and stays with "
            f"{console.clean(beyond.current_model)}: {why}; use --format table"
        )
    for left in table.left_out:
        console.note(f"stays: {console.clean(left.workflow)}, not to {console.clean(left.model)}: {left.reason}")


def _print_routes(routes: Sequence[RouteTo], out: str) -> None:
    from audit import console, figures

    console.table(
        f"Routes in {console.clean(out)}",
        (
            "Workflow", "Today", "From now on", "How", "Prompts up to", "Requests", "Saved", "Loss at most", "n",
            "Tried", "Expires (UTC)",
        ),
        [
            (each.workflow, each.current_model, f"{each.endpoint}/{each.model}", _how(each),
             figures.count(each.max_input_tokens), figures.share(each.routed), figures.share(each.saving),
             figures.share(each.certificate.loss_upper_bound), figures.count(each.certificate.n),
             figures.count(each.certificate.tried * max(1, each.certificate.policies_tried)),
             figures.minute(each.certificate.expires_at_us))
            for each in routes
        ],
        left=4,
    )  # fmt: skip


def _how(route: RouteTo) -> str:
    return route.step if route.step == "whole" else f"{route.step}: {route.name}"


def _cascade(route: RouteTo) -> str:
    from audit import console, figures

    first, then = console.clean(f"{route.endpoint}/{route.model}"), console.clean(route.current_model)
    return (
        f"ask {first} first; keep its answer where {route.apply['cascade']['accept_if']}; else ask {then}. "
        f"{figures.share(route.fallback)} of requests are asked twice (from {figures.share(route.break_even)} of the "
        f"dollars on nothing would be saved); p95 {figures.seconds(route.p95_seconds)}"
    )
