"""The stage `outcomes`: requests grouped into tasks, and what a task that succeeded cost."""

from __future__ import annotations

from dataclasses import dataclass

from audit.store import Store
from audit.store.tasks import TASK_ATTEMPT

_ATTEMPTS = f"CREATE OR REPLACE TEMP TABLE task_attempt AS WITH {TASK_ATTEMPT} SELECT * FROM task_attempt"
_TASKS = """
CREATE OR REPLACE TEMP TABLE task AS
SELECT request_id, workflow_id, attempts, success FROM task_attempt WHERE is_last = 1
"""
_TOTALS = """
SELECT COUNT(*) AS tasks, CAST(COALESCE(SUM(success), 0) AS BIGINT) AS successes,
       CAST(COALESCE(SUM(attempts - 1), 0) AS BIGINT) AS repeats
FROM task
"""
_REPEAT_COST = """
SELECT CAST(COALESCE(SUM(c.cost_pico), 0) AS DECIMAL(38, 0)) AS cost
FROM task_attempt AS a JOIN request_cost AS c ON c.request_id = a.request_id WHERE a.is_last = 0
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
    """Attempts in vain for one reason (failed, retried, regenerated) and what they cost."""

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
    """Tasks of the log: how many there were, how many succeeded, what was spent in vain.

    `repeats` and `repeat_cost_pico` are attempts that another one followed; `waste` splits everything in vain without
    overlap, tasks that failed in the end included.
    """

    tasks: int
    successes: int
    repeats: int
    repeat_cost_pico: int
    waste: tuple[Waste, ...] = ()
    by_workflow: tuple[WorkflowOutcome, ...] = ()


def outcomes(store: Store) -> Outcomes:
    """Group the requests into tasks (temporary tables `task_attempt` and `task`) and count them."""
    store.run(_ATTEMPTS)
    store.run(_TASKS)
    totals = store.rows(_TOTALS)[0]
    return Outcomes(
        totals["tasks"],
        totals["successes"],
        totals["repeats"],
        int(store.value(_REPEAT_COST)),
        tuple(Waste(row["waste"], row["requests"], int(row["cost"])) for row in store.rows(_WASTE)),
        tuple(
            WorkflowOutcome(row["name"], row["tasks"], row["successes"], int(row["cost"]), int(row["wasted"]))
            for row in store.rows(_BY_WORKFLOW)
        ),
    )
