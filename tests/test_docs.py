"""The documents are true: every command is in the README with an example, every example is a command."""

from __future__ import annotations

import re
from pathlib import Path

import typer.main

from audit.cli import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> dict[str, object]:
    return dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_every_command_is_in_the_readme() -> None:
    for name in commands():
        assert re.search(rf"audit {name}\b", README), f"README.md does not show `audit {name}`"


def test_every_command_in_the_readme_exists() -> None:
    shown = set(re.findall(r"^(?:uv run )?audit ([a-z]+)", README, re.MULTILINE))
    assert shown <= set(commands())


def test_every_command_says_what_it_does_with_an_example() -> None:
    for name, command in commands().items():
        assert "Example: audit" in (command.help or ""), f"`audit {name} --help` has no example"  # type: ignore[attr-defined]


def test_readme_shows_the_two_first_commands() -> None:
    assert "pip install uv && uv run audit demo" in README
    assert "pip install uv && uv run pytest" in README


def test_relative_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
