"""What a candidate costs and how long it takes, against what was logged for the same units."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from audit.deciding.units import Unit

UNLIKE_CACHES = 0.1
"""Difference between two shares of cached input from which a comparison of costs says so."""


@dataclass(frozen=True, slots=True)
class Ratios:
    """Candidate over current, weighted to the workflow's requests; None where nothing can be compared.

    The sums are pico-USD over the replayed units, each once. `cached` and `current_cached` are the shares of the input
    that were read from a prompt cache, and so are priced. `same_terms` is the cost against today's model asked again in
    a replay, which finds no warmer cache than the candidate; on the prompts that both answered.
    """

    cost: float | None
    input_tokens: float | None
    output_tokens: float | None
    current_cost_pico: int | None
    candidate_cost_pico: int | None
    cached: float | None = None
    current_cached: float | None = None
    same_terms: float | None = None

    def notes(self) -> list[str]:
        """That the log and the replay found unlike prompt caches, so that the cost ratio is not of the models alone."""
        ours, theirs = self.cached, self.current_cached
        if self.cost is None or ours is None or theirs is None or abs(ours - theirs) < UNLIKE_CACHES:
            return []
        way = "below" if theirs > ours else "above"
        beside = (
            "" if self.same_terms is None else f", {self.same_terms:.3g}× against today's model asked again likewise"
        )
        return [
            f"of the input {theirs:.0%} was read from cache in the log and {ours:.0%} in the replay: with caches alike "
            f"the cost ratio is likely {way} {self.cost:.3g}×{beside}".replace("%", " %")
        ]


def ratios(units: Sequence[Unit], again: Mapping[int, Unit] | None = None) -> Ratios:
    """Ratios over the answered units whose two sides are both known, from the candidate's own usage.

    An answer without a price leaves the cost unknown rather than free. A prompt the candidate could not answer goes
    back to today's model and costs what it does today. `again` are today's model's own replays, by prompt.
    """
    answered = [unit for unit in units if unit.state not in ("no_answer", "not_reached")]
    sent_back = [unit for unit in units if unit.state == "no_answer" and unit.current_cost is not None]
    priced = [unit for unit in answered if unit.current_cost is not None]
    unpriced = any(unit.cost is None for unit in priced)
    if unpriced or not priced:
        cost, current, candidate = None, None, None
    else:
        cost = _ratio([*priced, *sent_back], _paid, lambda unit: unit.current_cost)
        current = round(sum(unit.current_cost or 0.0 for unit in priced))
        candidate = round(sum(unit.cost or 0.0 for unit in priced))
    return Ratios(
        cost,
        _ratio(answered, lambda unit: unit.input_tokens, lambda unit: unit.logged_input_tokens),
        _ratio(answered, lambda unit: unit.output_tokens, lambda unit: unit.logged_output_tokens),
        current,
        candidate,
        _ratio(answered, lambda unit: unit.cached_tokens or 0, lambda unit: unit.input_tokens),
        _ratio(answered, lambda unit: unit.logged_cached_tokens or 0, lambda unit: unit.logged_input_tokens),
        _ratio(answered, lambda unit: unit.cost, lambda unit: _cost_again(again or {}, unit)),
    )


def _paid(unit: Unit) -> float | None:
    """What a prompt costs in the end when the candidate is asked first."""
    return unit.current_cost if unit.state == "no_answer" else unit.cost


def _cost_again(again: Mapping[int, Unit], unit: Unit) -> float | None:
    own = again.get(unit.prompt_key)
    return None if own is None or own.state in ("no_answer", "not_reached") else own.cost


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
