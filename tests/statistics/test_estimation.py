from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.statistics.estimation import (
    estimates_disagree,
    hajek_ratio,
    horvitz_thompson,
    poststratify,
    stratified_ratio,
    weighted_mean,
)


def test_three_right_answers_to_how_many_were_acceptable(oracles: dict[str, Any]) -> None:
    o = oracles["dedup"]
    count, cost, ok = (np.array(o[k]) for k in ("count", "cost", "ok"))
    assert weighted_mean(ok, count) == pytest.approx(o["per_request"])
    assert weighted_mean(ok, np.ones(3)) == pytest.approx(o["per_distinct"], abs=5e-8)
    assert weighted_mean(ok, count * cost) == pytest.approx(o["per_dollar"], abs=5e-8)


def test_poststratified_rate_matches_the_worked_example(oracles: dict[str, Any]) -> None:
    o = oracles["poststrat"]
    cells = np.repeat([0, 1], o["n"])
    values = np.concatenate([np.arange(n) < k for n, k in zip(o["n"], o["k"], strict=True)])
    estimate = poststratify(values, cells, o["W"])
    assert estimate.value == pytest.approx(o["est"])
    assert estimate.standard_error == pytest.approx(o["se"], abs=5e-8)


def test_small_cells_are_pooled_and_unseen_ones_spoken_for() -> None:
    values = np.array([1.0] * 12 + [0, 0, 1, 1, 1, 1])
    cells = np.array([0] * 12 + [1, 1, 2, 2, 2, 2])
    estimate = poststratify(values, cells, [0.5, 0.2, 0.3])
    assert estimate.value == pytest.approx(0.5 * 1 + 0.5 * 4 / 6)
    unseen = poststratify(values[:12], cells[:12], [0.5, 0.5])
    assert unseen.value == 1.0
    assert unseen.standard_error == 0.0


def test_a_lone_unit_has_a_mean_and_no_spread() -> None:
    assert poststratify([1.0], np.array([0]), [1.0]) == (1.0, 0.0)


@given(st.lists(st.tuples(st.floats(0.01, 50), st.floats(0.05, 1)), min_size=1, max_size=30), st.floats(0, 1))
def test_the_ratio_estimator_is_exact_where_savings_follow_cost(rows: list[tuple[float, float]], share: float) -> None:
    cost, pi = (np.array(column) for column in zip(*rows, strict=True))
    assert hajek_ratio(share * cost, cost, pi, 1000) == pytest.approx(1000 * share)
    strata = np.arange(cost.size) % 2 if cost.size > 1 else np.zeros(1, dtype=np.int64)
    totals = [400.0, 600.0] if cost.size > 1 else [1000.0]
    assert stratified_ratio(share * cost, cost, pi, strata, totals) == pytest.approx(1000 * share)


def test_a_census_gives_the_total() -> None:
    y, cost, one = np.array([1.0, 0, 3]), np.array([2.0, 2, 4]), np.ones(3)
    assert horvitz_thompson(y, one) == 4
    assert hajek_ratio(y, cost, one, 8) == 4


def test_a_stratum_without_sample_is_refused_not_dropped() -> None:
    with pytest.raises(ValueError, match="stratum 1"):
        stratified_ratio([1.0], [2.0], [0.5], np.array([0]), [10.0, 5.0])
    assert stratified_ratio([1.0], [2.0], [0.5], np.array([0]), [10.0, 0.0]) == 5


def test_estimators_that_differ_are_noticed() -> None:
    assert estimates_disagree(120, 100)
    assert not estimates_disagree(110, 100)
