"""What every drawn prompt would cost under what is certified of its workflow, for the bill to be rewritten with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from audit.deciding.units import TrialKey, Unit


@dataclass(frozen=True, slots=True)
class PricedUnit:
    """A row of the table `priced_unit`, whose comments say what each column means."""

    workflow_id: int
    current_model: str
    endpoint: str
    model: str
    prompt_key: int
    weight: float
    included: float
    stratum: str
    cluster: str
    asked: int
    kept: int
    cost_ratio: float
    output_ratio: float | None


def priced(
    key: TrialKey, units: Sequence[Unit], asked: Iterable[bool] | None = None, kept: Iterable[bool] | None = None
) -> tuple[PricedUnit, ...]:
    """Price the units of a pair, of which `asked` pay the candidate and `kept` take its answer; all, if not told.

    A prompt the candidate could not answer is paid to today's model. Units without a price on either side say nothing.
    """
    asks = [True] * len(units) if asked is None else list(asked)
    keeps = asks if kept is None else list(kept)
    return tuple(
        PricedUnit(
            *key[:4], unit.prompt_key, weight=unit.weight / unit.requests,
            included=unit.drawn_with, stratum=unit.stratum, cluster=unit.cluster,
            asked=int(asks_it), kept=int(keeps_it and unit.state != "no_answer"), cost_ratio=cost / unit.current_cost,
            output_ratio=None if unit.output_cost is None else unit.output_cost / unit.current_cost,
        )
        for unit, asks_it, keeps_it in zip(units, asks, keeps, strict=True)
        if unit.current_cost and unit.weight > 0 and (cost := _cost(unit)) is not None
    )  # fmt: skip


def _cost(unit: Unit) -> float | None:
    return 0.0 if unit.cost is None and unit.state == "no_answer" else unit.cost
