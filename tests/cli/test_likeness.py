"""`audit duplicates` shows what alike questions would save against how many answers could be wrong."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Run


def test_the_curve_of_each_workflow_and_its_verdict(audit: Run, sample_db: Path) -> None:
    ran = audit("duplicates", "--db", sample_db, "--top", "2")
    assert ran.code == 0
    assert "Near duplicates" in ran.out
    assert "One answer for questions alike: " in ran.out
    assert "Wrong at most" in ran.out
    assert "not certified: " in ran.out


def test_the_curve_only_widens(audit: Run, sample_db: Path) -> None:
    workflows = audit("duplicates", "--db", sample_db, "--json").document["semantic"]["workflows"]
    assert workflows
    for each in workflows:
        requests = [step["requests"] for step in each["steps"]]
        assert requests == sorted(requests)
        assert all(0 < step["bound"] <= 1 for step in each["steps"])
