"""An audit file that can only be read: what reads works on it, what has to write says so before it begins."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from audit import store


@pytest.fixture
def frozen(sample_db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the sample's audit file that may not be written, even where the tests run as an administrator."""
    path = tmp_path / "frozen" / "audit.duckdb"
    path.parent.mkdir()
    shutil.copy(sample_db, path)
    path.chmod(0o444)
    real = os.access
    monkeypatch.setattr(os, "access", lambda place, mode, **how: mode != os.W_OK and real(place, mode, **how))
    return path


@pytest.mark.parametrize(
    "command",
    [
        ("summary",), ("why", "--from", "2026-10", "--to", "2026-10"), ("duplicates",), ("outliers",), ("workflows",),
        ("outcomes",), ("check", "--limit", "day_usd=1000"), ("show", "#1"), ("doctor",), ("savings",),
    ],
)  # fmt: skip
def test_what_reads_works_and_leaves_the_file_as_it_was(audit: Any, frozen: Path, command: tuple[str, ...]) -> None:
    before = frozen.read_bytes()
    ran = audit(*command, "--db", frozen, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.document
    assert frozen.read_bytes() == before
    assert os.listdir(frozen.parent) == ["audit.duckdb"]


@pytest.mark.parametrize(
    "command",
    [("ingest", "sample_logs"), ("reconcile", "--total", "3", "--from", "2026-10", "--to", "2026-10"), ("review",)],
)
def test_what_has_to_write_says_so(audit: Any, frozen: Path, command: tuple[str, ...]) -> None:
    ran = audit(*command, "--db", frozen)
    assert ran.code == 1
    assert "audit.duckdb can't be written, and this has to" in ran.err
    assert "copy it to a place you can write to" in ran.err


def test_a_file_of_an_older_version_has_to_be_written_first(
    audit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.duckdb"
    with store.open(path, create=True) as opened:
        opened.set_meta("schema_version", "1")
    before = path.read_bytes()
    monkeypatch.setattr(os, "access", lambda place, mode, **how: mode != os.W_OK)
    ran = audit("summary", "--db", path)
    assert ran.code == 1
    assert "audit.duckdb can't be written, and this has to" in ran.err
    assert path.read_bytes() == before
