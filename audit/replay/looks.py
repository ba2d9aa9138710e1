"""Looks at what came so far: calls to candidates that nothing can save any more are not made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from audit.replay.aside import Aside
from audit.replay.plans import Job, Plan
from audit.store import Store

Look = Callable[[Store], Mapping[tuple[int, str, str, str, str], str]]
"""Candidates not worth another call, by (workflow, current model, endpoint, model, variant), with the reason.

It is taken beside the calls, in a thread of its own.
"""

SHARES = (0.1, 0.2, 0.35, 0.5, 0.75)
LEAST = 20
"""Answers since the last look before the next one is worth its time."""


class Looks:
    """When to look during a run, and what was seen; without a `look` every call is made."""

    def __init__(self, plan: Plan, look: Look | None, aside: Aside) -> None:
        self._plan = plan
        self._look = look
        self._aside = aside
        self._at = [0, *(round(share * len(plan.jobs)) for share in SHARES)] if look else []
        self._last = -LEAST
        self._stopped: Mapping[tuple[int, str, str, str, str], str] = {}

    def reason(self, job: Job) -> str | None:
        """Why a call is not made; None where it is."""
        if not self._stopped:
            return None
        route = self._plan.routes[job.route]
        workflow = int(self._plan.frame.workflow_id[job.row])
        return self._stopped.get((workflow, route.current.model, route.endpoint.name, route.model, route.variant_name))

    async def take(self, answered: int) -> None:
        """Look where so many answers on file are worth it; others may be asked for meanwhile."""
        if self._look is not None and self._at and answered >= max(self._at[0], self._last + LEAST):
            self._last = answered
            self._at = [place for place in self._at if place > answered]
            self._stopped = await self._aside.do(self._look)
