"""The stage `why`: the change of the bill between two periods, split into causes that add up exactly.

One factor after the other goes from its old value to its new one (sequential substitution, as in variance analysis):
days covered, users a day, tasks per user, attempts per task, mix of workflows and models, tokens per request, share
of input read from cache, and price, which is whatever remains. A workflow or model that did not exist before is mix.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Any

from audit.errors import ConfigError
from audit.figures import change as relative
from audit.figures import listing, money, signed_money
from audit.outcomes import outcomes
from audit.store import Store

EPOCH = date(1970, 1, 1)

_CELLS = """
WITH meters AS (
    SELECT c.request_id,
           SUM(CASE WHEN c.sku_meter = 'cache_read' THEN c.consumed_quantity ELSE 0 END) AS read,
           SUM(CASE WHEN c.sku_meter IN ('input', 'cache_write_5m', 'cache_write_1h') THEN c.consumed_quantity
                    ELSE 0 END) AS fresh,
           SUM(CASE WHEN c.sku_meter = 'output' THEN c.consumed_quantity ELSE 0 END) AS output,
           SUM(CASE WHEN c.sku_meter = 'cache_read' THEN COALESCE(c.cost_pico, 0) ELSE 0 END) AS read_cost,
           SUM(CASE WHEN c.sku_meter IN ('input', 'cache_write_5m', 'cache_write_1h') THEN COALESCE(c.cost_pico, 0)
                    ELSE 0 END) AS fresh_cost,
           SUM(CASE WHEN c.sku_meter = 'output' THEN COALESCE(c.cost_pico, 0) ELSE 0 END) AS output_cost,
           SUM(COALESCE(c.cost_pico, 0)) AS cost
    FROM charge AS c WHERE c.estimated = FALSE GROUP BY c.request_id
)
SELECT COALESCE(w.name, '(none)') AS workflow, COALESCE(r.response_model, r.request_model, 'unknown') AS model,
       COUNT(*) AS requests,
       CAST(SUM(COALESCE(m.read, 0)) AS DOUBLE) AS read, CAST(SUM(COALESCE(m.fresh, 0)) AS DOUBLE) AS fresh,
       CAST(SUM(COALESCE(m.output, 0)) AS DOUBLE) AS output,
       CAST(SUM(COALESCE(m.read_cost, 0)) AS DOUBLE) AS read_cost,
       CAST(SUM(COALESCE(m.fresh_cost, 0)) AS DOUBLE) AS fresh_cost,
       CAST(SUM(COALESCE(m.output_cost, 0)) AS DOUBLE) AS output_cost,
       CAST(SUM(COALESCE(m.cost, 0)) AS DECIMAL(38, 0)) AS cost
FROM request AS r
LEFT JOIN meters AS m ON m.request_id = r.request_id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
WHERE r.status = 'billable' AND r.day >= $first AND r.day <= $last
GROUP BY COALESCE(w.name, '(none)'), COALESCE(r.response_model, r.request_model, 'unknown')
ORDER BY workflow, model
"""

_ACTIVITY = """
WITH daily AS (
    SELECT day, COUNT(DISTINCT user_id) AS users, COUNT(*) AS requests,
           SUM(CASE WHEN user_id IS NULL THEN 1 ELSE 0 END) AS anonymous
    FROM request WHERE status = 'billable' AND day >= $first AND day <= $last GROUP BY day
)
SELECT COUNT(*) AS days, COALESCE(SUM(users), 0) AS user_days, COALESCE(SUM(requests), 0) AS requests,
       COALESCE(SUM(anonymous), 0) AS anonymous
FROM daily
"""

_TASKS = """
SELECT CAST(COALESCE(SUM(a.opens), 0) AS BIGINT) AS tasks
FROM task_attempt AS a JOIN request AS r ON r.request_id = a.request_id
WHERE r.status = 'billable' AND r.day >= $first AND r.day <= $last
"""

_MONTHS = "SELECT DISTINCT day FROM request WHERE status = 'billable' AND day IS NOT NULL ORDER BY day"


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `first` to `last`, both included, as numbers since 1970-01-01 (UTC)."""

    first: int
    last: int
    name: str


