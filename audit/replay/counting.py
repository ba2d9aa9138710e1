"""What is gathered while the calls of a sample are listed, and the summaries a plan shows of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from audit.replay.plans import PICO, CandidatePlan, Job, Unreplayable
from audit.replay.routes import Route


@dataclass(slots=True)
class Counts:
    """Calls to make, answers on file by route, calls in batches, refusals, prompts by endpoint and with images."""

    jobs: list[Job] = field(default_factory=list)
    reused: dict[int, int] = field(default_factory=dict)
    pending: int = 0
    hidden: dict[int, Counter[str]] = field(default_factory=dict)
    pictured: set[int] = field(default_factory=set)
    refused: dict[tuple[str, str, str, str], tuple[int, int]] = field(default_factory=dict)
    sent: dict[str, set[int]] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)

    @property
    def redacted(self) -> dict[str, int]:
        """Values hidden by kind, over all prompts."""
        return dict(sum(self.hidden.values(), Counter()))

    def refuse(self, route: Route, reason: str, cost_pico: int, count: int = 1) -> None:
        """Count prompts a candidate can't be asked."""
        key = route.endpoint.name, route.model, route.variant_name, reason
        before = self.refused.get(key, (0, 0))
        self.refused[key] = before[0] + count, before[1] + cost_pico


def candidates_by_model(ways: Sequence[Route]) -> dict[str, int]:
    """Candidates tried for each current model."""
    tried: dict[str, set[tuple[str, str, str]]] = {}
    for route in ways:
        if not route.floor:
            tried.setdefault(route.current.model, set()).add((route.endpoint.name, route.model, route.variant_name))
    return {model: len(candidates) for model, candidates in tried.items()}


def candidate_plans(ways: Sequence[Route], counts: Counts) -> tuple[CandidatePlan, ...]:
    """Calls and costs of each candidate."""
    jobs: dict[int, list[Job]] = {}
    for job in counts.jobs:
        jobs.setdefault(job.route, []).append(job)
    made = []
    for place, route in enumerate(ways):
        calls, reused = jobs.get(place, []), counts.reused.get(place, 0)
        if not calls and not reused:
            continue
        priced = route.rates is not None or route.client.in_process
        made.append(
            CandidatePlan(
                current_model=route.current.model,
                endpoint=route.endpoint.name,
                model=route.model,
                variant=route.variant_name,
                floor=route.floor,
                calls=len(calls),
                reused=reused,
                expected_usd=sum(job.expected_pico or 0 for job in calls) / PICO if priced else None,
                worst_usd=sum(job.worst_pico or 0 for job in calls) / PICO if priced else None,
                input_usd_per_million=route.billed.usd_per_million("input") if route.billed else None,
                output_usd_per_million=route.billed.usd_per_million("output") if route.billed else None,
            )
        )
    return tuple(made)


def unreplayable(counts: Counts) -> tuple[Unreplayable, ...]:
    """Refusals by candidate and reason, the dearest first."""
    made = [
        Unreplayable(endpoint, model, reason, count, pico / PICO, variant)
        for (endpoint, model, variant, reason), (count, pico) in counts.refused.items()
    ]
    return tuple(sorted(made, key=lambda each: (-each.cost_usd, -each.count, each.reason, each.endpoint, each.model)))
