"""Who gets credit for a joint saving: by rollout order, by average over orders, by what skipping one would lose."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from itertools import combinations
from typing import TypeAlias

Value: TypeAlias = Callable[[frozenset[str]], float]
"""The saving of a set of levers applied together."""


def waterfall(order: Sequence[str], value: Value) -> dict[str, float]:
    """Return what each lever adds to those before it; the parts sum to value(all) - value(none)."""
    steps = [value(frozenset(order[:k])) for k in range(len(order) + 1)]
    return {name: after - before for name, before, after in zip(order, steps, steps[1:], strict=False)}


def shapley(players: Sequence[str], value: Value) -> dict[str, float]:
    """Return each lever's step averaged over all orders (Shapley 1953), exactly; value is called once per subset."""
    known = cache(value)
    k = len(players)
    share = [math.factorial(s) * math.factorial(k - s - 1) / math.factorial(k) for s in range(k)]
    credit = {}
    for player in players:
        others = [p for p in players if p != player]
        gains = (
            share[size] * (known(frozenset((*rest, player))) - known(frozenset(rest)))
            for size in range(k)
            for rest in combinations(others, size)
        )
        credit[player] = math.fsum(gains)
    return credit
