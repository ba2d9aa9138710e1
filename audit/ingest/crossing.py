"""One call seen by several systems, a gateway and a provider-side log say, counts once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
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
SELECT n.request_id AS one, o.request_id AS other, n.system AS one_system, o.system AS other_system,
       {_WORTH.format(row="n")} AS one_worth, {_WORTH.format(row="o")} AS other_worth,
       ABS(COALESCE(n.started_at_us, 0) - COALESCE(o.started_at_us, 0)) AS gap
FROM request AS n JOIN request AS o ON
"""
_BOTH = "n.request_id >= $low AND o.request_id < n.request_id AND o.system <> n.system AND o.status = n.status"
_NEAR = "o.started_at_us >= n.started_at_us - $window AND o.started_at_us <= n.started_at_us + $window"
_BY_ID = f"{_PAIR} o.response_id = n.response_id WHERE {_BOTH} ORDER BY gap, one, other"
# a model without a price is known by its name alone, after the last of the prefixes that gateways put before it
_NAMED = """COALESCE({row}.price_model,
    REGEXP_REPLACE(LOWER(COALESCE({row}.response_model, {row}.request_model)), '^.*/', ''))"""
# chatcmpl-…, msg_…, gen-…: a gateway that speaks another provider's dialect makes up ids of its own
_MAKER = "REGEXP_EXTRACT({row}.response_id, '^[A-Za-z]+[-_]')"
_BY_MEASURE = f"""{_PAIR} {_NAMED.format(row="o")} = {_NAMED.format(row="n")} AND o.input_tokens = n.input_tokens
AND o.output_tokens = n.output_tokens
WHERE {_BOTH} AND o.source_id <> n.source_id AND n.status = 'billable'
AND (o.response_id IS NULL OR n.response_id IS NULL OR {_MAKER.format(row="o")} <> {_MAKER.format(row="n")})
AND n.input_tokens + n.output_tokens > 0 AND o.usage_source = 'logged' AND n.usage_source = 'logged'
AND {_NEAR} ORDER BY gap, one, other
"""
_FAILED = f"""{_PAIR} {_NAMED.format(row="o")} = {_NAMED.format(row="n")}
WHERE {_BOTH} AND o.source_id <> n.source_id AND n.status = 'failed' AND {_NEAR} ORDER BY gap, one, other
"""
# what one system knows about the caller, the other often does not
_INHERITED = (
    "response_id",
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
    """Drop the poorer records of each call that several systems logged, and return the ids of the ones that stayed.

    `low` is the first new request id.

    Records match by the provider's response id, and where one lacks it, or a gateway gave its own, by model, token
    counts and time; failures by model and time, if the two systems saw other calls together. The one with more text and
    usage stays and takes over what only the others knew about the caller. `files` are by source id.
    """
    if int(store.value("SELECT COUNT(DISTINCT system) FROM request") or 0) < 2:
        return []
    pairs = store.rows(_BY_ID, low=low) + store.rows(_BY_MEASURE, low=low, window=WINDOW_US)
    # a failure has neither id nor tokens: only systems known to see the same traffic can have seen the same one
    alike = {frozenset((pair["one_system"], pair["other_system"])) for pair in pairs}
    failed = store.rows(_FAILED, low=low, window=WINDOW_US) if alike else []
    crossed = _matched(pairs + [pair for pair in failed if {pair["one_system"], pair["other_system"]} in alike])
    if not crossed:
        return []
    _inherit(store, crossed)
    store.replace("crossed", pa.Table.from_pylist(crossed))
    store.run(_REPORT)
    for row in store.rows(_LOSERS):
        file = files.get(row["source_id"])
        if file is not None:
            file.duplicates[REASON] += row["n"]
            file.accepted -= row["n"]
    for table in _TABLES:
        store.run(f"DELETE FROM {table} WHERE request_id IN (SELECT loser FROM crossed)")
    return sorted({pair["winner"] for pair in crossed})


def _inherit(store: Store, crossed: list[dict[str, int]]) -> None:
    """Let each winner take over what it lacks, from the best of its losers first."""
    rounds: list[list[dict[str, int]]] = []
    seen: Counter[int] = Counter()
    for pair in crossed:
        if seen[pair["winner"]] == len(rounds):
            rounds.append([])
        rounds[seen[pair["winner"]]].append(pair)
        seen[pair["winner"]] += 1
    for pairs in rounds:
        store.replace("crossed", pa.Table.from_pylist(pairs))
        store.run(_INHERIT)


@dataclass(slots=True)
class _Views:
    """Records of one call: their worth by request id, and the systems that wrote them."""

    worth: dict[int, int]
    systems: set[str]


def _matched(pairs: list[dict[str, Any]]) -> list[dict[str, int]]:
    """Winner and loser of each record that goes: pairs join, the surest first, while no system saw a call twice."""
    calls: dict[int, _Views] = {}
    for pair in pairs:
        one = calls.setdefault(pair["one"], _Views({pair["one"]: pair["one_worth"]}, {pair["one_system"]}))
        other = calls.setdefault(pair["other"], _Views({pair["other"]: pair["other_worth"]}, {pair["other_system"]}))
        if one is other or one.systems & other.systems:
            continue
        one.worth.update(other.worth)
        one.systems |= other.systems
        for request in other.worth:
            calls[request] = one
    crossed: list[dict[str, int]] = []
    for views in {id(each): each for each in calls.values()}.values():
        winner, *losers = sorted(views.worth, key=lambda request: (-views.worth[request], request))
        crossed.extend({"winner": winner, "loser": loser} for loser in losers)
    return crossed
