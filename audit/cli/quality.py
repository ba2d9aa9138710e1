"""Commands that test cheaper models on real requests."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    del app
