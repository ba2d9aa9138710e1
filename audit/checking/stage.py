"""The stage itself: limits against what the audit file holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

from audit.checking.anomalies import Anomaly, anomalies
from audit.checking.limits import QUANTITIES, Limit
from audit.errors import ConfigError
from audit.figures import count, money, share, tokens
from audit.figures import day as named
from audit.outcomes import outcomes
from audit.store import Store

_EPOCH = date(1970, 1, 1).toordinal()
_PICO = 1_000_000_000_000
_KEYS = {
    "": "''",
    "workflow": "COALESCE(w.name, '(none)')",
    "team": "COALESCE(r.team, '')",
    "feature": "COALESCE(r.feature, '')",
    "environment": "COALESCE(r.environment, '')",
    "model": "COALESCE(r.response_model, r.request_model, 'unknown')",
    "user": "COALESCE(r.user_id, '')",
}
_DAILY = """
SELECT r.day, SUM(CASE WHEN r.status = 'billable' THEN 1 ELSE 0 END) AS requests,
       SUM(CASE WHEN r.status = 'failed' THEN 1 ELSE 0 END) AS failed,
       SUM(CASE WHEN r.status = 'billable' THEN COALESCE(c.unpriced, 0) ELSE 0 END) AS unpriced,
       CAST(SUM(CASE WHEN r.status = 'billable'
                     THEN COALESCE(c.cost_pico, 0) + COALESCE(c.estimated_cost_pico, 0) ELSE 0 END) AS DECIMAL(38, 0))
           AS cost
