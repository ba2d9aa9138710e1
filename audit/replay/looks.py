"""Looks at what came so far: calls to candidates that nothing can save any more are not made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from audit.replay.plans import Job, Plan

Look = Callable[[], Mapping[tuple[int, str, str, str, str], str]]
"""Candidates not worth another call, by (workflow, current model, endpoint, model, variant), with the reason."""

SHARES = (0.1, 0.2, 0.35, 0.5, 0.75)
LEAST = 20
"""Answers since the last look before the next one is worth its time."""


class Looks:
    """When to look during a run, and what was seen; without a `look` every call is made."""

    def __init__(self, plan: Plan, look: Look | None) -> None:
        self._plan = plan
        self._look = look
        self._at = [round(share * len(plan.jobs)) for share in SHARES]
        self._last = 0
        self._stopped: Mapping[tuple[int, str, str, str, str], str] = look() if look else {}

    def reason(self, job: Job) -> str | None:
        """Why a call is not made; None where it is."""
        if not self._stopped:
            return None
        route = self._plan.routes[job.route]
        workflow = int(self._plan.frame.workflow_id[job.row])
        return self._stopped.get((workflow, route.current.model, route.endpoint.name, route.model, route.variant_name))

    def due(self, answered: int) -> bool:
        """Whether so many answers are worth a look."""
        return self._look is not None and bool(self._at) and answered >= max(self._at[0], self._last + LEAST)

    def take(self, answered: int) -> None:
        """Look; what came before must be on file."""
        self._last = answered
        self._at = [place for place in self._at if place > answered]
        if self._look is not None:
            self._stopped = self._look()
