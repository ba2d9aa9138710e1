"""What people are shown of the sample logs, word for word: the terminal's tables and the whole report.

After a change that is meant to be seen, `AUDIT_UPDATE_GOLDEN=1 uv run pytest tests/cli/test_golden.py` writes the files
anew; the difference belongs into the same commit, where it can be read.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Run

GOLDEN = Path(__file__).parent / "golden"
COMMANDS = {
    "summary": ("summary",),
    "duplicates": ("duplicates", "--top", "5"),
    "outliers": ("outliers",),
    "outcomes": ("outcomes",),
    "workflows": ("workflows",),
    "why": ("why", "--from", "2026-10", "--to", "2026-11"),
    "check": ("check",),
    "savings": ("savings",),
    "show-workflow": ("show", "stock-agent"),
}
# what differs from run to run and from one release of a price table to the next, and says nothing about the figures
SCRUBBED = (
    (re.compile(r"(?<=generated )\d{4}-\d\d-\d\d \d\d:\d\d"), "TIME"),
    (re.compile(r"(?<=<tr><td>)20\d\d-\d\d-\d\d \d\d:\d\d(?=</td><td class=\"l\">)"), "TIME"),
    (re.compile(r"(?<=audit )\d+\.\d+\.\d+|(?<=Program )\d+\.\d+\.\d+"), "VERSION"),
    (re.compile(r"(?<=prices )\S+ <code>[0-9a-f]+</code>"), "PRICES"),
    (re.compile(r"LiteLLM \S+ \(\d{4}-\d\d-\d\d\)"), "LiteLLM"),
    (re.compile(r"<code>[0-9a-f]{8,}</code>"), "<code>HASH</code>"),
)


def compare(name: str, said: str) -> None:
    """Hold a text against its golden file."""
    for pattern, word in SCRUBBED:
        said = pattern.sub(word, said)
    said = "\n".join(line.rstrip() for line in said.replace(str(ROOT) + os.sep, "").splitlines()) + "\n"
    path = GOLDEN / name
    if os.environ.get("AUDIT_UPDATE_GOLDEN"):
        path.write_text(said, encoding="utf-8", newline="\n")
    assert said.splitlines() == path.read_text(encoding="utf-8").splitlines(), f"see the head of {Path(__file__).name}"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_terminal_shows(name: str, audit: Run, sample_db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "120")
    ran = audit(*COMMANDS[name], "--db", sample_db)
    assert ran.code == 0, ran.err
    compare(f"{name}.txt", ran.out)


def test_the_report_shows(audit: Run, sample_db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    path = tmp_path / "report.html"
    assert audit("report", "-o", path, "--db", sample_db).code == 0
    compare("report.html", path.read_text(encoding="utf-8"))
