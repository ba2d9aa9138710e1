from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.statistics.attribution import shapley, waterfall

LEVERS = ("cache", "prompt", "route", "batch")
# cost, cache hit, routable, batchable, share of input in a cacheable prefix
REQUESTS = (
    (1.0, 0, 1, 0, 0.4),
    (1.0, 1, 1, 0, 0.4),
    (2.0, 0, 0, 1, 0.5),
    (2.0, 0, 1, 1, 0.5),
    (4.0, 0, 0, 0, 0.0),
    (0.5, 1, 0, 1, 0.2),
)


def saving(levers: frozenset[str]) -> float:
    total = 0.0
    for cost, hit, routable, batchable, prefix in REQUESTS:
        kept = 0.0 if "cache" in levers and hit else 1.0
        kept *= 1 - 0.9 * prefix * 0.8 if "prompt" in levers else 1
        kept *= 0.2 if "route" in levers and routable else 1
        kept *= 0.5 if "batch" in levers and batchable else 1
        total += cost * (1 - kept)
    return total


def test_credit_matches_the_worked_example(oracles: dict[str, Any]) -> None:
    o = oracles["stack"]
    assert {lever: saving(frozenset([lever])) for lever in LEVERS} == pytest.approx(o["separate"])
    assert saving(frozenset(LEVERS)) == pytest.approx(o["joint"])
    assert shapley(LEVERS, saving) == pytest.approx(o["shapley"])
    assert list(waterfall(LEVERS, saving).values()) == pytest.approx(o["waterfall_c_p_r_b"])
    assert list(waterfall(LEVERS[::-1], saving).values()) == pytest.approx(o["waterfall_b_r_p_c"])


games = st.lists(st.floats(-100, 100), min_size=32, max_size=32)


@given(games)
def test_credit_sums_to_the_joint_saving_and_value_is_called_once_per_subset(values: list[float]) -> None:
    players = tuple("abcde")
    calls: list[frozenset[str]] = []

    def value(levers: frozenset[str]) -> float:
        calls.append(levers)
        return values[sum(1 << players.index(p) for p in levers)]

    credit = shapley(players, value)
    assert len(calls) == len(set(calls)) == 32
    joint = values[31] - values[0]
    assert sum(credit.values()) == pytest.approx(joint, abs=1e-9)
    assert sum(waterfall(players, value).values()) == pytest.approx(joint, abs=1e-9)
    assert shapley(players[::-1], value) == pytest.approx(credit)


def test_equals_share_equally_and_idlers_get_nothing() -> None:
    def value(levers: frozenset[str]) -> float:
        return 6.0 if {"a", "b"} <= levers else 0.0

    assert shapley(["a", "b", "idle"], value) == {"a": 3, "b": 3, "idle": 0}
    assert shapley([], value) == {}
