"""What a candidate costs and how long it takes, against what was logged for the same units."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audit.deciding.units import Unit


@dataclass(frozen=True, slots=True)
class Ratios:
    """Candidate over current, weighted to the workflow's requests; None where nothing can be compared.

    The sums are pico-USD over the replayed units, each once.
    """

    cost: float | None
    input_tokens: float | None
    output_tokens: float | None
    current_cost_pico: int | None
    candidate_cost_pico: int | None


def ratios(units: Sequence[Unit]) -> Ratios:
    """Ratios over the answered units whose two sides are both known, from the candidate's own usage.

    An answer without a price leaves the cost unknown rather than free.
    """
    answered = [unit for unit in units if unit.state not in ("no_answer", "not_reached")]
    priced = [unit for unit in answered if unit.current_cost is not None]
    unpriced = any(unit.cost is None for unit in priced)
    if unpriced or not priced:
        cost, current, candidate = None, None, None
    else:
        cost = _ratio(priced, lambda unit: unit.cost, lambda unit: unit.current_cost)
        current = round(sum(unit.current_cost or 0.0 for unit in priced))
        candidate = round(sum(unit.cost or 0.0 for unit in priced))
    return Ratios(
        cost,
        _ratio(answered, lambda unit: unit.input_tokens, lambda unit: unit.logged_input_tokens),
        _ratio(answered, lambda unit: unit.output_tokens, lambda unit: unit.logged_output_tokens),
        current,
        candidate,
    )


Value = Callable[[Unit], float | None]


def _ratio(units: Sequence[Unit], candidate: Value, current: Value) -> float | None:
    """Ratio of two weighted sums over the same units (Hájek)."""
    pairs = [(unit.weight, candidate(unit), current(unit)) for unit in units]
    known = [(weight, ours, theirs) for weight, ours, theirs in pairs if ours is not None and theirs is not None]
    below = math.fsum(weight * theirs for weight, _, theirs in known)
    return math.fsum(weight * ours for weight, ours, _ in known) / below if below > 0 else None


def quantile(values: Sequence[float], share: float) -> float | None:
    """Nearest-rank quantile, None without values."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)] if ranked else None
