"""Requests as a response cache meets them: what they ask, for whom, when, what they cost, and what was answered."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from audit.levers import Settings
from audit.levers._response_cache_masks import MASKED
from audit.levers._response_cache_play import Accesses, Flags, Ints
from audit.levers._response_cache_reasons import REASONS, SCOPES, find_reasons
from audit.store import Store

KEYS = {
    "exact": "r.prompt_key",
    "normalised": "COALESCE(m.masked_key, r.normalised_key)",
}
"""What equal questions have in common, as SQL over `request` r and its masked key m."""

# without a logged duration an answer is taken to come at 50 tokens a second
_ACCESS = """
CREATE OR REPLACE TEMP TABLE response_cache_access AS
WITH paying AS ({paying})
SELECT r.request_id, {key} AS cache_key, COALESCE(r.workflow_id, 0) AS workflow_id, r.started_at_us, p.cost,
       e.reason
FROM paying AS p
JOIN request AS r ON r.request_id = p.request_id
LEFT JOIN {masked} AS m ON m.request_id = r.request_id
LEFT JOIN response_cache_reason AS e ON e.request_id = r.request_id
WHERE r.status = 'billable' AND {key} IS NOT NULL AND r.started_at_us IS NOT NULL
  AND COALESCE(r.operation_name, 'chat') <> 'embeddings'
"""
# a question that is asked once and resembles no other is never answered from a cache: such requests are only counted
_SHARED = """
CREATE OR REPLACE TEMP TABLE response_cache_shared AS
WITH often AS (SELECT cache_key FROM response_cache_access GROUP BY cache_key HAVING COUNT(*) > 1)
SELECT a.request_id, a.cache_key, a.workflow_id, a.started_at_us, a.cost, COALESCE(a.reason, '') AS reason
FROM response_cache_access AS a LEFT JOIN often AS o ON o.cache_key = a.cache_key
WHERE o.cache_key IS NOT NULL OR a.reason IS NOT NULL
"""
_TRAFFIC = """
SELECT s.*, {scope} AS scope,
       CAST(COALESCE(r.duration, COALESCE(r.output_tokens, 0) * 0.02) * 1000000 AS BIGINT) AS duration_us,
       r.output_normalised_hash AS answer, COALESCE(r.user_id, '') AS user_id
FROM response_cache_shared AS s JOIN request AS r ON r.request_id = s.request_id
ORDER BY s.request_id
"""
_FIT = """
SELECT a.request_id, a.started_at_us FROM response_cache_access AS a
LEFT JOIN response_cache_unfit AS u ON u.workflow_id = a.workflow_id
WHERE COALESCE(a.reason, '') = '' AND u.workflow_id IS NULL
"""
_SPAN = f"SELECT COUNT(*) AS requests, MIN(started_at_us) AS first, MAX(started_at_us) AS last FROM ({_FIT}) AS fit"
_SINCE = f"SELECT COUNT(*) FROM ({_FIT}) AS fit WHERE started_at_us >= $since"
_CLOCK = f"""
WITH timed AS (
    SELECT request_id, ROW_NUMBER() OVER (ORDER BY started_at_us, request_id) - 1 AS clock FROM ({_FIT}) AS fit
)
SELECT t.request_id, t.clock FROM timed AS t JOIN response_cache_shared AS s ON s.request_id = t.request_id
ORDER BY t.request_id
"""
_SPREAD = np.int64(0x1E3779B97F4A7C15)
REMAINING = "SELECT request_id, CAST(SUM(cost_pico) AS BIGINT) AS cost FROM remaining GROUP BY request_id"
LOGGED = "SELECT request_id, cost_pico + estimated_cost_pico AS cost FROM request_cost"


_CODES = {reason: code for code, reason in enumerate(("", *REASONS))}
_NAMES = tuple(_CODES)


@dataclass(frozen=True, eq=False)
class Traffic:
    """Columns of equal length, one entry per request whose question is asked again or resembles another; money in
    pico-USD, times in microseconds.

    `keys` hold question and scope; `reason` is 0 where a cache may answer; `known` says that `answer` is one.
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
    user: NDArray[np.int32]
    reason: NDArray[np.int8]

    @property
    def size(self) -> int:
        """Number of requests."""
        return int(self.ids.size)

    @property
    def keys(self) -> Ints:
        """Question and scope as one number."""
        return self.question ^ self.scope

    @property
    def fit(self) -> Flags:
        """Which requests a cache may answer."""
        flags: Flags = self.reason == 0
        return flags

    def accesses(self, rows: Flags | None = None, among: Span | None = None) -> Accesses:
        """The look-ups of all requests, or of the chosen ones, sorted by key and time; `among` all fit ones of the
        log, which share the room in the cache."""
        chosen = np.arange(self.size) if rows is None else np.flatnonzero(rows)
        found = Accesses.of(
            self.keys[chosen], self.started[chosen], self.duration[chosen], self.ids[chosen],
            None if among is None else among.clock[chosen], None if among is None else among.requests,
        )  # fmt: skip
        return replace(found, rows=chosen[found.rows])

    def without(self, workflows: Ints, reason: str) -> Traffic:
        """The same traffic, with a reason against every request of some workflows that had none."""
        reasons = self.reason.copy()
        reasons[np.isin(self.workflow, workflows) & self.fit] = _CODES[reason]
        return replace(self, reason=reasons)


