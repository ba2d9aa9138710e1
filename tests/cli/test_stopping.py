"""Ctrl-C and a reader that has enough: one line or none, the right exit code, and no traceback."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from audit import store

LONG = "SELECT SUM(a.range * b.range % 7) FROM range(3000000) AS a, range(3000000) AS b"
"""Hours of work, most of it in one task of the engine, which looks for signals only between its tasks."""
_INTERRUPTED = """
import signal, sys
def hook(event, arguments):
    if event == "import" and arguments[0] == {module!r}:
        {by}
sys.addaudithook(hook)
from audit.__main__ import main
main()
"""


def interrupted(
    module: str, *arguments: str | Path, by: str = "signal.raise_signal(signal.SIGINT)"
) -> subprocess.CompletedProcess[str]:
    """Run a command that gets Ctrl-C, or what `by` says, at the moment it imports a module."""
    return subprocess.run(
        [sys.executable, "-c", _INTERRUPTED.format(module=module, by=by), *(str(each) for each in arguments)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("module", ["typer", "rich", "audit.store", "audit.summary"])
def test_a_reading_command_says_that_nothing_changed(sample_db: Path, module: str) -> None:
    ran = interrupted(module, "summary", "--db", sample_db)
    assert (ran.returncode, ran.stdout, ran.stderr) == (4, "", "interrupted; nothing was changed\n")


def test_an_interrupt_of_what_is_made_by_exec_ends_with_the_same_code(sample_db: Path, tmp_path: Path) -> None:
    inside = _INTERRUPTED.format(module="audit.summary", by='exec("signal.raise_signal(signal.SIGINT)")')
    (tmp_path / "stopped.py").write_text(inside, encoding="utf-8")
    command = [sys.executable, "-m", "stopped", "summary", "--db", str(sample_db)]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (4, "", "interrupted; nothing was changed\n")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("typer", "interrupted; nothing was changed\n"),
        ("audit.ingest", "interrupted; finished work is kept; run the same command to go on\n"),
    ],
)
def test_ingest_keeps_what_was_finished(tmp_path: Path, module: str, said: str) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("{}\n", encoding="utf-8")
    ran = interrupted(module, "ingest", log, "--db", tmp_path / "a.duckdb")
    assert (ran.returncode, ran.stdout, ran.stderr) == (4, "", said)


def _interrupted(seconds: float, ask: Callable[[], object]) -> None:
    """Ask, with Ctrl-C after so long and no later than the end of the answer."""
    soon = threading.Timer(seconds, signal.raise_signal, [signal.SIGINT])
    try:
        soon.start()
        ask()
    finally:
        soon.cancel()


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.2])
@pytest.mark.parametrize("how", ["value", "query", "batches", "stream"])
def test_a_query_that_is_interrupted_is_an_interrupt(how: str, seconds: float) -> None:
    with store.open(":memory:") as opened:
        with pytest.raises(KeyboardInterrupt):
            _interrupted(seconds, lambda: list(getattr(opened, how)(LONG)))
        assert opened.value("SELECT 1") == 1, "what begins later goes on"


def test_ctrl_c_ends_a_query_after_an_event_loop_had_the_signals() -> None:
    async def listen(opened: store.Store) -> int:
        heard = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, heard.set)
        signal.raise_signal(signal.SIGINT)
        found: int = opened.value("SELECT SUM(range) FROM range(1000000)")
        async with asyncio.timeout(60):
            await heard.wait()
        return found

    with store.open(":memory:") as opened:
        assert asyncio.run(listen(opened)) == 499999500000
        with pytest.raises(KeyboardInterrupt):
            _interrupted(0.2, lambda: opened.value(LONG))


def test_a_pipe_that_breaks_elsewhere_is_a_failure(sample_db: Path) -> None:
    ran = interrupted("audit.summary", "summary", "--db", sample_db, by="raise BrokenPipeError(32, 'Broken pipe')")
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", "error: output: Broken pipe\n")


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_reader_that_has_enough_is_no_failure(sample_db: Path, flags: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "audit", "summary", "--db", str(sample_db), *flags]
    ran = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, "")
