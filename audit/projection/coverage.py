"""What a log cannot show: the dollars each lever cannot be measured on, what would change that, and how many days say.

A lever that needs the text of a request says nothing of requests without it, though it may work on all the others. Here
the spend of those requests is added up per lever, with the setting of each gateway or tracer that would log them whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.config import Config
from audit.levers import Lever
from audit.matching import looked_for
from audit.projection.bench import settings_of
from audit.projection.blocks import FEWEST_BLOCKS
from audit.projection.needs import missing_need, readers_in_use
from audit.projection.projection import configured_levers, only_estimates
from audit.projection.savings import Savings
from audit.store import Store

RELIABLE_DAYS = 14
"""Fewest days of log that carry bounds and month figures: two of every weekday."""

_GROUPS = """
SELECT r.reader, r.operation_name,
       CASE WHEN r.prompt_key IS NULL THEN 1 ELSE 0 END AS text,
       CASE WHEN r.started_at_us IS NULL THEN 1 ELSE 0 END AS time,
       CASE WHEN r.usage_source = 'logged' THEN 0 ELSE 1 END AS usage,
       CASE WHEN COALESCE(c.unpriced, 1) = 1 THEN 1 ELSE 0 END AS cost,
       CASE WHEN r.cache_read_input_tokens IS NULL THEN 1 ELSE 0 END AS cache_tokens,
       CASE WHEN r.user_id IS NULL AND r.team IS NULL AND r.feature IS NULL THEN 1 ELSE 0 END AS user,
       CASE WHEN r.duration IS NULL THEN 1 ELSE 0 END AS latency,
       COUNT(*) AS requests,
       CAST(SUM(COALESCE(c.cost_pico, 0) + COALESCE(c.estimated_cost_pico, 0)) AS DECIMAL(38, 0)) AS pico
FROM request AS r LEFT JOIN request_cost AS c ON c.request_id = r.request_id
WHERE r.status = 'billable'
GROUP BY r.reader, r.operation_name, text, time, usage, cost, cache_tokens, user, latency
"""
_DAYS = "SELECT COUNT(DISTINCT day) FROM request WHERE status = 'billable' AND day IS NOT NULL"

FIELDS: Mapping[str, str] = {
    "text": "prompts and answers",
    "time": "time of the request",
    "usage": "token counts of the provider",
    "cost": "a price",
    "cache_tokens": "tokens read from the provider's cache",
    "user": "user, team or feature",
    "latency": "duration",
}
"""What a request can lack, in the order it is listed."""

# readers name the settings of their system under fewer words than a request can lack
_SETTING_OF: Mapping[str, tuple[str, ...]] = {"time": ("time", "latency"), "usage": ("usage", "cache_tokens")}
_PRICE = "state it with [[contract]], or map the name with [aliases], in audit.toml"

_STATEMENTS: tuple[tuple[str, int], ...] = (
    ("spend, prices and levers of class A", 1),
    ("why the bill changed, half against half (`audit why`)", 2),
    ("intervals from whole days", FEWEST_BLOCKS),
    ("a day that stands out (`audit check`)", 7),
    ("month figures and intervals to rely on", RELIABLE_DAYS),
)


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A lever and the requests it cannot be measured on: `reasons` are fields they lack, or the lever's own words.

    `pico` is their spend, estimates included, `unpriced` how many of them have none that is known.
    """

    name: str
    title: str
    reasons: tuple[str, ...]
    requests: int
    pico: int
    unpriced: int
    blocked: str | None = None

    @property
    def why(self) -> str:
        """The reason in words."""
        return self.blocked or "without " + " or ".join(FIELDS[each] for each in self.reasons)


