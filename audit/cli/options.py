"""The options commands share, and what every command opens first."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audit import config as configuration

if TYPE_CHECKING:
    from audit.config import Config
    from audit.store import Store

Db = Annotated[str | None, typer.Option("--db", help="Audit file (default ./audit.duckdb, or AUDIT_DB).")]
ConfigFile = Annotated[
    str | None, typer.Option("--config", help="Configuration (default ./audit.toml, or AUDIT_CONFIG).")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Agree to what is announced; do not ask.")]


def load(path: str | None) -> Config:
    """The configuration in force, its contracts and limits checked too, whether or not the command needs them."""
    settings = configuration.load(path)
    if settings.contract:
        from audit.prices.contracts import from_config

        from_config(settings.contract, settings.path)
    if settings.budgets:
        from audit.checking import limits

        limits(settings.budgets, f"{settings.path} [budgets]")
    return settings


def open_store(db: str | None, *, create: bool = False, read_only: bool = False) -> Store:
    """Open the audit file the flags and the environment name."""
    from audit import store

    return store.open(configuration.database(db), create=create, read_only=read_only)


def print_json(document: Any) -> None:
    """Write one JSON document on stdout."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n")


def agree_to_send(requests: int, cap: float, needed: bool) -> bool:
    """Ask when money would be spent or content would leave (`needed`); ConsentError without anybody to ask."""
    from audit import console
    from audit.errors import ConsentError

    if not needed:
        return True
    if not sys.stdin.isatty():
        raise ConsentError(
            "this sends prompts or spends money, and there is nobody to ask", "agree with --yes; nothing was sent"
        )
    if not console.ask(f"Send {requests} requests, at most ${cap:g}?"):
        raise ConsentError("not agreed; nothing was sent", "use --dry-run to see the plan")
    return True
