"""One way to send a part of a workflow to a candidate, what is certified of it and what it saves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from audit.deciding.priced import PricedUnit

Step = Literal["rule", "router", "cascade"]


@dataclass(frozen=True, slots=True)
class Policy:
    """A row of the table `policy`: one policy that was tried on one pair of workflow and candidate.

    `routed` is the share of the workflow's requests the candidate answers in the end, `moved` the share of dollars
    that no longer goes to today's model, `asked` that of the requests that pay the candidate. `loss` and its bound
    (wrong with probability at most `delta`) are shares of all requests, `loss_routed` of the routed ones. `saving` is
    the share of the workflow's dollars that is saved, from the candidate's own usage: moved - asked · cost_ratio.
    `fallback` is the share of requests a cascade asks twice, `break_even` that of dollars from which it saves nothing.
    `apply` (JSON) is all that is needed to run it, None where it is not offered; `max_input_tokens` is set where
    length alone tells. `measures` (JSON) says how good a router is over its whole range. Durations are seconds, of
    `duration_n` answers; `first_chunk_n` have a time until something of them can be shown.
    `units` are what every drawn prompt would cost then; they have a table of their own.
    """

    workflow_id: int
    current_model: str
    endpoint: str
    model: str
    step: Step
    name: str
    outcome: str
    reason: str
    alpha: float
    delta: float
    tried: int
    thresholds: int = 0
    n: int = 0
    routed: float | None = None
    moved: float | None = None
    asked: float | None = None
    loss: float | None = None
    loss_high: float | None = None
    loss_routed: float | None = None
    saving: float | None = None
    saving_error: float | None = None
    cost_ratio: float | None = None
    fallback: float | None = None
    break_even: float | None = None
    p50_duration: float | None = None
    p95_duration: float | None = None
    duration_n: int = 0
    first_chunk_n: int = 0
    p50_first_chunk: float | None = None
    p95_first_chunk: float | None = None
    max_input_tokens: int | None = None
    apply: str | None = None
    measures: str | None = None
    decided_at_us: int = 0
    units: tuple[PricedUnit, ...] = ()

    @property
    def certified(self) -> bool:
        """Whether its loss is bounded and it saves something."""
        return self.outcome in ("certified", "offered", "beaten")

    def row(self) -> dict[str, Any]:
        """The row of the table."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "units"}

    def tried_as(self) -> dict[str, Any]:
        """What the chain of events keeps of the trial."""
        kept = ("workflow_id", "current_model", "endpoint", "model", "step", "name", "outcome", "delta", "tried",
                "thresholds", "loss_high", "saving")  # fmt: skip
        return {name: getattr(self, name) for name in kept}

    def measured(self, measures: Mapping[str, Any]) -> Policy:
        """The same with how good it is over its whole range."""
        return replace(self, measures=json.dumps(measures) if measures else None)
