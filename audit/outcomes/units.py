"""What a unit of business costs in all: models, the cost lines a log can't hold, cleaning up after failures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from audit.config import Config, CostConfig
from audit.errors import ConfigError
from audit.outcomes.tasks import Outcomes, outcomes
from audit.period import covered_days
from audit.store import Store

_PICO = 1_000_000_000_000
_SCOPES = {"workflows": "COALESCE(w.name, '(none)')", "teams": "COALESCE(r.team, '')",
           "features": "COALESCE(r.feature, '')", "environments": "COALESCE(r.environment, '')"}  # fmt: skip
_COUNTED = {
    "task": "SUM(t.success)",
    "conversation": "COUNT(DISTINCT COALESCE(r.conversation_id, r.trace_id))",
    "user": "COUNT(DISTINCT r.user_id)",
    "request": "COUNT(*)",
}
_KEYS = (*_SCOPES, "count_by", "units", "failed_usd")

_MODEL_COST = """
SELECT COALESCE(w.name, '(none)') AS workflow, CAST(SUM(COALESCE(c.cost_pico, 0)) AS DECIMAL(38, 0)) AS cost
FROM request AS r
LEFT JOIN request_cost AS c ON c.request_id = r.request_id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
WHERE r.status IN ('billable', 'failed') {scope} GROUP BY COALESCE(w.name, '(none)')
"""
_UNITS = """
SELECT CAST(COALESCE({counted}, 0) AS BIGINT) AS units,
       CAST(COALESCE(SUM(1 - t.success), 0) AS BIGINT) AS failed
FROM task AS t
JOIN request AS r ON r.request_id = t.request_id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
WHERE r.status IN ('billable', 'failed') {scope}
"""


@dataclass(frozen=True, slots=True)
class OtherCost:
    """One `[[cost]]` line over the period of the log."""

    name: str
    workflow: str
    cost_pico: int


@dataclass(frozen=True, slots=True)
class UnitCost:
    """What one kind of business unit costs: models, its part of the other lines, cleaning up after failed tasks.

    `counted` says how `units` were counted (`task` = tasks that succeeded), or `stated` when the user gave the number.
    """

    name: str
    counted: str
    units: float
    failed_tasks: int
    model_pico: int
    other_pico: int
    cleanup_pico: int

    @property
    def cost_pico(self) -> int:
        """Everything together."""
        return self.model_pico + self.other_pico + self.cleanup_pico

    @property
    def per_unit_pico(self) -> float | None:
        """Everything over the units; None without units."""
        return self.cost_pico / self.units if self.units else None


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """Tasks, the other cost lines of the period, and the cost of each configured unit. `cost_pico` is all together."""

    outcomes: Outcomes
    model_pico: int
    others: tuple[OtherCost, ...]
    units: tuple[UnitCost, ...]

    @property
    def cost_pico(self) -> int:
        """Models and the other lines."""
        return self.model_pico + sum(each.cost_pico for each in self.others)

    @property
    def per_request_pico(self) -> float | None:
        """Models and other lines over the calls, failed ones included; None without calls."""
        return self.cost_pico / self.outcomes.requests if self.outcomes.requests else None

    @property
    def per_task_pico(self) -> float | None:
        """Models and other lines over the tasks; None without tasks."""
        return self.cost_pico / self.outcomes.tasks if self.outcomes.tasks else None

    @property
    def per_success_pico(self) -> float | None:
        """Models and other lines over the tasks that succeeded; None when none did."""
        return self.cost_pico / self.outcomes.successes if self.outcomes.successes else None


def unit_costs(store: Store, config: Config) -> UnitCosts:
    """Cost per outcome as `[outcomes]` and `[[cost]]` define it.

    A cost line with a workflow belongs to it; one without is spread over all workflows by what their models cost.
    ConfigError for unknown keys and workflows.
    """
    counted = outcomes(store)
    spent = {row["workflow"]: int(row["cost"]) for row in store.rows(_MODEL_COST.format(scope=""))}
    days = covered_days(store)
    others = tuple(_other(line, days / config.projection.month_days, spent, config.path) for line in config.cost)
    units = tuple(
        _unit(store, name, settings, others, spent, config.path) for name, settings in config.outcomes.items()
    )
    return UnitCosts(counted, sum(spent.values()), others, units)


def _other(line: CostConfig, months: float, spent: Mapping[str, int], where: str) -> OtherCost:
    if line.workflow and line.workflow not in spent:
        raise ConfigError(f"{where} [[cost]] {line.name}: no workflow is called {line.workflow!r}", _near(line, spent))
    return OtherCost(line.name, line.workflow, round(line.usd_per_month * months * _PICO))


def _near(line: CostConfig, spent: Iterable[str]) -> str:
    near = get_close_matches(line.workflow, list(spent), n=1)
    return f"did you mean {near[0]!r}?" if near else "see `audit workflows`"


def _unit(
    store: Store, name: str, settings: Any, others: Iterable[OtherCost], spent: Mapping[str, int], path: str
) -> UnitCost:
    where = f"{path} [outcomes.{name}]"
    scope, values = _scope(settings, where)
    counted_by = settings.get("count_by", "task")
    if counted_by not in _COUNTED:
        raise ConfigError(f"{where} count_by: {counted_by!r} is unknown", f"one of {', '.join(_COUNTED)}")
    mine = {row["workflow"]: int(row["cost"]) for row in store.rows(_MODEL_COST.format(scope=scope), **values)}
    found = store.rows(_UNITS.format(counted=_COUNTED[counted_by], scope=scope), **values)[0]
    stated = settings.get("units")
    return UnitCost(
        name=name,
        counted="stated" if stated is not None else counted_by,
        units=_number(stated, f"{where} units") if stated is not None else found["units"],
        failed_tasks=found["failed"],
        model_pico=sum(mine.values()),
        other_pico=sum(_part(each, mine, spent) for each in others),
        cleanup_pico=round(found["failed"] * _number(settings.get("failed_usd", 0), f"{where} failed_usd") * _PICO),
    )


def _scope(settings: Any, where: str) -> tuple[str, dict[str, Any]]:
    """SQL conditions on the requests of a unit, and their values."""
    if not isinstance(settings, Mapping):
        raise ConfigError(f"{where} is a table", 'write [outcomes."resolved ticket"] and its keys')
    for key in settings:
        if key not in _KEYS:
            near = get_close_matches(key, _KEYS, n=1, cutoff=0.0)
            raise ConfigError(f"{where}: unknown key {key!r}", f"did you mean {near[0]!r}?")
    conditions, values = [], {}
    for key, column in _SCOPES.items():
        if key in settings:
            names = settings[key] if isinstance(settings[key], list) else [settings[key]]
            places = [f"{key}_{number}" for number in range(len(names))]
            values.update({place: str(name) for place, name in zip(places, names, strict=True)})
            conditions.append(
                f"AND {column} IN ({', '.join(f'${place}' for place in places)})" if places else "AND 1 = 0"
            )
    return " ".join(conditions), values


def _part(line: OtherCost, mine: Mapping[str, int], spent: Mapping[str, int]) -> int:
    """A unit's part of a cost line: of its workflow's, or of everything, by what the models cost."""
    base = {line.workflow: spent[line.workflow]} if line.workflow else spent
    whole = sum(base.values())
    return round(line.cost_pico * sum(mine.get(name, 0) for name in base) / whole) if whole else 0


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ConfigError(f"{where}: {value!r} is not a number of 0 or more", "see docs/configuration.md")
    return float(value)
