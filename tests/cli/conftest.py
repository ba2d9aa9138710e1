"""One audit of the sample logs per worker, and a way to run commands in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from audit.__main__ import run
from tests.peer import peer

__all__ = ["peer"]

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_logs"


@dataclass
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def audit(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `audit ARGUMENTS`."""

    def command(*arguments: str | Path) -> Ran:
        code = run([str(each) for each in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return command


@pytest.fixture(scope="session")
def sample_db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The audit file of the sample logs."""
    path = tmp_path_factory.mktemp("sample") / "sample.duckdb"
    assert run(["ingest", *(str(each) for each in sorted(SAMPLES.glob("*.gz"))), "--db", str(path), "--json"]) == 0
    return path


@pytest.fixture(scope="session")
def truth() -> dict[str, Any]:
    """What was planted in the sample logs."""
    return json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))
