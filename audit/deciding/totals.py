"""What a candidate does over all workflows it was tried on: shares of requests, of distinct prompts and of dollars."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from audit.deciding.acceptance import ENOUGH, acceptable
from audit.deciding.people import Voices
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
    """One candidate over the workflows it was tried on; `n` prompts were answered, `undecided` of them left open.

    `pooled` ratings are too few in any one workflow to speak for its other answers and do so here, over several; of
    `unmeasured` workflows less than half is decided or spoken for, so that the share is mostly that of the others.
    """

    endpoint: str
    model: str
    variant: str
    workflows: int
    n: int
    undecided: int
    pooled: int
    unmeasured: int
    shares: Shares


def shares(units: Sequence[Unit]) -> Shares:
    """Acceptable answers among the units, counted in three ways."""
    dollars = [replace(unit, weight=unit.weight * unit.current_cost) for unit in units if unit.current_cost]
    prompts = [replace(unit, weight=unit.weight / unit.requests) for unit in units]
    return Shares(acceptable(units), acceptable(prompts), acceptable(dollars))


def totals(store: Store) -> list[Total]:
    """Every candidate that was asked, each over all its workflows; pairs only observed in the log are left out."""
    found: dict[tuple[str, str, str], list[list[Unit]]] = {}
    for key, units in sorted(evidence(store).trials.items()):
        asked = [unit for unit in counted(units) if unit.origin != "observed"]
        if asked:
            found.setdefault((key.endpoint, key.model, key.variant), []).append(asked)
    return [_total(candidate, pairs) for candidate, pairs in found.items()]


def _total(candidate: tuple[str, str, str], pairs: Sequence[Sequence[Unit]]) -> Total:
    """The units of one candidate, pair by pair, as one."""
    units = [unit for pair in pairs for unit in pair]
    voices = Voices.among(units)
    alone = sum(_unheard(Voices.among(pair)) for pair in pairs)
    told, whole = _by_workflow(voices.told), _by_workflow(units)
    return Total(
        *candidate,
        workflows=len(whole),
        n=len(units),
        undecided=sum(unit.state == "undecided" for unit in units),
        pooled=max(0, alone - _unheard(voices)),
        unmeasured=sum(told.get(workflow, 0.0) < ENOUGH * weight for workflow, weight in whole.items()),
        shares=shares(units),
    )


def _unheard(voices: Voices) -> int:
    """Ratings that speak for nobody else."""
    return sum(len(group.rated) for group in voices.unheard)


def _by_workflow(units: Iterable[Unit]) -> dict[int, float]:
    """The weight of each workflow's units."""
    found: dict[int, list[float]] = {}
    for unit in units:
        found.setdefault(unit.workflow_id, []).append(unit.weight)
    return {workflow: math.fsum(weights) for workflow, weights in found.items()}
