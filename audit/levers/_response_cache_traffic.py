"""Requests as a response cache meets them: what they ask, for whom, when, what they cost, and what was answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from audit.levers import Settings
from audit.levers._response_cache_masks import MASKED
from audit.levers._response_cache_play import Accesses, Flags, Ints
from audit.levers._response_cache_reasons import SCOPES, find_reasons
from audit.store import Store

KEYS = {
    "exact": "r.prompt_key",
    "normalised": "COALESCE(m.masked_key, r.normalised_key)",
}
"""What equal questions have in common, as SQL over `request` r and its masked key m."""

# without a logged duration an answer is taken to come at 50 tokens a second
_TRAFFIC = """
WITH paying AS ({paying})
SELECT r.request_id, {key} AS cache_key, {scope} AS scope, r.workflow_id, r.started_at_us,
       CAST(COALESCE(r.duration, COALESCE(r.output_tokens, 0) * 0.02) * 1000000 AS BIGINT) AS duration_us, p.cost,
       r.output_normalised_hash AS answer, COALESCE(r.user_id, '') AS user_id, COALESCE(e.reason, '') AS reason
FROM paying AS p
JOIN request AS r ON r.request_id = p.request_id
LEFT JOIN {masked} AS m ON m.request_id = r.request_id
LEFT JOIN response_cache_reason AS e ON e.request_id = r.request_id
WHERE r.status = 'billable' AND {key} IS NOT NULL AND r.started_at_us IS NOT NULL
  AND COALESCE(r.operation_name, 'chat') <> 'embeddings'
"""
_SPREAD = np.int64(0x1E3779B97F4A7C15)
REMAINING = "SELECT request_id, CAST(SUM(cost_pico) AS BIGINT) AS cost FROM remaining GROUP BY request_id"
LOGGED = "SELECT request_id, cost_pico + estimated_cost_pico AS cost FROM request_cost"


@dataclass(frozen=True, eq=False)
class Traffic:
    """Columns of equal length, one entry per request; money in pico-USD, times in microseconds.

    `keys` hold question and scope; `reason` is empty where a cache may answer; `known` says that `answer` is one.
    """

    ids: Ints
    question: Ints
    scope: Ints
    workflow: Ints
    started: Ints
    duration: Ints
    cost: Ints
    answer: Ints
    known: Flags
    user: Ints
    reason: NDArray[np.object_]

    @property
    def size(self) -> int:
        """Number of requests."""
        return int(self.ids.size)

    @cached_property
    def keys(self) -> Ints:
        """Question and scope as one number."""
        return self.question ^ self.scope

    @cached_property
    def fit(self) -> Flags:
        """Which requests a cache may answer."""
        flags: Flags = self.reason == ""
        return flags

    def accesses(self, rows: Flags | None = None) -> Accesses:
        """The look-ups of all requests, or of the chosen ones, sorted by key and time."""
        chosen = np.arange(self.size) if rows is None else np.flatnonzero(rows)
        found = Accesses.of(self.keys[chosen], self.started[chosen], self.duration[chosen], self.ids[chosen])
        return replace(found, rows=chosen[found.rows])

    def without(self, workflows: Ints, reason: str) -> Traffic:
        """The same traffic, with a reason against every request of some workflows that had none."""
        reasons = self.reason.copy()
        reasons[np.isin(self.workflow, workflows) & self.fit] = reason
        return replace(self, reason=reasons)


def traffic(store: Store, settings: Settings, key: str, paying: str) -> Traffic:
    """The requests of `paying` (SQL of request_id and cost: `REMAINING` or `LOGGED`) by a key of `KEYS`."""
    find_reasons(store, settings)
    sql = _TRAFFIC.format(paying=paying, key=KEYS[key], scope=SCOPES[str(settings["scope"])], masked=MASKED)
    rows = pl.DataFrame(store.query(sql))
    with np.errstate(over="ignore"):
        scope = _codes(rows["scope"]) * _SPREAD
    return Traffic(
        ids=rows["request_id"].to_numpy(),
        question=rows["cache_key"].to_numpy(),
        scope=scope,
        workflow=rows["workflow_id"].fill_null(0).to_numpy(),
        started=rows["started_at_us"].to_numpy(),
        duration=rows["duration_us"].to_numpy(),
        cost=rows["cost"].to_numpy(),
        answer=rows["answer"].fill_null(0).to_numpy(),
        known=rows["answer"].is_not_null().to_numpy(),
        user=np.where((rows["user_id"] == "").to_numpy(), -1, _codes(rows["user_id"])),
        reason=rows["reason"].to_numpy(),
    )


def _codes(column: pl.Series) -> Ints:
    """Small integers that are equal where the strings are."""
    codes: Ints = column.rank("dense").to_numpy().astype(np.int64)
    return codes
