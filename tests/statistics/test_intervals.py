from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from audit.statistics.intervals import (
    Interval,
    clopper_pearson,
    clustered_standard_error,
    effective_size,
    jeffreys,
    kish_neff,
    level_between,
    lower_bound,
    normal,
    upper_bound,
    wilson,
)

SHARES = (wilson, clopper_pearson, jeffreys)


@pytest.mark.parametrize(("name", "method"), [("wilson95", wilson), ("clopper_pearson95", clopper_pearson)])
def test_bounds_match_the_worked_examples(oracles: dict[str, Any], name: str, method: Any) -> None:
    for counts, expected in oracles[name].items():
        k, n = map(int, counts.split("/"))
        interval = method(k, n, 0.95)
        assert [interval.low, interval.high] == pytest.approx(expected, abs=5e-7)
        assert interval.estimate == k / n


@given(st.integers(1, 300), st.floats(0, 1), st.sampled_from([0.8, 0.9, 0.95]))
def test_every_interval_holds_its_estimate_inside_zero_and_one(n: int, share: float, level: float) -> None:
    k = round(share * n)
    for method in SHARES:
        interval = method(k, n, level)
        assert 0 <= interval.low <= k / n <= interval.high <= 1
        assert k / n in interval
        assert method(k, n, 0.99).width > interval.width


@given(st.integers(1, 60), st.floats(0, 1))
def test_intervals_shrink_as_the_sample_grows(n: int, share: float) -> None:
    k = round(share * n)
    for method in SHARES:
        assert method(4 * k, 4 * n).width < method(k, n).width


@given(st.integers(1, 200), st.floats(0, 1))
def test_successes_and_failures_mirror_each_other(n: int, share: float) -> None:
    k = round(share * n)
    for method in SHARES:
        ok, bad = method(k, n), method(n - k, n)
        assert [ok.low, ok.high] == pytest.approx([1 - bad.high, 1 - bad.low], abs=1e-9)


def test_no_data_gives_the_whole_range() -> None:
    for interval in [method(0, 0) for method in SHARES]:
        assert math.isnan(interval.estimate)
        assert (interval.low, interval.high) == (0, 1)


@pytest.mark.parametrize("p", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [20, 50, 200])
def test_exact_coverage_by_enumeration(n: int, p: float) -> None:
    k = np.arange(n + 1)
    chance = stats.binom.pmf(k, n, p)

    def coverage(method: Any) -> float:
        return float(sum(chance[i] for i in k if p in method(int(i), n, 0.95)))

    assert coverage(clopper_pearson) >= 0.95
    assert coverage(wilson) >= 0.88


def test_one_sided_bounds_err_with_their_probability_only() -> None:
    k = np.arange(101)
    chance = stats.binom.pmf(k, 100, 0.05)
    assert sum(chance[i] for i in k if upper_bound(int(i), 100, 0.1) < 0.05) <= 0.1
    assert sum(chance[i] for i in k if lower_bound(int(i), 100, 0.1) > 0.05) <= 0.1
    assert upper_bound(0, 45, 0.1) == pytest.approx(1 - 0.1 ** (1 / 45))
    assert (lower_bound(0, 9, 0.1), upper_bound(9, 9, 0.1)) == (0, 1)


def test_effective_sizes_match_the_worked_examples(oracles: dict[str, Any]) -> None:
    assert kish_neff(oracles["kish_neff"]["w"]) == pytest.approx(oracles["kish_neff"]["neff"], abs=5e-8)
    assert kish_neff([]) == 0


def test_clustered_standard_error_matches_the_worked_example(oracles: dict[str, Any]) -> None:
    o = oracles["cluster_se"]
    scores = np.array(o["s"])
    clusters = np.repeat(np.arange(4), 4)
    assert scores.mean() == o["mean"]
    assert clustered_standard_error(scores.ravel()) == pytest.approx(o["iid"], abs=5e-8)
    assert clustered_standard_error(scores.ravel(), clusters) == pytest.approx(o["clustered"], abs=5e-8)
    assert clustered_standard_error(scores.ravel(), clusters, np.full(16, 3.0)) == pytest.approx(
        o["clustered"], abs=5e-8
    )


def test_unequal_weights_and_clusters_cost_effective_size() -> None:
    y = [1, 1, 1, 0, 1, 1, 0, 1, 1, 1]
    w = [1, 1, 1, 1, 2, 2, 2, 4, 4, 8]
    assert effective_size(y, w) == pytest.approx(kish_neff(w))
    assert effective_size(y) == 10
    together = effective_size([1, 1, 1, 1, 0, 0, 0, 0], clusters=[0, 0, 1, 1, 2, 2, 3, 3])
    assert together < 5
    assert effective_size([1, 1, 1, 1], clusters=[0, 0, 1, 1]) == 2
    assert effective_size([1, 1, 1, 1], [1, 1, 1, 3]) == kish_neff([1, 1, 1, 3])


def test_strata_that_explain_everything_leave_the_size_to_weights() -> None:
    y = [1] * 20 + [0] * 20
    assert effective_size(y, [1] * 20 + [2] * 20, strata=[0] * 20 + [1] * 20) == pytest.approx(
        kish_neff([1] * 20 + [2] * 20)
    )
    lone = effective_size([1, 0, 1, 0, 1], [1, 1, 1, 1, 5], strata=[0, 0, 0, 0, 1])
    assert 0 < lone < 5


def test_normal_interval_is_symmetric() -> None:
    assert normal(10, 2, 0.95) == Interval(10, pytest.approx(6.080072), pytest.approx(13.919928), 0.95)


@pytest.mark.parametrize("gap", [0.0, 0.3, 1.0, 4.0])
def test_two_ends_hold_a_share_that_is_at_one_of_them_as_often_as_the_level_says(gap: float) -> None:
    z = stats.norm.ppf((1 + level_between(gap, 1.0)) / 2)
    assert stats.norm.cdf(z + gap) - stats.norm.cdf(-z) == pytest.approx(0.9, abs=1e-6)


def test_ends_without_an_error_of_their_own_need_no_more_than_one_side_each() -> None:
    assert level_between(0.1, 0.0) == pytest.approx(0.8)
    assert level_between(0.0, 0.0) == 0.9
