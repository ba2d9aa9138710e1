"""Parts of a log that should be lists and objects, and sometimes are not."""

from __future__ import annotations

from typing import Any


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; an empty list for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def fields(value: Any) -> dict[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def words(*values: Any) -> str:
    """All texts among `values`, joined."""
    return "".join(value for value in values if isinstance(value, str))
