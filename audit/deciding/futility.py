"""How candidates stand halfway; nothing can save some any more, and no further answer of them is worth its money."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.deciding.units import TrialKey, Unit, evidence
from audit.statistics.intervals import kish_neff
from audit.statistics.verdicts import futile
from audit.store import Store

LEAST = 30
"""Answers before anything is said of a candidate."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A candidate on one workflow halfway: answers passed and decided so far; why no more is asked (empty: more is).

    It is no verdict: it counts what happens to be there, and controls no error.
    """

    passed: int
    decided: int
    stopped: str


def standings(store: Store) -> dict[TrialKey, Standing]:
    """How every candidate stands with the answers scored so far.

    One is stopped whose upper 90 % bound of acceptable answers is below 30 % of what the current model reaches. One
    that misses the certificate for the whole may still take a part, and what is measured of it until its sample is
    used up is an estimate without a stopping rule's bias; below that, neither is worth its money. An undecided answer
    counts as acceptable. Where the current model was not asked again, its own answers count as acceptable throughout,
    as in the verdict. Stopping never makes a verdict safe, so looking costs no error.
    """
    found = evidence(store)
    made: dict[TrialKey, Standing] = {}
    for key, units in found.trials.items():
        states = [unit.state for unit in units]
        decided = len(states) - states.count("undecided") - states.count("not_reached")
        own = found.floors.get((key.workflow_id, key.current_model), {})
        made[key] = Standing(states.count("passed"), decided, _stopped(units, own))
    return made


def hopeless(store: Store) -> dict[tuple[int, str, str, str, str], str]:
    """Candidates (a `TrialKey` each) nothing can save any more, with the reason; see `standings`."""
    return {key: each.stopped for key, each in standings(store).items() if each.stopped}


def _stopped(units: Sequence[Unit], own: Mapping[int, Unit]) -> str:
    """Why a candidate is asked no more; empty where it is."""
    counted = [unit for unit in units if unit.state != "not_reached"]
    if len(counted) < LEAST:
        return ""
    paired = [own[unit.prompt_key] for unit in counted if unit.prompt_key in own]
    floor = _share(paired) if len(paired) >= LEAST else 1.0
    good, n = _share(counted), kish_neff([unit.weight for unit in counted])
    if not futile(good * n, n, floor):
        return ""
    return f"stopped: {100 * good:.0f} % acceptable after {len(counted)} answers"


def _share(units: Sequence[Unit]) -> float:
    total = math.fsum(unit.weight for unit in units)
    good = math.fsum(unit.weight for unit in units if unit.state in ("passed", "undecided"))
    return good / total if total else 1.0
