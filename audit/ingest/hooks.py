"""The readers of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from audit import plugins
from audit.readers import Reader
from audit.readers._mapped import mapped


def all_readers(mapping: Mapping[str, str]) -> tuple[Reader, ...]:
    """Every reader found, and one for the user's own mapping, if there is one."""
    readers: tuple[Reader, ...] = plugins.find("readers", "READER")
    return (*readers, mapped(mapping)) if mapping else readers


def sqlite_hook(path: Path) -> Iterator[dict[str, Any]] | None:
    """Records of the SQLite databases a reader knows; None for any other database."""
    return None
