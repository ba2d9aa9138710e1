"""The stage `why`: the change of the bill between two periods, split into causes that add up exactly.

One factor after the other goes from its old value to its new one (sequential substitution, as in variance analysis):
days covered, users a day, tasks per user, attempts per task, mix of workflows and models, tokens per request, share
of input read from cache, share and kind of cache writes, tool calls and media, service tier and length steps of the
price list, and price, which is whatever remains. A workflow or model that did not exist before is mix.
"""

from __future__ import annotations

from dataclasses import dataclass

from audit.errors import ConfigError
from audit.figures import change as relative
from audit.figures import listing, money, signed_money
from audit.outcomes import outcomes
from audit.store import Store
from audit.why.periods import Period
from audit.why.sides import Side, side
from audit.why.substitution import Now, substituted

_STEPS: tuple[tuple[str, str, Now], ...] = (
    ("mix", "mix of workflows and models", Now()),
    ("tokens", "tokens per request", Now(tokens=True)),
    ("cache", "share of input read from cache", Now(tokens=True, reading=True)),
    ("cache_writes", "share and kind of cache writes", Now(tokens=True, reading=True, writing=True)),
    ("extras", "tool calls, images and audio per request", Now(tokens=True, reading=True, writing=True, extras=True)),
    (
        "tier",
        "service tier and length steps of prices",
        Now(tokens=True, reading=True, writing=True, extras=True, tier=True),
    ),
)


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


def why(store: Store, before: Period, after: Period) -> Change:
    """Split the difference between two periods' bills into causes; ConfigError when a period holds nothing."""
    outcomes(store)
    sides = [side(store, each) for each in (before, after)]
    for one, each in zip(sides, (before, after), strict=True):
        if not one.requests:
            raise ConfigError(f"no billable request in {each.name}", "see the period in `audit summary`")
    old, new = sides
    causes = _causes(old, new)
    workflows = _workflows(old, new)
    change = Change(before, after, old.days, new.days, old.cost, new.cost, causes, workflows, "")
    return Change(before, after, old.days, new.days, old.cost, new.cost, causes, workflows, _sentence(change))


def _causes(old: Side, new: Side) -> tuple[Cause, ...]:
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
    for name, title, done in _STEPS:
        chain.append((name, title, sum(substituted(old.cells.get(key), cell, done) for key, cell in new.cells.items())))
    chain.append(("price", "price", float(new.cost)))
    totals = [old.cost, *(round(value) for _, _, value in chain[:-1]), new.cost]
    return tuple(Cause(name, title, totals[place + 1] - totals[place]) for place, (name, title, _) in enumerate(chain))


def _workflows(old: Side, new: Side) -> tuple[KeyChange, ...]:
    names = sorted({workflow for workflow, _ in (*old.cells, *new.cells)})
    changes = [
        KeyChange(
            name,
            sum(cell.total for (workflow, _), cell in old.cells.items() if workflow == name),
            sum(cell.total for (workflow, _), cell in new.cells.items() if workflow == name),
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
    periods = f"From {change.before.name} to {change.after.name}"
    if money(change.before_pico) == money(change.after_pico):
        return f"{periods} the bill stayed at {money(change.after_pico)}{_unequal(change)}."
    text = (
        f"{periods} the bill {'rose' if grew else 'fell'} from "
        f"{money(change.before_pico)} to {money(change.after_pico)} ({relative(difference, change.before_pico)})"
    )
    if causes:
        text += f", by {causes}"
    if workflows:
        text += f"; most of it in {workflows}"
    return f"{text}{_unequal(change)}."


def _unequal(change: Change) -> str:
    """The days of both periods, where they are not as many."""
    if change.before_days == change.after_days:
        return ""
    return f" ({change.before_days} and {change.after_days} days of log)"
