"""What only the whole log tells: moments that can't be, the unit of a gateway's costs, how much of that there is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from audit.ingest.request import DAY_US
from audit.ingest.result import FileResult
from audit.store import Store

IMPLAUSIBLE_TIME = "implausible_time"
UNIT_UNKNOWN = "cost_unit_unknown"
_AHEAD_US = 2 * DAY_US
"""How far a clock may run ahead of this one."""
_UNITS = (("cost_unit_dollars", 1, 0.2, 5.0), ("cost_unit_cents", 100, 20.0, 500.0))
"""Flag, units in a dollar, and between which ratios to the price table a cost is in that unit."""
_AGREEING = (0.1, 0.9)
"""Between these quantiles the ratios of one export have to name the same unit."""

_TIMES = """
SELECT COUNT(started_at_us) AS timed, SUM(CASE WHEN started_at_us > $latest THEN 1 ELSE 0 END) AS late FROM request
"""
_UNDATE = """
UPDATE request SET started_at_us = NULL, day = NULL,
    flags = CASE WHEN flags IS NULL THEN '["' || $flag || '"]'
                 ELSE SUBSTR(flags, 1, LENGTH(flags) - 1) || ',"' || $flag || '"]' END
WHERE started_at_us > $latest
"""
_WITHOUT_UNIT = """
SELECT r.request_id, r.source_id, r.tags, c.cost_pico, COALESCE(c.unpriced, 1) AS unpriced
FROM request AS r LEFT JOIN request_cost AS c ON c.request_id = r.request_id
WHERE r.system = 'portkey' AND r.logged_cost_pico IS NULL AND r.flags LIKE '%' || $flag || '%'
"""
_WITH_UNIT = """
UPDATE request SET logged_cost_pico = u.logged_cost_pico, flags = REPLACE(flags, $flag, u.flag)
FROM unit_known AS u WHERE u.request_id = request.request_id
"""
_DOUBTS = """
SELECT source_id,
       SUM(CASE WHEN started_at_us IS NULL AND flags LIKE '%' || $flag || '%' THEN 1 ELSE 0 END) AS undated,
       SUM(CASE WHEN status = 'billable' AND request_model IS NULL AND response_model IS NULL THEN 1 ELSE 0 END)
           AS nameless,
       SUM(CASE WHEN flags LIKE '%"implausible_%tokens"%' OR flags LIKE '%"implausible_usage"%'
                     OR flags LIKE '%"cached_exceeds_input"%' OR flags LIKE '%"implausible_cost"%'
                THEN 1 ELSE 0 END) AS doubtful
FROM request GROUP BY source_id
"""


def forget_future(store: Store, now_us: int | None = None) -> None:
    """Take the time off calls that the future made, where they are the smaller part of the log.

    They stay, flagged, and are counted in all totals; a log that lies in the future as a whole has another clock.
    """
    latest = (time.time_ns() // 1000 if now_us is None else now_us) + _AHEAD_US
    (found,) = store.rows(_TIMES, latest=latest)
    if found["late"] and 2 * found["late"] < found["timed"]:
        store.run(_UNDATE, latest=latest, flag=IMPLAUSIBLE_TIME)


def learn_units(store: Store) -> list[int]:
    """Give costs of no known unit the one that agrees with the price table, export by export.

    Where no call has a price, or prices disagree about the unit, the costs stay out. Returns the calls whose tokens
    have no price and whose cost is known now.
    """
    rows = store.rows(_WITHOUT_UNIT, flag=UNIT_UNKNOWN)
    by_source: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        row["cost"] = _in_dollars_or_cents(row["tags"])
        if row["cost"] is not None:
            by_source.setdefault(row["source_id"], []).append(row)
    ids, costs, flags, unpriced = [], [], [], []
    for members in by_source.values():
        unit = _unit(members)
        if unit is None:
            continue
        flag, in_a_dollar = unit
        for row in members:
            ids.append(row["request_id"])
            costs.append(round(row["cost"] / in_a_dollar * 1e12))
            flags.append(flag)
            if row["unpriced"]:
                unpriced.append(row["request_id"])
    if ids:
        columns = {"request_id": pa.array(ids, pa.int64()), "logged_cost_pico": pa.array(costs, pa.int64())}
        store.replace("unit_known", pa.table({**columns, "flag": pa.array(flags, pa.string())}))
        store.run(_WITH_UNIT, flag=UNIT_UNKNOWN)
        store.run("DROP TABLE unit_known")
    return unpriced


def _in_dollars_or_cents(tags: str | None) -> float | None:
    found = json.loads(tags or "{}")
    cost, currency = found.get("cost"), str(found.get("cost_currency") or "unknown").upper()
    return float(cost) if isinstance(cost, int | float) and cost > 0 and currency in ("USD", "UNKNOWN") else None


def _unit(members: list[dict[str, Any]]) -> tuple[str, int] | None:
    priced = [row for row in members if row["cost_pico"] and not row["unpriced"]]
    ratios = [row["cost"] * 1e12 / float(row["cost_pico"]) for row in priced]
    if not ratios:
        return None
    low, high = np.quantile(ratios, _AGREEING)
    return next(((flag, size) for flag, size, least, most in _UNITS if least <= low and high <= most), None)


def count_doubts(store: Store, results: Iterable[FileResult]) -> None:
    """Note for each input how many of its calls have no believable time, name no model, or count what can't be."""
    found = {row["source_id"]: row for row in store.rows(_DOUBTS, flag=IMPLAUSIBLE_TIME)}
    for each in results:
        row = found.get(each.source_id)
        if row is not None and not each.known:
            each.implausible_times, each.nameless = int(row["undated"]), int(row["nameless"])
            each.doubtful_usage = int(row["doubtful"])
