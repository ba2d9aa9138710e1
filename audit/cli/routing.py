"""The command that turns certified verdicts into a routing table."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from audit.cli.options import ConfigFile, Db, Json, load, open_store, print_json

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

    Only what is certified safe, cheaper, of one model version and less than 30 days old is routed; prompts longer than
    those tested stay with today's model.

    Example: audit route -o routes.yaml   or   audit route --format litellm -o litellm.yaml
    """
    from audit import console, figures
    from audit.errors import ConfigError, GateError
    from audit.export import routes
    from audit.export.yaml import to_yaml
    from audit.routing import routing

    suffix = Path(out).suffix.lower()
    if form not in _FORMATS:
        raise ConfigError(f"unknown format {form!r}", f"known: {', '.join(_FORMATS)}")
    if suffix not in (".yaml", ".yml", ".json"):
        raise ConfigError(f"{out}: neither .yaml nor .json", "name the file so that its format is plain")
    endpoints = {each.name: each for each in load(config).endpoint}
    with open_store(db) as store:
        table = routing(store, time.time_ns() // 1000)
    listed = routes.routes_document(table)
    document = listed if form == "table" else routes.litellm_document(table, endpoints)
    written = to_yaml(document) if suffix != ".json" else json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    Path(out).write_text(written, encoding="utf-8")
    if as_json:
        print_json(listed)
    else:
        console.table(
            f"Routes in {console.clean(out)}",
            (
                "Workflow", "Today", "From now on", "Prompts up to", "Requests", "Cost ratio", "Loss at most", "n",
                "Pairs tried", "Expires (UTC)",
            ),
            [
                (each.workflow, each.current_model, f"{each.endpoint}/{each.model}",
                 figures.count(each.max_input_tokens), figures.share(each.routed),
                 figures.cell(each.cost_ratio, "ratio"), figures.share(each.certificate.loss_upper_bound),
                 figures.count(each.certificate.n), figures.count(each.certificate.tried),
                 figures.minute(each.certificate.expires_at_us))
                for each in table.routes
            ],
            left=3,
        )  # fmt: skip
        for left in table.left_out:
            console.note(f"stays: {console.clean(left.workflow)}, not to {console.clean(left.model)}: {left.reason}")
    if strict and not table.routes:
        raise GateError("no workflow can be routed", "`audit replay` says how many more requests would tell")
