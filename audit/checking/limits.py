"""`[budgets]` of `audit.toml` as a list of limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from audit.errors import ConfigError

QUANTITIES = {
    "total_usd": "spend of the period",
    "day_usd": "spend of a day",
    "month_usd": "spend of a month",
    "request_usd": "mean cost of a request",
    "per_success_usd": "cost per successful task",
    "error_share": "share of failed calls",
    "unpriced_share": "share of requests without a price",
    "requests_per_minute": "requests in a minute",
    "tokens_per_minute": "tokens in a minute",
    "rise": "rise of daily spend",
}
"""What can be limited; shares and the rise are 0…1 and up, `rise = 0.5` allows half as much again."""
SCOPES = ("workflow", "team", "feature", "environment", "model", "user")
_TOTAL_ONLY = ("rise",)


@dataclass(frozen=True, slots=True)
class Limit:
    """One upper bound on a quantity of everything (`scope` is empty) or of one workflow, team, model, …"""

    quantity: str
    bound: float
    scope: str = ""
    name: str = ""


_MOST = 1e15


def limits(budgets: Mapping[str, Any], where: str = "[budgets]") -> tuple[Limit, ...]:
    """Read the limits; ConfigError for unknown quantities or scopes (naming the nearest) and for what is no number.

    `month_usd = 900` limits everything, `[budgets.workflow."faq"] day_usd = 5` one workflow; a bare number under a
    scope, `[budgets.team] support = 300`, is its month.
    """
    return tuple(_read(budgets, where))


def _read(budgets: Mapping[str, Any], where: str) -> Iterator[Limit]:
    for key, value in budgets.items():
        if key in QUANTITIES:
            yield Limit(key, _bound(value, f"{where} {key}"))
        elif key in SCOPES and isinstance(value, Mapping):
            for name, inner in value.items():
                yield from _scoped(key, str(name), inner, f"{where[:-1]}.{key}]")
        else:
            raise _unknown(key, (*QUANTITIES, *SCOPES), where)


def _scoped(scope: str, name: str, value: Any, where: str) -> Iterator[Limit]:
    if not isinstance(value, Mapping):
        yield Limit("month_usd", _bound(value, f"{where} {name}"), scope, name)
        return
    for key, inner in value.items():
        if key not in QUANTITIES or key in _TOTAL_ONLY:
            raise _unknown(key, [each for each in QUANTITIES if each not in _TOTAL_ONLY], f"{where} {name}")
        yield Limit(key, _bound(inner, f"{where} {name} {key}"), scope, name)


def _bound(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MOST:
        raise ConfigError(f"{where}: {value!r} is not a number of 0 or more", "see docs/configuration.md")
    return float(value)


def _unknown(key: str, known: Any, where: str) -> ConfigError:
    near = get_close_matches(key, known, n=1, cutoff=0.0)
    return ConfigError(f"{where}: unknown key {key!r}", f"did you mean {near[0]!r}?" if near else None)
