from __future__ import annotations

import io

import pytest
from rich.console import Console

from audit.cli.replay_live import MOST_ROWS, STOPPING, LiveReplay, live_replay
from audit.deciding import Standing, TrialKey
from audit.replay import CandidateResult, Progress


def candidate(model: str, **settings: object) -> CandidateResult:
    known = {
        "current_model": "gpt-4o", "endpoint": "openai", "model": model, "variant": "", "floor": False, "calls": 400,
        "answered": 120, "failed": 3, "reused": 0, "p50_seconds": 0.84, "p95_seconds": 2.0, "spent_usd": 0.0123,
    }  # fmt: skip
    return CandidateResult(**(known | settings))  # type: ignore[arg-type]


def drawn(live: LiveReplay) -> list[str]:
    terminal = Console(file=io.StringIO(), width=80, force_terminal=False)
    terminal.print(live.render())
    assert isinstance(terminal.file, io.StringIO)
    return terminal.file.getvalue().splitlines()


def test_a_running_replay_shows_calls_money_and_how_each_candidate_stands() -> None:
    live = LiveReplay(800, 5.0, 0)
    assert drawn(live) == ["replaying: 0 of 800 calls"]
    live.show(
        Progress(800, 240, 6, 20, 0.0246, (candidate("gpt-4o-mini"), candidate("gpt-4o", floor=True), candidate("x")))
    )
    live.stand(
        {
            TrialKey(1, "gpt-4o", "openai", "gpt-4o-mini", ""): Standing(27, 30, ""),
            TrialKey(2, "gpt-4o", "openai", "gpt-4o-mini", ""): Standing(18, 20, ""),
            TrialKey(1, "gpt-4o", "openai", "x", ""): Standing(1, 40, "stopped: 2 % acceptable after 40 answers"),
        }
    )
    head, _, *rows = drawn(live)
    assert head.startswith("replaying: 266 of 800 calls, 6 failed, 20 not made, $0.0246 of $5, ")
    assert head.endswith(" left")
    assert [" ".join(row.split()) for row in rows] == [
        "openai/gpt-4o-mini 120/400 3 $0.0123 840 ms 90 % of 50",
        "openai/gpt-4o (floor) 120/400 3 $0.0123 840 ms",
        "openai/x 120/400 3 $0.0123 840 ms 2 % of 40, stopped",
    ]


def test_a_replay_that_is_stopped_says_what_it_waits_for() -> None:
    live = LiveReplay(800, 5.0, 0)
    live.show(Progress(800, 240, 6, 20, 0.0246, (candidate("gpt-4o-mini"),), stopping=True))
    assert drawn(live)[-1] == STOPPING


def test_nobody_watching_is_told_once_that_a_stopped_replay_waits(capsys: pytest.CaptureFixture[str]) -> None:
    with live_replay(800, 5.0, 0) as live:
        live.show(Progress(800, 239, 6, 20, 0.0246, ()))
        assert capsys.readouterr().err == ""
        for answered in (240, 241):
            live.show(Progress(800, answered, 6, 20, 0.0246, (), stopping=True))
    assert capsys.readouterr().err == f"{STOPPING}\n"


def test_a_running_replay_shows_what_unfinished_runs_took_of_the_cap() -> None:
    live = LiveReplay(800, 5.0, 10**12)
    live.show(Progress(800, 240, 6, 20, 0.0246, (candidate("gpt-4o-mini"),)))
    assert "$0.0246 now, $1.02 in all of $5, " in " ".join(" ".join(drawn(live)).split())


def test_a_running_replay_fits_a_narrow_terminal_and_is_not_formatted_by_names() -> None:
    live = LiveReplay(10_000, None, 0)
    names = [f"[red]{'long-' * 20}\x1b[31m{number}" for number in range(30)]
    live.show(Progress(10_000, 9_000, 0, 0, 1234.5, tuple(candidate(name, answered=9999) for name in names)))
    lines = drawn(live)
    assert max(map(len, lines)) <= 80
    assert len(lines) == 2 + MOST_ROWS + 1
    assert lines[-1].strip() == "and 18 more"
    assert not any("\x1b" in line for line in lines)
    assert "[red]long-" in lines[2]
