"""Which 64-bit hashes the audit file already holds, in 8 bytes each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_LONGEST = 1 << 20


class Known:
    """A growing set of hashes kept as a few sorted runs, so that adding stays cheap and looking up is a search."""

    def __init__(self, hashes: Hashes) -> None:
        self._runs: list[Hashes] = [np.sort(hashes)] if len(hashes) else []

    def contains(self, hashes: Hashes) -> Mask:
        """Which of these are in the set."""
        # sorted, the searches go through each run once instead of all over it
        order = np.argsort(hashes)
        wanted = hashes[order]
        among: Mask = np.zeros(len(hashes), dtype=np.bool_)
        for run in self._runs:
            at = np.searchsorted(run, wanted)
            at[at == len(run)] = 0
            among |= run[at] == wanted
        found: Mask = np.empty_like(among)
        found[order] = among
        return found

    def add(self, hashes: Hashes) -> None:
        """Add hashes; those already in the set may come again."""
        if not len(hashes):
            return
        run = np.sort(hashes)
        # runs double in length from last to first, so there are never more than a few dozen; merging takes room for
        # both, so long ones stay as they are
        while self._runs and len(self._runs[-1]) <= min(2 * len(run), _LONGEST - len(run)):
            run = np.sort(np.concatenate((self._runs.pop(), run)), kind="stable")
        self._runs.append(run)


def hashes_of(column: Any) -> Hashes:
    """An Arrow BIGINT column without NULLs as numpy array."""
    values: Hashes = column.to_numpy()
    return values


def first_of_each(hashes: Hashes) -> Mask:
    """Which elements are the first of their value."""
    mask: Mask = np.zeros(len(hashes), dtype=np.bool_)
    mask[np.unique(hashes, return_index=True)[1]] = True
    return mask