@dataclass(frozen=True, eq=False)
class Span:
    """All requests a cache may answer, also those whose question nobody asked again.

    `requests` in all, `warm` of them at or after `warm_us`, when a quarter of their time has passed; `clock` is the
    place of each request of the traffic among them in time.
    """

    requests: int
    warm: int
    warm_us: int
    clock: Ints


_WARM = 0.25


def traffic(store: Store, settings: Settings, key: str, paying: str) -> Traffic:
    """The requests of `paying` (SQL of request_id and cost: `REMAINING` or `LOGGED`) by a key of `KEYS`."""
    find_reasons(store, settings)
    store.run(_ACCESS.format(paying=paying, key=KEYS[key], masked=MASKED))
    store.run(_SHARED)
    rows = pl.DataFrame(store.query(_TRAFFIC.format(scope=SCOPES[str(settings["scope"])])))
    with np.errstate(over="ignore"):
        scope = _codes(rows["scope"]).astype(np.int64) * _SPREAD
    return Traffic(
        ids=rows["request_id"].to_numpy(),
        question=rows["cache_key"].to_numpy(),
        scope=scope,
        workflow=rows["workflow_id"].to_numpy(),
        started=rows["started_at_us"].to_numpy(),
        duration=rows["duration_us"].to_numpy(),
        cost=rows["cost"].to_numpy(),
        answer=rows["answer"].fill_null(0).to_numpy(),
        known=rows["answer"].is_not_null().to_numpy(),
        user=np.where((rows["user_id"] == "").to_numpy(), np.int32(-1), _codes(rows["user_id"])),
        reason=rows["reason"].replace_strict(_CODES, return_dtype=pl.Int8).to_numpy(),
    )


def span(store: Store, found: Traffic, unfit: Ints) -> Span:
    """All requests fit for a cache, of the traffic read last, but for those of some workflows."""
    store.replace("response_cache_unfit", pa.table({"workflow_id": pa.array(unfit, pa.int64())}))
    whole = store.rows(_SPAN)[0]
    first, last = int(whole["first"] or 0), int(whole["last"] or 0)
    since = first + int(_WARM * (last - first))
    times = store.query(_CLOCK)
    clock = np.zeros(found.size, dtype=np.int64)
    clock[np.searchsorted(found.ids, times["request_id"].to_numpy())] = times["clock"].to_numpy()
    return Span(int(whole["requests"]), int(store.value(_SINCE, since=since)), since, clock)


def reason_name(code: int) -> str:
    """The reason of `REASONS` a code stands for, empty for none."""
    return _NAMES[code]


def _codes(column: pl.Series) -> NDArray[np.int32]:
    """Small integers that are equal where the strings are."""
    codes: NDArray[np.int32] = column.rank("dense").to_numpy().astype(np.int32)
    return codes
