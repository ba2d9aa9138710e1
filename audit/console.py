"""What people see on the terminal: tables, progress, error lines. Log text is shown as plain text, never as markup."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from audit.errors import Interrupted, ReaderGoneError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audit.errors import AuditError

_PIPED = 200


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to whoever runs the command: a reader that has enough is no failure."""
        raise ReaderGoneError


out = _Console(highlight=False, soft_wrap=False)
err = _Console(stderr=True, highlight=False)


def clean(value: Any, width: int = 80) -> str:
    """Text safe for a terminal: one line, no control or direction-changing characters, shortened."""
    text = " ".join(str(value).split())
    text = "".join("\ufffd" if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co") else char for char in text)
    return text if len(text) <= width else text[: width - 1] + "…"


def clean_lines(text: str, lines: int = 0, width: int = 0) -> list[str]:
    """Text of several lines safe for a terminal: line breaks and tabs kept, other control characters replaced.

    `lines` and `width` shorten it, 0 leaves it whole; a line that says what was left out ends a shortened text.
    """
    kept = []
    whole = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for line in whole[: lines or None]:
        plain = "".join(
            "\ufffd" if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") else char
            for char in line.replace("\t", "    ")
        )
        kept.append(plain if not width or len(plain) <= width else f"{plain[: width - 1]}…")
    if len(whole) > len(kept):
        kept.append(f"… {len(whole) - len(kept):,} more lines")
    return kept


def block(heading: str, text: str, *, lines: int = 0, width: int = 0) -> None:
    """Print text of a log under a heading of our own, every line set off by a bar."""
    say(heading, style="bold")
    for line in clean_lines(text, lines, width):
        say(f"│ {line}")


def table(
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    left: int = 1,
    footer: str = "",
    widths: Mapping[int, int] | None = None,
    unbroken: bool = False,
) -> None:
    """Print a table; the first `left` columns are text, the others are figures aligned right.

    `widths` limits columns; `unbroken` shortens text that does not fit instead of wrapping it.
    """
    plain = not out.is_terminal
    grid = Table(
        title=Text(title, style="bold"), title_justify="left", box=None, pad_edge=False, header_style="dim",
        caption=Text(footer, style="dim") if footer else None, caption_justify="left",
    )  # fmt: skip
    for place, heading in enumerate(headings):
        limit = (widths or {}).get(place)
        short = bool(limit) or unbroken
        grid.add_column(
            Text(heading), justify="left" if place < left else "right", overflow="ellipsis" if short else "fold",
            max_width=limit, no_wrap=place >= left or short,
        )  # fmt: skip
    for row in rows:
        grid.add_row(*(Text(clean(value, 200)) for value in row))
    if plain:
        _Console(file=sys.stdout, width=_PIPED, highlight=False, color_system=None).print(grid)
    else:
        out.print(grid)
    say("")


def width() -> int:
    """Columns there are to print in; in a pipe as many as the tables need."""
    return out.width if out.is_terminal else _PIPED


def item(text: str) -> None:
    """Print one point of a list, wrapped on a terminal under its own beginning."""
    whole = width() if out.is_terminal else 0
    lines = wrap(text, max(20, whole - 4), break_long_words=False) if whole else [text]
    for place, line in enumerate(lines):
        say(f"{'    ' if place else '  - '}{line}")


def say(text: str, style: str = "") -> None:
    """Print a line of our own words on stdout."""
    if out.is_terminal:
        out.print(Text(text, style=style))
    else:
        write(text + "\n")


def write(text: str) -> None:
    """Put text on stdout as it is; raises ReaderGoneError where nobody reads it any more."""
    try:
        sys.stdout.write(text)
    except BrokenPipeError as error:
        raise ReaderGoneError from error


def note(text: str) -> None:
    """Print a line on stderr: progress, warnings, hints."""
    err.print(Text(text, style="dim"), soft_wrap=True)


def warn(text: str) -> None:
    """Print a warning on stderr."""
    err.print(Text(f"warning: {text}", style="yellow"), soft_wrap=True)


def failure(error: AuditError) -> None:
    """Print an error as one line on stderr, and its hint as another."""
    err.print(Text(f"error: {clean(error.message, 2000)}", style="bold red"), soft_wrap=True)
    if error.hint:
        err.print(Text(f"hint: {clean(error.hint, 2000)}"), soft_wrap=True)


def ask(question: str) -> bool:
    """A yes/no question; no without a terminal. Ctrl-C is Interrupted: nothing was done yet that could be kept."""
    if not sys.stdin.isatty():
        return False
    err.print(Text(f"{question} [y/N] "), end="")
    try:
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    except KeyboardInterrupt as stop:
        err.print()
        raise Interrupted("interrupted before anything was sent", "nothing was changed") from stop


@contextmanager
def byte_progress(label: str) -> Iterator[Callable[..., None]]:
    """A progress bar on stderr over bytes: call it with (done, total, records)."""
    if not err.is_terminal:
        yield lambda *_: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(), console=err, transient=True,
    ) as bar:  # fmt: skip
        job = bar.add_task(label, total=None, detail="")

        def update(done: int, total: int | None = None, records: int = 0) -> None:
            elapsed = bar.tasks[0].elapsed or 0
            rate = f"{records / elapsed:,.0f} records/s" if elapsed > 0.5 else ""
            bar.update(job, completed=done, total=total or None, detail=f"{records:,} records {rate}")

        yield update


@contextmanager
def count_progress(label: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """A progress bar on stderr over a number of things: call it with (done, detail)."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(), console=err, transient=True, disable=not err.is_terminal,
    ) as bar:  # fmt: skip
        job = bar.add_task(label, total=total, detail="")
        yield lambda done, detail: bar.update(job, completed=done, detail=detail)


@contextmanager
def steps(label: str) -> Iterator[Callable[[str], None]]:
    """A spinner on stderr that shows which step is running."""
    with err.status(label) as status:

        def update(text: str) -> None:
            status.update(f"{label}: {text}")

        yield update if err.is_terminal else (lambda _: None)
