"""Records of one identity: which of them counts, and whether the others said the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.store import Store

SAME, CHANGED = "same_identity", "changed_record"
_COMPARED = (
    "status",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "started_at_us",
    "response_model",
    "logged_cost_pico",
    "output_hash",
    "prompt_key",
)
_TOLD = ("user_id", "team", "feature", "environment", "prompt_template", "conversation_id", "trace_id", "duration")
_TEXT = {"full": 2, "truncated": 1, "redacted": 1}
_ASKED = (
    "identity",
    "record_rank",
    "usage_source",
    "text_status",
    *_TOLD,
    *_COMPARED,
)
_STORED = f"""
SELECT r.request_id, {", ".join(f"r.{name}" for name in _ASKED)}
FROM request AS r JOIN asked_identity AS a ON a.identity = r.identity
"""
_TABLES = ("request", "segment", "charge")

Row = dict[str, Any]


class Conflicts:
    """Settles rows whose identity came before, in the same batch or in the audit file."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def settle(
        self,
        requests: pa.Table,
        known: npt.NDArray[np.bool_],
        ids: npt.NDArray[np.int64],
        duplicates: dict[int, tuple[int, str]],
        next_id: int,
    ) -> int:
        """Fill `ids` for the rows that count and `duplicates` for the others; returns the next free id.

        Of two records of one identity the one of larger rank counts, then the one with logged usage, more tokens, more
        of the text, more said about the caller, then the later one. A row that replaces a stored one takes its id.
        """
        identities = requests["identity"].to_numpy()
        doubtful = known | np.isin(identities, _repeated(identities))
        clear = np.flatnonzero(~doubtful)
        places = np.flatnonzero(doubtful)
        rows = requests.select(list(_ASKED)).take(places).to_pylist()
        stored = self._stored(identities[known])
        best: dict[int, int | None] = dict.fromkeys(stored, None)
        by_place = dict(zip(places.tolist(), rows, strict=True))
        reasons: dict[int, str] = {}
        for place, row in by_place.items():
            self._meet(place, row, by_place, stored, best, reasons)
        chosen = sorted(place for place in best.values() if place is not None)
        replaced = [place for place in chosen if by_place[place]["identity"] in stored]
        fresh = np.sort(np.concatenate((clear, np.setdiff1d(chosen, replaced)))).astype(np.int64)
        ids[fresh] = np.arange(next_id, next_id + len(fresh))
        for place in replaced:
            ids[place] = stored[by_place[place]["identity"]]["request_id"]
        self._remove([int(ids[place]) for place in replaced])
        for place, reason in sorted(reasons.items()):
            identity = by_place[place]["identity"]
            holder = best[identity]
            duplicates[place] = (stored[identity]["request_id"] if holder is None else int(ids[holder]), reason)
        return next_id + len(fresh)

    def _meet(
        self,
        place: int,
        row: Row,
        by_place: dict[int, Row],
        stored: dict[int, Row],
        best: dict[int, int | None],
        reasons: dict[int, str],
    ) -> None:
        """Compare a row with the best of its identity so far; `None` in `best` stands for the stored one.

        The first record of a call is the one that was taken; whichever counts in the end, the later one is reported.
        """
        identity = row["identity"]
        if identity not in best:
            best[identity] = place
            return
        holder = best[identity]
        other = stored[identity] if holder is None else by_place[holder]
        same = all(row[name] == other[name] for name in _COMPARED)
        reasons[place] = SAME if same else CHANGED
        if not same and _worth(row) >= _worth(other):
            best[identity] = place

    def _stored(self, identities: npt.NDArray[np.int64]) -> dict[int, Row]:
        if not len(identities):
            return {}
        self._store.replace("asked_identity", pa.table({"identity": pa.array(np.unique(identities))}))
        return {row["identity"]: row for row in self._store.rows(_STORED)}

    def _remove(self, ids: list[int]) -> None:
        if not ids:
            return
        self._store.replace("replaced_request", pa.table({"request_id": pa.array(ids, pa.int64())}))
        for table in _TABLES:
            self._store.run(f"DELETE FROM {table} WHERE request_id IN (SELECT request_id FROM replaced_request)")


def _worth(row: Row) -> tuple[int, bool, int, int, int]:
    return (
        row["record_rank"] or 0,
        row["usage_source"] == "logged",
        (row["input_tokens"] or 0) + (row["output_tokens"] or 0),
        _TEXT.get(row["text_status"], 0),
        sum(row[name] is not None for name in _TOLD),
    )


def _repeated(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    found, counts = np.unique(values, return_counts=True)
    return found[counts > 1]
