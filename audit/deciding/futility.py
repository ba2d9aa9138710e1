"""Candidates nothing can save any more: no further answer of them is worth its money."""

from __future__ import annotations

import math
from collections.abc import Sequence

from audit.deciding.units import Unit, evidence
from audit.statistics.intervals import kish_neff
from audit.statistics.verdicts import futile
from audit.store import Store

LEAST = 30
"""Answers before anything is said of a candidate."""


def hopeless(store: Store) -> dict[tuple[int, str, str, str, str], str]:
    """Candidates (a `TrialKey` each) whose upper 90 % bound of acceptable answers is below half of what the current
    model reaches, with the reason.

    One that misses the certificate for the whole may still take a part, and what is measured of it until its sample
    is used up is an estimate without a stopping rule's bias; below half, neither is worth its money. An undecided
    answer counts as acceptable. Where the current model was not asked again, its own answers count as acceptable
    throughout, as in the verdict. Stopping never makes a verdict safe, so looking costs no error.
    """
    found = evidence(store)
    stopped: dict[tuple[int, str, str, str, str], str] = {}
    for key, units in found.trials.items():
        counted = [unit for unit in units if unit.state != "not_reached"]
        if len(counted) < LEAST:
            continue
        own = found.floors.get((key.workflow_id, key.current_model), {})
        paired = [own[unit.prompt_key] for unit in counted if unit.prompt_key in own]
        floor = _share(paired) if len(paired) >= LEAST else 1.0
        good, n = _share(counted), kish_neff([unit.weight for unit in counted])
        if futile(good * n, n, floor):
            stopped[key] = f"stopped: {100 * good:.0f} % acceptable after {len(counted)} answers"
    return stopped


def _share(units: Sequence[Unit]) -> float:
    total = math.fsum(unit.weight for unit in units)
    good = math.fsum(unit.weight for unit in units if unit.state in ("passed", "undecided"))
    return good / total if total else 1.0
