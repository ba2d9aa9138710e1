"""The options commands share, and what every command opens first."""

from __future__ import annotations

import json
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audit import config as configuration

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@contextmanager
def open_store(db: str | None, *, create: bool = False, writes: bool = False) -> Iterator[Store]:
    """Open the audit file the flags and the environment name; `writes` is for commands whose work is kept in it.

    Other commands do with a file that can only be read. Who is interrupted while writing gets Interrupted.
    """
    from audit import store
    from audit.errors import Interrupted

    try:
        with store.open(configuration.database(db), create=create, writes=create or writes) as opened:
            yield opened
    except KeyboardInterrupt as stop:
        if create or writes:
            raise Interrupted("interrupted; finished work is kept", "run the same command to go on") from stop
        raise


def print_json(document: Any) -> None:
    """Write one JSON document on stdout; characters that could steer a terminal are escaped as JSON has it."""
    from audit import console

    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=str)
    console.write(_STEERING.sub(_escaped, text) + "\n")


_STEERING = re.compile(
    "[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control, direction-changing and invisible characters that JSON lets stand in a string, and halves of characters."""


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\u{0xD7C0 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def end_early(capped: str, unanswered: str, kept: int) -> None:
    """Raise Interrupted where a command ended before it was done: by a spending cap, or for want of answers.

    Both are sentences, empty where it was not so.
    """
    from audit import figures
    from audit.errors import Interrupted

    if capped or unanswered:
        hint = ("raise --max-cost and " if capped else "") + "run the same command to go on"
        raise Interrupted(f"{capped or unanswered}; {figures.things(kept, 'new answer')} kept", hint)


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
