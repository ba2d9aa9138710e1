"""The stage `outcomes`: requests grouped into tasks, and what a task that succeeded cost."""

from __future__ import annotations

from dataclasses import dataclass

from audit.store import Store
from audit.store.tasks import tasks

_TOTALS = """
SELECT COUNT(*) AS requests, CAST(COALESCE(SUM(is_last), 0) AS BIGINT) AS tasks,
       CAST(COALESCE(SUM(is_last * success), 0) AS BIGINT) AS successes
FROM task_attempt
"""
_REPEATS = """
SELECT COUNT(*) AS repeats, CAST(COALESCE(SUM(c.cost_pico), 0) AS DECIMAL(38, 0)) AS cost
FROM task_attempt AS a LEFT JOIN request_cost AS c ON c.request_id = a.request_id WHERE a.repeated = 1
"""
_WASTE = """
SELECT a.waste, COUNT(*) AS requests, CAST(SUM(COALESCE(c.cost_pico, 0)) AS DECIMAL(38, 0)) AS cost
FROM task_attempt AS a LEFT JOIN request_cost AS c ON c.request_id = a.request_id
WHERE a.waste <> '' GROUP BY a.waste ORDER BY a.waste
"""
_BY_WORKFLOW = """
SELECT COALESCE(w.name, '(none)') AS name, CAST(SUM(a.is_last) AS BIGINT) AS tasks,
       CAST(SUM(a.is_last * a.success) AS BIGINT) AS successes,
       CAST(SUM(COALESCE(c.cost_pico, 0)) AS DECIMAL(38, 0)) AS cost,
       CAST(SUM(CASE WHEN a.waste <> '' THEN COALESCE(c.cost_pico, 0) ELSE 0 END) AS DECIMAL(38, 0)) AS wasted
FROM task_attempt AS a
LEFT JOIN request_cost AS c ON c.request_id = a.request_id
LEFT JOIN workflow AS w ON w.workflow_id = a.workflow_id
GROUP BY COALESCE(w.name, '(none)') ORDER BY cost DESC, name
"""


@dataclass(frozen=True, slots=True)
class Waste:
    """Calls in vain for one reason (failed, retried, regenerated, tool failed) and what they cost."""

    reason: str
    requests: int
    cost_pico: int


@dataclass(frozen=True, slots=True)
class WorkflowOutcome:
    """Tasks of one workflow; `wasted_pico` is the part of its cost that was in vain."""

    name: str
    tasks: int
    successes: int
    cost_pico: int
    wasted_pico: int

    @property
    def per_success_pico(self) -> float | None:
        """Everything the workflow cost over its tasks that succeeded; None when none did."""
        return self.cost_pico / self.successes if self.successes else None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Tasks of the log: how many there were, how many succeeded, what was spent in vain; `requests` are their calls.

    `repeats` and `repeat_cost_pico` are calls whose question was asked again; `waste` splits everything in vain without
    overlap, tasks that failed in the end included.
    """

    tasks: int
    successes: int
    repeats: int
    repeat_cost_pico: int
    requests: int = 0
    waste: tuple[Waste, ...] = ()
    by_workflow: tuple[WorkflowOutcome, ...] = ()


def outcomes(store: Store) -> Outcomes:
    """Group the requests into tasks (temporary tables `task_attempt` and `task`) and count them."""
    tasks(store)
    totals, repeats = store.rows(_TOTALS)[0], store.rows(_REPEATS)[0]
    return Outcomes(
        totals["tasks"],
        totals["successes"],
        repeats["repeats"],
        int(repeats["cost"]),
        totals["requests"],
        tuple(Waste(row["waste"], row["requests"], int(row["cost"])) for row in store.rows(_WASTE)),
        tuple(
            WorkflowOutcome(row["name"], row["tasks"], row["successes"], int(row["cost"]), int(row["wasted"]))
            for row in store.rows(_BY_WORKFLOW)
        ),
    )
