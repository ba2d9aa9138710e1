"""One call seen by two systems, a gateway and a provider-side log say, counts once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from audit.ingest.result import FileResult
from audit.store import Store

REASON = "cross_source_duplicate"
WINDOW_US = 2_000_000
"""How far apart two systems may time one call."""

_WORTH = """
CASE {row}.text_status WHEN 'full' THEN 6 WHEN 'truncated' THEN 3 ELSE 0 END
+ CASE {row}.usage_source WHEN 'logged' THEN 2 WHEN 'estimated' THEN 1 ELSE 0 END
"""
_PAIR = f"""
SELECT n.request_id AS one, o.request_id AS other, {_WORTH.format(row="n")} AS one_worth,
       {_WORTH.format(row="o")} AS other_worth, ABS(COALESCE(n.started_at_us, 0) - COALESCE(o.started_at_us, 0)) AS gap
FROM request AS n JOIN request AS o ON
"""
_BOTH = "n.request_id >= $low AND o.request_id < n.request_id AND o.system <> n.system AND o.status = n.status"
_BY_ID = f"{_PAIR} o.response_id = n.response_id WHERE {_BOTH} ORDER BY gap, one, other"
_BY_MEASURE = f"""{_PAIR} o.price_model = n.price_model AND o.input_tokens = n.input_tokens
AND o.output_tokens = n.output_tokens
WHERE {_BOTH} AND o.source_id <> n.source_id AND n.status = 'billable'
AND (o.response_id IS NULL OR n.response_id IS NULL)
AND n.input_tokens + n.output_tokens > 0 AND o.usage_source = 'logged' AND n.usage_source = 'logged'
AND o.started_at_us >= n.started_at_us - $window AND o.started_at_us <= n.started_at_us + $window
ORDER BY gap, one, other
"""
# what one system knows about the caller, the other often does not
_INHERITED = (
    "user_id",
    "team",
    "feature",
    "environment",
    "prompt_template",
    "conversation_id",
    "outcome",
    "organization",
    "api_key_hash",
    "duration",
    "time_to_first_chunk",
    "started_at_us",
    "day",
    "logged_cost_pico",
    "service_tier",
)
_INHERIT = f"""
UPDATE request SET {", ".join(f"{name} = COALESCE(request.{name}, gone.{name})" for name in _INHERITED)},
    logged_cost_billed = CASE WHEN request.logged_cost_pico IS NULL THEN gone.logged_cost_billed
                              ELSE request.logged_cost_billed END,
    workflow_id = CASE WHEN request.feature IS NULL AND request.prompt_template IS NULL
                            AND (gone.feature IS NOT NULL OR gone.prompt_template IS NOT NULL)
                       THEN gone.workflow_id ELSE request.workflow_id END
FROM crossed JOIN request AS gone ON gone.request_id = crossed.loser
WHERE request.request_id = crossed.winner
"""
_REPORT = f"""
INSERT INTO duplicate_record
SELECT r.source_id, r.line, c.winner, '{REASON}' FROM crossed AS c JOIN request AS r ON r.request_id = c.loser
"""
_LOSERS = "SELECT r.source_id, COUNT(*) AS n FROM crossed AS c JOIN request AS r ON r.request_id = c.loser GROUP BY 1"
_TABLES = ("segment", "charge", "request")


def drop_cross_source(store: Store, low: int, files: Mapping[int, FileResult]) -> list[int]:
    """Drop the poorer record of each call that two systems logged, and return the ids of the ones that stayed.

    `low` is the first new request id.

    Records match by the provider's response id, and where one lacks it by model, token counts and time. The one with
    more text and usage stays and takes over what only the other knew about the caller. `files` are by source id.
    """
    if int(store.value("SELECT COUNT(DISTINCT system) FROM request") or 0) < 2:
        return []
    pairs = store.rows(_BY_ID, low=low) + store.rows(_BY_MEASURE, low=low, window=WINDOW_US)
    crossed = _matched(pairs)
    if not crossed:
        return []
    store.replace("crossed", pa.Table.from_pylist(crossed))
    store.run(_REPORT)
    for row in store.rows(_LOSERS):
        file = files.get(row["source_id"])
        if file is not None:
            file.duplicates[REASON] += row["n"]
            file.accepted -= row["n"]
    store.run(_INHERIT)
    for table in _TABLES:
        store.run(f"DELETE FROM {table} WHERE request_id IN (SELECT loser FROM crossed)")
    return [pair["winner"] for pair in crossed]


def _matched(pairs: list[dict[str, Any]]) -> list[dict[str, int]]:
    """Winner and loser of each pair, no record in two pairs as a loser, the closest in time first."""
    crossed: list[dict[str, int]] = []
    gone: set[int] = set()
    met: set[int] = set()
    for pair in pairs:
        one, other = pair["one"], pair["other"]
        if one in gone or other in gone or one in met or other in met:
            continue
        winner, loser = (one, other) if pair["one_worth"] > pair["other_worth"] else (other, one)
        gone.add(loser)
        met.add(winner)
        crossed.append({"winner": winner, "loser": loser})
    return crossed
