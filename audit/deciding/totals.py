"""What a candidate does over all workflows it was tried on: shares of requests, of distinct prompts and of dollars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from audit.deciding.acceptance import acceptable
from audit.deciding.rule import counted
from audit.deciding.units import Unit, evidence
from audit.statistics.intervals import Interval
from audit.store import Store


@dataclass(frozen=True, slots=True)
class Shares:
    """The share of acceptable answers counted in three ways, which are three different right answers.

    A request counts each time it came, a prompt once, a dollar by what today's model costs. Bounds as in
    `acceptance.acceptable`.
    """

    requests: Interval
    prompts: Interval
    dollars: Interval


@dataclass(frozen=True, slots=True)
class Total:
    """One candidate over the workflows it was tried on; `n` prompts were answered, `undecided` of them left open."""

    endpoint: str
    model: str
    variant: str
    workflows: int
    n: int
    undecided: int
    shares: Shares


def shares(units: Sequence[Unit]) -> Shares:
    """Acceptable answers among the units, counted in three ways."""
    dollars = [replace(unit, weight=unit.weight * unit.current_cost) for unit in units if unit.current_cost]
    prompts = [replace(unit, weight=unit.weight / unit.requests) for unit in units]
    return Shares(acceptable(units), acceptable(prompts), acceptable(dollars))


def totals(store: Store) -> list[Total]:
    """Every candidate that was asked, each over all its workflows; pairs only observed in the log are left out."""
    found: dict[tuple[str, str, str], list[Unit]] = {}
    workflows: dict[tuple[str, str, str], set[int]] = {}
    for key, units in sorted(evidence(store).trials.items()):
        asked = [unit for unit in counted(units) if unit.origin != "observed"]
        if asked:
            candidate = key.endpoint, key.model, key.variant
            found.setdefault(candidate, []).extend(asked)
            workflows.setdefault(candidate, set()).add(key.workflow_id)
    return [
        Total(
            *candidate,
            workflows=len(workflows[candidate]),
            n=len(units),
            undecided=sum(unit.state == "undecided" for unit in units),
            shares=shares(units),
        )
        for candidate, units in found.items()
    ]
