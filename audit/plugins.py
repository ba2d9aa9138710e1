"""Find the one object each module of a plugin folder, or an installed entry point, declares."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any


@cache
def find(folder: str, declares: str) -> tuple[Any, ...]:
    """Objects named `declares` in the modules of `audit.<folder>`, then those of the entry points `audit.<folder>`.

    Ordered by module name, entry points last by their name; names starting with an underscore are helpers of a
    folder and declare nothing.
    """
    package = import_module(f"audit.{folder}")
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_"))
    found = [getattr(import_module(f"audit.{folder}.{name}"), declares) for name in names]
    installed = sorted(entry_points(group=f"audit.{folder}"), key=lambda point: point.name)
    return (*found, *(point.load() for point in installed))
