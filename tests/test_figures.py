"""Figures as people read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import figures


def test_a_file_is_named_as_one_would_type_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "home", lambda: tmp_path.parent)
    assert figures.path(str(tmp_path / "logs" / "a.jsonl")) == "logs/a.jsonl"
    assert figures.path(str(tmp_path.parent / "b.jsonl")) == "~/b.jsonl"
    assert figures.path("s3://bucket/c.jsonl") == "s3://bucket/c.jsonl"
    assert figures.path(None) == ""