@dataclass(frozen=True, slots=True)
class Lacking:
    """A field that requests of one format lack, their spend, and the setting that logs it ('' = none is known)."""

    field: str
    reader: str
    title: str
    requests: int
    pico: int
    unpriced: int
    unlock: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What can be said from so many days of log on."""

    title: str
    days: int
    enough: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """What this log can and cannot show; `days` are days with billable requests."""

    requests: int
    pico: int
    unpriced: int
    days: int
    levers: tuple[Unmeasured, ...]
    lacking: tuple[Lacking, ...]
    statements: tuple[Statement, ...]

    @property
    def grouped(self) -> list[tuple[Unmeasured, ...]]:
        """Levers that miss the same requests for the same reason together, dearest first."""
        groups: dict[tuple[str, int, int], list[Unmeasured]] = {}
        for each in self.levers:
            groups.setdefault((each.why, each.requests, each.pico), []).append(each)
        return [tuple(group) for group in groups.values()]

    @property
    def days_sentence(self) -> str:
        """Which statements the days of this log are too few for."""
        waiting = "; ".join(f"{each.title} (from {each.days})" for each in self.statements if not each.enough)
        days = f"{self.days} {'day' if self.days == 1 else 'days'} of log"
        return f"{days}, too few for: {waiting}." if waiting else f"{days}, enough for every statement of the report."


def coverage(store: Store, config: Config, savings: Savings | None = None) -> Coverage:
    """Add up what each lever can't be measured on; a few sums over the log, no simulation.

    `savings` of a projection spares asking the levers again why they are blocked.
    """
    said = {row.name: row.blocked for row in (*savings.levers, *savings.scenarios)} if savings else None
    groups = store.rows(_GROUPS)
    days = int(store.value(_DAYS) or 0)
    levers = configured_levers(config)
    settings = settings_of(levers, dict(config.levers))
    # a log without any usage is simulated on its estimates, so there they are no gap
    estimates = only_estimates(store)
    found = []
    for lever in levers:
        if said is None and lever.compares and not looked_for(store):
            continue  # not a gap of the log: the projection, which knows, finds out first
        # what a whole log lacks is said by the fields; the lever's own reason is asked where they are there
        blocked = None
        if not missing_need(store, lever):
            own = lever.blocked(store, settings[lever.name]) if said is None and lever.blocked else None
            blocked = own if said is None else said.get(lever.name)
        found.append(_unmeasured(lever, blocked, groups, estimates))
    return Coverage(
        requests=_requests(groups),
        pico=_pico(groups),
        unpriced=_unpriced(groups),
        days=days,
        levers=tuple(sorted((each for each in found if each.requests), key=lambda each: -each.pico)),
        lacking=tuple(_lacking(groups)),
        statements=tuple(Statement(title, least, days >= least) for title, least in _STATEMENTS),
    )


def _unmeasured(lever: Lever, blocked: str | None, groups: Sequence[Mapping[str, Any]], estimates: bool) -> Unmeasured:
    """The requests one lever says nothing of: those without a field it needs, or all when it is blocked."""
    needed: list[str] = [need for need in ("text", "time") if need in lever.needs]
    # levers rewrite priced charges of logged usage, whatever else they look at
    needed += ["cost"] if estimates else ["usage", "cost"]
    concerned = [row for row in groups if lever.operation in (None, row["operation_name"])]
    missing = [row for row in concerned if any(row[need] for need in needed)]
    reasons = tuple(need for need in needed if any(row[need] for row in missing))
    out = concerned if blocked else missing
    return Unmeasured(lever.name, lever.title, reasons, _requests(out), _pico(out), _unpriced(out), blocked)


def _lacking(groups: Sequence[Mapping[str, Any]]) -> list[Lacking]:
    readers = {reader.name: reader for reader in readers_in_use({row["reader"] for row in groups})}
    found = []
    for field in FIELDS:
        for name in sorted({row["reader"] or "" for row in groups}):
            rows = [row for row in groups if (row["reader"] or "") == name and row[field]]
            if not rows:
                continue
            reader = readers.get(name)
            unlock = (reader.unlock or {}) if reader else {}
            known = (unlock[word] for word in _SETTING_OF.get(field, (field,)) if word in unlock)
            setting = next(known, _PRICE if field == "cost" else "")
            title = reader.title if reader else name
            found.append(Lacking(field, name, title, _requests(rows), _pico(rows), _unpriced(rows), setting))
    return found


def _pico(groups: Sequence[Mapping[str, Any]]) -> int:
    return sum(int(row["pico"]) for row in groups)


def _requests(groups: Sequence[Mapping[str, Any]]) -> int:
    return sum(row["requests"] for row in groups)


def _unpriced(groups: Sequence[Mapping[str, Any]]) -> int:
    return _requests([row for row in groups if row["cost"]])
