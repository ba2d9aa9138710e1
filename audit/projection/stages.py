"""What each stage is worth, whatever the order: exact Shapley values on the full log."""

from __future__ import annotations

from collections.abc import Sequence

from audit.levers import STAGES, Lever, Stage
from audit.projection.bench import Bench
from audit.statistics.attribution import shapley


def shapley_by_stage(bench: Bench, levers: Sequence[Lever], start: str) -> dict[Stage, int]:
    """Shapley value (1953) of each stage in pico-USD; they add up to the joint saving exactly.

    Subsets of stages always run in rollout order, so runs that begin alike are shared: the stages form a binary tree
    of `2^k - 1` stage applications instead of `2^k · k`.
    """
    stages = [stage for stage in STAGES if any(lever.stage == stage for lever in levers)]
    values: dict[frozenset[Stage], int] = {}
    bench.restore(start)
    today = int(bench.cost().sum()) if stages else 0

    def walk(depth: int, chosen: frozenset[Stage]) -> None:
        if depth == len(stages):
            values[chosen] = today - int(bench.cost().sum())
            return
        kept = bench.save(f"depth_{depth}")
        walk(depth + 1, chosen)
        bench.restore(kept)
        for lever in levers:
            if lever.stage == stages[depth]:
                bench.apply(lever)
        walk(depth + 1, chosen | {stages[depth]})
        bench.drop(kept)

    walk(0, frozenset())
    return _whole(stages, values)


def _whole(stages: list[Stage], values: dict[frozenset[Stage], int]) -> dict[Stage, int]:
    """Round to whole pico-USD without losing one: the largest stage takes what rounding leaves."""
    exact = shapley(stages, lambda chosen: float(values[frozenset(stage for stage in stages if stage in chosen)]))
    worth = {stage: round(exact[stage]) for stage in stages}
    if worth:
        largest = max(worth, key=lambda stage: worth[stage])
        worth[largest] += values[frozenset(stages)] - sum(worth.values())
    return worth
