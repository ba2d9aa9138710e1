"""Columns of a query as narrow arrays, filled batch by batch, so that its rows are never held as they come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from audit.store import Store


def columns(store: Store, sql: str, size: int, kinds: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    """The named columns of a SELECT of `size` rows without NULLs, in its order, as numpy arrays of the given kinds."""
    found = {name: np.empty(size, dtype=kind) for name, kind in kinds.items()}
    start = 0
    for batch in store.stream(sql, **values):
        for name, column in found.items():
            column[start : start + batch.num_rows] = batch.column(name).to_numpy()
        start += batch.num_rows
    return found
