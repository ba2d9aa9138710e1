"""A replay while it runs, on the terminal: calls, failures, money and how each candidate stands, with the time left."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

    from audit.deciding import Standing, TrialKey
    from audit.replay import CandidateResult, Progress

MOST_ROWS = 12
"""Candidates shown; a table longer than the terminal would not be seen."""


STOPPING = "stopping: waiting for answers that are paid for; Ctrl-C again gives them up"


class LiveReplay:
    """What is known of a running replay; `show` and `stand` bring news, `render` draws it."""

    def __init__(self, total: int, cap: float | None, before: int) -> None:
        self._total = total
        self._cap = cap
        self._before = before
        self._started = time.monotonic()
        self._progress: Progress | None = None
        self._standings: Mapping[TrialKey, Standing] = {}

    def show(self, progress: Progress) -> None:
        """Take how far the calls are."""
        self._progress = progress

    def stand(self, standings: Mapping[TrialKey, Standing]) -> None:
        """Take how the candidates stand."""
        self._standings = standings

    def render(self) -> RenderableType:
        """The line of the whole, and a row for each candidate."""
        from rich.console import Group
        from rich.text import Text

        now = self._progress
        if now is None:
            return Text(f"replaying: 0 of {self._total} calls")
        lines = [Text(self._headline(now)), self._table(now)]
        return Group(*lines, *([Text(STOPPING)] if now.stopping else []))

    def _headline(self, now: Progress) -> str:
        from audit import figures

        done = now.answered + now.failed + now.skipped
        parts = [f"replaying: {done} of {now.total} calls", f"{now.failed} failed"]
        if now.skipped:
            parts.append(f"{now.skipped} not made")
        spent = figures.money(now.spent_usd * 1e12)
        if self._cap is not None and self._before:
            spent += f" now, {figures.money(now.spent_usd * 1e12 + self._before)} in all"
        parts.append(f"{spent} of ${self._cap:g}" if self._cap is not None else f"{spent} spent")
        if 0 < done < now.total:
            left = (time.monotonic() - self._started) * (now.total - done) / done
            parts.append(f"{int(left) // 60}:{int(left) % 60:02} left")
        return ", ".join(parts)

    def _table(self, now: Progress) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        from audit import figures

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("Candidate", overflow="ellipsis", no_wrap=True, max_width=32)
        for heading in ("Answered", "Failed", "Spent", "p50", "Acceptable"):
            table.add_column(heading, justify="right", no_wrap=True)
        for each in now.candidates[:MOST_ROWS]:
            cells = (
                _name(each, several=len({row.current_model for row in now.candidates}) > 1),
                f"{each.answered}/{each.calls}",
                str(each.failed),
                figures.money(each.spent_usd * 1e12),
                figures.seconds(each.p50_seconds),
                "" if each.floor else self._acceptable(each),
            )
            table.add_row(*map(Text, cells))
        if len(now.candidates) > MOST_ROWS:
            table.add_row(Text(f"and {len(now.candidates) - MOST_ROWS} more"))
        return table

    def _acceptable(self, each: CandidateResult) -> str:
        """Of what is scored so far, over all workflows; how many of them ask no more."""
        found = [
            standing
            for key, standing in self._standings.items()
            if (key.current_model, key.endpoint, key.model, key.variant)
            == (each.current_model, each.endpoint, each.model, each.variant)
        ]
        decided = sum(standing.decided for standing in found)
        if not decided:
            return "–"
        stopped = sum(1 for standing in found if standing.stopped)
        passed = sum(standing.passed for standing in found)
        return f"{100 * passed / decided:.0f} % of {decided}" + (", stopped" if stopped == len(found) else "")


def _name(each: CandidateResult, *, several: bool) -> str:
    from audit import console

    name = f"{each.endpoint}/{each.model}" + (f" {each.variant}" if each.variant else "")
    if each.floor:
        name += " (floor)"
    elif several:
        name += f" for {each.current_model}"
    return console.clean(name)


class ToldReplay(LiveReplay):
    """A replay nobody watches: the one thing said is that the user stopped it and answers are waited for."""

    def show(self, progress: Progress) -> None:
        """Say once that it is stopping."""
        from audit import console

        told = self._progress is not None and self._progress.stopping
        if progress.stopping and not told:
            console.note(STOPPING)
        super().show(progress)


@contextmanager
def live_replay(total: int, cap: float | None, before: int) -> Iterator[LiveReplay]:
    """Draw a replay on stderr while it runs, a few times a second; little is said where that is no terminal.

    `before` is what unfinished runs spent of the cap, pico-USD.
    """
    from rich.live import Live

    from audit import console

    if not console.err.is_terminal:
        yield ToldReplay(total, cap, before)
        return
    seen = LiveReplay(total, cap, before)
    with Live(get_renderable=seen.render, console=console.err, transient=True, refresh_per_second=4):
        yield seen
