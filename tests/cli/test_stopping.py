"""Ctrl-C and a reader that has enough: one line or none, the right exit code, and no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from audit import store

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
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("module", ["typer", "rich", "audit.store", "audit.summary"])
def test_a_reading_command_says_that_nothing_changed(sample_db: Path, module: str) -> None:
    ran = interrupted(module, "summary", "--db", sample_db)
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


def test_a_query_that_is_interrupted_is_an_interrupt() -> None:
    long = "SELECT SUM(a.range * b.range % 7) FROM range(3000000) AS a, range(3000000) AS b"
    with store.open(":memory:") as opened:
        threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
        with pytest.raises(KeyboardInterrupt):
            opened.value(long)


def test_a_pipe_that_breaks_elsewhere_is_a_failure(sample_db: Path) -> None:
    ran = interrupted("audit.summary", "summary", "--db", sample_db, by="raise BrokenPipeError(32, 'Broken pipe')")
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", "error: output: Broken pipe\n")


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_reader_that_has_enough_is_no_failure(sample_db: Path, flags: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "audit", "summary", "--db", str(sample_db), *flags]
    ran = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, "")
