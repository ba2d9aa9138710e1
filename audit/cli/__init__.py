"""The command line: parse, call one stage, print. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

from typing import Annotated

import typer

from audit.cli import (
    answering,
    checking,
    evaluating,
    health,
    judging,
    logs,
    money,
    outcomes,
    pricing,
    quality,
    reading,
    reporting,
    reviewing,
    routing,
    saving,
    showing,
)

app = typer.Typer(
    name="audit",
    help="Offline audit of LLM spend: what was spent, what is wasted, what each lever would save, how sure that is.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with `audit demo`, or `audit run LOGS` on your own logs. Nothing leaves this machine unless a "
    "command prints the endpoint first and you agree. `--debug` shows a traceback on errors.",
)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"audit {version('llm-workload-audit')}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    del version


for module in (
    logs,
    reading,
    saving,
    pricing,
    showing,
    quality,
    answering,
    judging,
    reviewing,
    routing,
    evaluating,
    money,
    reporting,
    checking,
    outcomes,
    health,
):
    module.register(app)
