"""A part of a workflow: where a candidate may not take the whole, it may still take its shorter prompts.

Thresholds are the deciles of the prompts' lengths, fixed before any answer is looked at and tested from the shortest up
(learn-then-test, fixed sequence). The loss is that of all requests of the workflow: routed and unacceptable. It grows
with the threshold unit by unit, and the last threshold would be the whole workflow; so the sequence of one candidate
can share that candidate's part of the family's error and costs the others nothing: the first false null of a sequence
is never easier to reject than the whole.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audit.deciding import rule
from audit.deciding.ratios import ratios
from audit.deciding.units import Unit
from audit.statistics.certificates import fixed_sequence
from audit.statistics.verdicts import FAMILY_DELTA
from audit.statistics.weighted_loss import LossSample

DECILES = tuple(share / 10 for share in range(1, 10))
LEAST_ROUTED = 10
"""Units among the routed ones before their own share of losses is worth a look."""


@dataclass(frozen=True, slots=True)
class Split:
    """A row of the table `split`: prompts of at most `max_input_tokens` may go to the candidate.

    `loss` and its bound are shares of all requests of the workflow, `loss_routed` of the routed ones.
    """

    workflow_id: int
    current_model: str
    endpoint: str
    model: str
    max_input_tokens: int
    n: int
    routed: float
    loss: float
    loss_high: float
    loss_routed: float
    alpha: float
    delta: float
    thresholds: int
    cost_ratio: float
    decided_at_us: int


def split(trial: rule.Trial, tried: int) -> Split | None:
    """The longest prompts a candidate is certified for, None where there are none, or where a split saves nothing.

    Every undecided answer is lost, and a judge's misses count as in the verdict. Samples that were looked at while
    they grew, variants and pairs observed in the log are left to the verdict on the whole.
    """
    units = [unit for unit in trial.evidence if unit.logged_input_tokens is not None]
    if len(units) < len(trial.evidence) or not units or trial.key.variant or trial.key.endpoint == "log":
        return None
    if rule.grown([trial]):
        return None
    lengths = np.array([unit.logged_input_tokens or 0 for unit in units])
    thresholds = sorted({int(np.quantile(lengths, share, method="lower")) for share in DECILES})
    lost = np.array([rule.lost(trial, unit) for unit in units])
    weights = np.array([unit.weight for unit in units])
    names = [unit.cluster for unit in units]
    clusters = names if len(set(names)) < len(names) else None
    samples = [LossSample.of(lost & (lengths <= top), weights, clusters) for top in thresholds]
    level, alpha = FAMILY_DELTA / max(1, tried), trial.alpha * trial.trusted
    reached = fixed_sequence([sample.p_above(alpha) for sample in samples], level)
    for place in range(reached, -1, -1) if reached is not None else ():
        found = _split(trial, units, lost, thresholds[place], samples[place], level, len(thresholds))
        if found is not None:
            return found
    return None


def _split(
    trial: rule.Trial,
    units: Sequence[Unit],
    lost: np.ndarray,
    top: int,
    sample: LossSample,
    level: float,
    thresholds: int,
) -> Split | None:
    """The split at one threshold; None where the routed ones lose more than may be lost, or cost no less."""
    within = [(unit, bad) for unit, bad in zip(units, lost, strict=True) if (unit.logged_input_tokens or 0) <= top]
    routed = [unit for unit, _ in within]
    weight = math.fsum(unit.weight for unit in routed)
    share = math.fsum(unit.weight for unit, bad in within if bad)
    money = ratios(routed)
    if len(routed) < LEAST_ROUTED or money.cost is None or money.cost >= 1 or share / weight > trial.alpha:
        return None
    key = trial.key
    return Split(
        key.workflow_id,
        key.current_model,
        key.endpoint,
        key.model,
        top,
        sample.n,
        weight / math.fsum(unit.weight for unit in units),
        sample.rate,
        min(1.0, sample.upper(level) / trial.trusted),
        share / weight,
        trial.alpha,
        level,
        thresholds,
        money.cost,
        time.time_ns() // 1000,
    )
