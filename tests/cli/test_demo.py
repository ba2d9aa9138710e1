"""`audit demo`: the README's first command, from logs to report with real answers of the embedded model."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_the_demo_ends_in_a_report_that_says_it_is_one(audit: Any, tmp_path: Path) -> None:
    ran = audit("demo", "--folder", tmp_path, "--prompts", "4")
    assert ran.code == 0, ran.err
    assert "4 answered" in ran.out
    assert "Spend $" in ran.out
    page = (tmp_path / "demo.html").read_text(encoding="utf-8")
    assert "Demonstration data" in page
    assert "smollm2-135m-instruct" in page