FROM request AS r
LEFT JOIN request_cost AS c ON c.request_id = r.request_id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
WHERE r.status IN ('billable', 'failed') AND {key} = $name GROUP BY r.day ORDER BY r.day
"""
_SUCCESSES = """
SELECT CAST(COALESCE(SUM(t.success), 0) AS BIGINT)
FROM task AS t JOIN request AS r ON r.request_id = t.request_id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
WHERE {key} = $name AND (r.day >= $since OR $everything)
"""
_BUSIEST = """
WITH minutes AS (
    SELECT r.started_at_us - r.started_at_us % 60000000 AS minute_us, COUNT(*) AS requests,
           SUM(COALESCE(r.input_tokens, 0) + COALESCE(r.output_tokens, 0)) AS tokens
    FROM request AS r LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
    WHERE r.status IN ('billable', 'failed') AND r.started_at_us IS NOT NULL AND {key} = $name
      AND (r.day >= $since OR $everything)
    GROUP BY r.started_at_us - r.started_at_us % 60000000
)
SELECT CAST(COALESCE(MAX(requests), 0) AS BIGINT) AS requests, CAST(COALESCE(MAX(tokens), 0) AS BIGINT) AS tokens
FROM minutes
"""
_NAMES = """
SELECT DISTINCT {key} AS name FROM request AS r LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
WHERE r.status IN ('billable', 'failed')
"""
_LAST = "SELECT MAX(day) FROM request WHERE status IN ('billable', 'failed')"


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that does not hold: what was found, when (a day, a month, or empty), and the reason in words."""

    limit: Limit
    actual: float
    when: str
    reason: str


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome: how many limits were checked, which do not hold, where daily spend left its level, and names in the
    limits that nothing in the log has (each with the nearest one)."""

    since: int | None
    checked: int
    breaches: tuple[Breach, ...]
    anomalies: tuple[Anomaly, ...]
    unknown: tuple[tuple[Limit, str], ...]
    unpriced: int


def checking(store: Store, wanted: Sequence[Limit], *, since: str | None = None) -> Check:
    """Compare spend, errors and rates with the limits; `since` (YYYY-MM-DD, or `7d` = the log's last seven days) leaves
    earlier days out, except that a month counts as a whole."""
    first = _since(store, since)
    everything = _Frame(store, "", "", first)
    found = tuple(each for each in anomalies(store) if first is None or each.day >= first)
    breaches: list[Breach] = []
    unknown: list[tuple[Limit, str]] = []
    frames: dict[tuple[str, str], _Frame] = {}
    for limit in wanted:
        frame = frames.setdefault((limit.scope, limit.name), _Frame(store, limit.scope, limit.name, first))
        if limit.scope and not frame.rows:
            unknown.append((limit, _nearest(store, limit)))
        elif limit.quantity == "rise":
            breaches.extend(_rises(limit, found))
        else:
            breaches.extend(_over(limit, frame))
    return Check(first, len(wanted), tuple(breaches), found, tuple(unknown), everything.sum("unpriced"))


class _Frame:
    """The days of one scope."""

    def __init__(self, store: Store, scope: str, name: str, since: int | None) -> None:
        self._store, self._key, self.name, self.since = store, _KEYS[scope], name, since
        self.all_rows = store.rows(_DAILY.format(key=self._key), name=name)
        self.rows = [row for row in self.all_rows if since is None or (row["day"] is not None and row["day"] >= since)]

    def sum(self, column: str) -> int:
        return sum(int(row[column]) for row in self.rows)

    def months(self) -> dict[str, int]:
        """Spend by calendar month (UTC), of months that reach into the period."""
        spent: dict[str, int] = {}
        for row in self.all_rows:
            if row["day"] is not None:
                month = named(row["day"])[:7]
                spent[month] = spent.get(month, 0) + int(row["cost"])
        shown = {named(row["day"])[:7] for row in self.rows if row["day"] is not None}
        return {month: cost for month, cost in spent.items() if month in shown}

    def successes(self) -> int:
        outcomes(self._store)
        return int(self._store.value(_SUCCESSES.format(key=self._key), **self._values))

    def busiest(self) -> dict[str, Any]:
        return self._store.rows(_BUSIEST.format(key=self._key), **self._values)[0]

    @property
    def _values(self) -> dict[str, Any]:
        return {"name": self.name, "since": self.since or 0, "everything": self.since is None}


def _since(store: Store, text: str | None) -> int | None:
    if text is None:
        return None
    last = store.value(_LAST)
    if match := re.fullmatch(r"(\d+)d", text.strip()):
        return None if last is None else int(last) - int(match[1]) + 1
    try:
        return date.fromisoformat(text.strip()).toordinal() - _EPOCH
    except ValueError as error:
        raise ConfigError(f"--since {text!r} is neither a date nor a number of days", "2026-11-01, or 7d") from error


def _nearest(store: Store, limit: Limit) -> str:
    names = [row["name"] for row in store.rows(_NAMES.format(key=_KEYS[limit.scope])) if row["name"]]
    return next(iter(get_close_matches(limit.name, names, n=1)), "")


def _rises(limit: Limit, found: Sequence[Anomaly]) -> Iterator[Breach]:
    for each in found:
        if each.rise > limit.bound:
            yield Breach(limit, each.rise, named(each.day), each.sentence)


def _over(limit: Limit, frame: _Frame) -> Iterator[Breach]:
    for actual, when in _measured(limit.quantity, frame):
        if actual > limit.bound:
            yield Breach(limit, actual, when, _reason(limit, actual, when))


def _measured(quantity: str, frame: _Frame) -> Iterator[tuple[float, str]]:
    """Values of a quantity, each with the day or month it is of."""
    spent, calls = frame.sum("cost") / _PICO, frame.sum("requests")
    if quantity == "day_usd":
        yield from ((int(row["cost"]) / _PICO, named(row["day"])) for row in frame.rows)
    elif quantity == "month_usd":
        yield from ((cost / _PICO, month) for month, cost in frame.months().items())
    elif quantity == "total_usd":
        yield spent, ""
    elif quantity == "per_success_usd":
        successes = frame.successes()
        yield (spent / successes if successes else float("inf") if spent else 0.0), ""
    elif quantity.endswith("_per_minute"):
        yield float(frame.busiest()[quantity.removesuffix("_per_minute")]), ""
    elif quantity == "error_share":
        yield _ratio(frame.sum("failed"), calls + frame.sum("failed")), ""
    else:
        yield (_ratio(spent, calls) if quantity == "request_usd" else _ratio(frame.sum("unpriced"), calls)), ""


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _reason(limit: Limit, actual: float, when: str) -> str:
    who = f"{limit.scope} {limit.name}: " if limit.scope else ""
    place = f" ({when})" if when else ""
    return (
        f"{who}{QUANTITIES[limit.quantity]}{place} is {_written(limit, actual)}, limit {_written(limit, limit.bound)}"
    )


def _written(limit: Limit, value: float) -> str:
    if limit.quantity.endswith("_usd"):
        return "infinite" if value == float("inf") else money(value * _PICO)
    if limit.quantity.endswith("_share"):
        return share(value)
    return tokens(value) if limit.quantity == "tokens_per_minute" else count(value)