@dataclass(frozen=True, slots=True)
class Cause:
    """One factor of the change and what it did to the bill, in pico-USD."""

    name: str
    title: str
    pico: int


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A workflow's bill in both periods."""

    key: str
    before_pico: int
    after_pico: int


@dataclass(frozen=True, slots=True)
class Change:
    """The bill of two periods and the causes of the difference; `causes` add up to it exactly."""

    before: Period
    after: Period
    before_days: int
    after_days: int
    before_pico: int
    after_pico: int
    causes: tuple[Cause, ...]
    workflows: tuple[KeyChange, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class _Side:
    cells: dict[tuple[str, str], dict[str, Any]]
    days: int
    user_days: int
    tasks: int
    requests: int
    known_users: bool
    cost: int


def period(text: str) -> Period:
    """Read `YYYY-MM`, `YYYY-MM-DD` or `A..B` of those; ConfigError when it is none."""
    first, _, last = text.partition("..")
    start, end = _days(first), _days(last or first)
    if start[0] > end[1]:
        raise ConfigError(f"period {text!r} ends before it begins", "write the earlier date first")
    return Period(start[0], end[1], text)


def _days(text: str) -> tuple[int, int]:
    if match := re.fullmatch(r"(\d{4})-(\d{2})(?:-(\d{2}))?", text.strip()):
        year, month, one = int(match[1]), int(match[2]), match[3]
        try:
            first = date(year, month, int(one or 1))
            last = first if one else date(year, month, monthrange(year, month)[1])
        except ValueError as error:
            raise ConfigError(f"period {text!r}: {error}", "write YYYY-MM, YYYY-MM-DD or A..B") from error
        return (first - EPOCH).days, (last - EPOCH).days
    raise ConfigError(f"period {text!r} is not a date", "write YYYY-MM, YYYY-MM-DD or A..B")


def usual_periods(store: Store) -> tuple[Period, Period] | None:
    """The periods a reader would compare: the last two months with a week of data each, else the two halves.

    None when the log holds fewer than two days.
    """
    days = [row["day"] for row in store.rows(_MONTHS)]
    if len(days) < 2:
        return None
    months: dict[str, int] = {}
    for day in days:
        name = date.fromordinal(EPOCH.toordinal() + day).isoformat()[:7]
        months[name] = months.get(name, 0) + 1
    full = [name for name, covered in sorted(months.items()) if covered >= 7]
    if len(full) >= 2:
        return period(full[-2]), period(full[-1])
    middle = (days[0] + days[-1] + 1) // 2
    return Period(days[0], middle - 1, "first half"), Period(middle, days[-1], "second half")


def why(store: Store, before: Period, after: Period) -> Change:
    """Split the difference between two periods' bills into causes; ConfigError when a period holds nothing."""
    outcomes(store)
    sides = [_side(store, each) for each in (before, after)]
    for side, each in zip(sides, (before, after), strict=True):
        if not side.requests:
            raise ConfigError(f"no billable request in {each.name}", "see the period in `audit summary`")
    old, new = sides
    causes = _causes(old, new)
    workflows = _workflows(old, new)
    change = Change(before, after, old.days, new.days, old.cost, new.cost, causes, workflows, "")
    return Change(before, after, old.days, new.days, old.cost, new.cost, causes, workflows, _sentence(change))


def _side(store: Store, chosen: Period) -> _Side:
    values = {"first": chosen.first, "last": chosen.last}
    rows = store.rows(_CELLS, **values)
    activity = store.rows(_ACTIVITY, **values)[0]
    return _Side(
        cells={(row["workflow"], row["model"]): row for row in rows},
        days=int(activity["days"]),
        user_days=int(activity["user_days"]),
        tasks=max(1, int(store.value(_TASKS, **values))),
        requests=int(activity["requests"]),
        known_users=int(activity["anonymous"]) * 10 <= int(activity["requests"]) and int(activity["user_days"]) > 0,
        cost=sum(int(row["cost"]) for row in rows),
    )


def _causes(old: _Side, new: _Side) -> tuple[Cause, ...]:
    """Run the chain of substitutions; differences of rounded totals, so that they add up to the last pico-USD."""
    level = float(old.cost)
    chain: list[tuple[str, str, float]] = []
    level *= new.days / old.days
    chain.append(("days", "days covered", level))
    old_rate, new_rate = old.tasks / old.days, new.tasks / new.days
    if old.known_users and new.known_users:
        old_users, new_users = old.user_days / old.days, new.user_days / new.days
        level *= new_users / old_users
        chain.append(("users", "users a day", level))
        old_rate, new_rate = old_rate / old_users, new_rate / new_users
    level *= new_rate / old_rate
    chain.append(("requests", "tasks per user" if len(chain) == 2 else "requests a day", level))
    level *= (new.requests / new.tasks) / (old.requests / old.tasks)
    chain.append(("retries", "attempts per task", level))
    for name, title, values in (
        ("mix", "mix of workflows and models", (0, 0)),
        ("tokens", "tokens per request", (1, 0)),
        ("cache", "share of input read from cache", (1, 1)),
    ):
        chain.append((name, title, sum(_cell_cost(old, new, cell, *values) for cell in new.cells)))
    chain.append(("price", "price", float(new.cost)))
    totals = [old.cost, *(round(value) for _, _, value in chain[:-1]), new.cost]
    return tuple(Cause(name, title, totals[place + 1] - totals[place]) for place, (name, title, _) in enumerate(chain))


def _cell_cost(old: _Side, new: _Side, cell: tuple[str, str], new_tokens: int, new_cache: int) -> float:
    """Cost of a cell's new requests at old prices, with old or new tokens per request and cache share."""
    now = new.cells[cell]
    was = old.cells.get(cell)
    if was is None:
        return float(now["cost"])
    n = now["requests"]
    tokens = now if new_tokens else was
    cache = now if new_cache else was
    read_share = _ratio(cache["read"], cache["read"] + cache["fresh"])
    input_tokens = n * (tokens["read"] + tokens["fresh"]) / tokens["requests"]
    output_tokens = n * tokens["output"] / tokens["requests"]
    fresh_price = _ratio(was["fresh_cost"], was["fresh"]) or _ratio(now["fresh_cost"], now["fresh"])
    read_price = _ratio(was["read_cost"], was["read"]) or _ratio(now["read_cost"], now["read"])
    output_price = _ratio(was["output_cost"], was["output"]) or _ratio(now["output_cost"], now["output"])
    other = float(was["cost"]) - was["fresh_cost"] - was["read_cost"] - was["output_cost"]
    return float(
        input_tokens * ((1 - read_share) * fresh_price + read_share * read_price)
        + output_tokens * output_price
        + n * other / was["requests"]
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _workflows(old: _Side, new: _Side) -> tuple[KeyChange, ...]:
    names = sorted({workflow for workflow, _ in (*old.cells, *new.cells)})
    changes = [
        KeyChange(
            name,
            sum(int(row["cost"]) for (workflow, _), row in old.cells.items() if workflow == name),
            sum(int(row["cost"]) for (workflow, _), row in new.cells.items() if workflow == name),
        )
        for name in names
    ]
    return tuple(sorted(changes, key=lambda change: (-abs(change.after_pico - change.before_pico), change.key)))


def _sentence(change: Change) -> str:
    """The change in one sentence: by how much, the causes that did most of it, the workflows it happened in."""
    difference = change.after_pico - change.before_pico
    grew = difference > 0
    moved = [cause for cause in change.causes if (cause.pico > 0) == grew and abs(cause.pico) * 10 >= abs(difference)]
    moved.sort(key=lambda cause: -abs(cause.pico))
    causes = listing([f"{cause.title} ({signed_money(cause.pico)})" for cause in moved[:4]])
    named = [row for row in change.workflows if (row.after_pico > row.before_pico) == grew][:3]
    workflows = listing([f"{row.key} ({signed_money(row.after_pico - row.before_pico)})" for row in named])
    text = (
        f"From {change.before.name} to {change.after.name} the bill {'rose' if grew else 'fell'} from "
        f"{money(change.before_pico)} to {money(change.after_pico)} ({relative(difference, change.before_pico)})"
    )
    if causes:
        text += f", by {causes}"
    if workflows:
        text += f"; most of it in {workflows}"
    if change.before_days != change.after_days:
        text += f" ({change.before_days} and {change.after_days} days of log)"
    return text + "."
