from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.statistics.intervals import clopper_pearson
from audit.statistics.series import (
    interval_score,
    log_linear_trend,
    spend_bridge,
)


def test_forecast_matches_the_worked_example(oracles: dict[str, Any]) -> None:
    o = oracles["forecast"]
    trend = log_linear_trend(o["m"])
    assert trend.growth == pytest.approx(o["growth"], abs=5e-8)
    for ahead in (3, 6):
        interval = trend.forecast(ahead, 0.8)
        assert [interval.estimate, interval.low, interval.high] == pytest.approx(o[f"h{ahead}"], abs=0.005)


@given(st.floats(1, 1e6), st.floats(-0.2, 0.2), st.integers(3, 30))
def test_even_growth_is_found_exactly(start: float, growth: float, periods: int) -> None:
    values = [start * (1 + growth) ** k for k in range(periods)]
    trend = log_linear_trend(values)
    assert trend.growth == pytest.approx(growth, abs=1e-7)
    assert trend.forecast(2).estimate == pytest.approx(values[-1] * (1 + growth) ** 2, rel=1e-6)


def test_damping_fades_growth_and_uncertainty_grows_with_distance() -> None:
    trend = log_linear_trend([52, 58, 61, 70, 74, 83])
    assert trend.forecast(5, damping=0.9).estimate < trend.forecast(5).estimate
    near, far = trend.forecast(1), trend.forecast(6)
    assert math.log(far.high / far.low) > math.log(near.high / near.low)


@pytest.mark.parametrize("ahead", [0, 7])
def test_a_forecast_reaches_no_further_than_its_history(ahead: int) -> None:
    with pytest.raises(ValueError, match="history"):
        log_linear_trend([52, 58, 61, 70, 74, 83]).forecast(ahead)


@pytest.mark.parametrize("values", [[1, 2], [1, 0, 2], []])
def test_a_trend_needs_positive_values(values: list[float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        log_linear_trend(values)


def test_forecast_intervals_cover() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        logs = 0.03 * np.arange(14) + rng.normal(0, 0.1, 14)
        covered += math.exp(logs[13]) in log_linear_trend(np.exp(logs[:10])).forecast(4)
    assert 0.86 <= covered / 400 <= 0.94


def test_bridge_matches_the_worked_example(oracles: dict[str, Any]) -> None:
    o = oracles["bridge"]
    before = [(1000, 500, 2e-6), (200, 2000, 2e-6)]
    after = [(1500, 500, 2e-6), (200, 3000, 1.5e-6)]
    bridge = spend_bridge(before, after)
    assert bridge.volume + bridge.mix == pytest.approx(o["volume"])
    assert bridge.tokens_per_request == pytest.approx(o["tokens_per_request"])
    assert bridge.price == pytest.approx(o["price"])
    assert bridge.total == pytest.approx(o["total"])


def test_what_came_or_went_is_mix_and_growth_at_one_mix_is_volume() -> None:
    new = spend_bridge([(10, 1, 1), (0, math.nan, math.nan)], [(10, 1, 1), (5, 2, 3)])
    assert (new.volume + new.mix, new.tokens_per_request, new.price, new.total) == (30, 0, 0, 30)
    gone = spend_bridge([(10, 1, 1), (5, 2, 3)], [(10, 1, 1), (0, 0, 0)])
    assert (gone.volume + gone.mix, gone.tokens_per_request, gone.price, gone.total) == (-30, 0, 0, -30)
    even = spend_bridge([(10, 1, 1), (20, 2, 1)], [(15, 1, 1), (30, 2, 1)])
    assert even == (25, 0, 0, 0, 25)
    first = spend_bridge([(0, 0, 0), (0, math.nan, 1)], [(4, 2, 1), (0, 0, 0)])
    assert (first.volume, first.mix, first.total) == (8, 0, 8)


factors = st.tuples(st.integers(0, 1000), st.floats(0, 1e4), st.floats(0, 1e-3))


@given(st.lists(st.tuples(factors, factors), min_size=1, max_size=8))
def test_bridge_sums_to_the_change(cells: list[tuple[tuple[float, ...], tuple[float, ...]]]) -> None:
    before, after = (list(side) for side in zip(*cells, strict=True))
    bridge = spend_bridge(before, after)
    scale = (
        1
        + sum(math.prod(c) for c in (*before, *after))
        + sum(a[0] * max(a[1], b[1]) * max(a[2], b[2]) for a, b in cells)
    )
    assert sum(bridge[:4]) == pytest.approx(bridge.total, abs=1e-9 * scale)
    change = math.fsum(math.prod(c) for c in after) - math.fsum(math.prod(c) for c in before)
    assert bridge.total == pytest.approx(change, abs=1e-9 * scale)


def test_interval_score_matches_the_worked_example(oracles: dict[str, Any]) -> None:
    for key, expected in oracles["interval_score_90"].items():
        assert interval_score(8, 12, float(key[1:]), 0.9) == pytest.approx(expected)


def test_coverage_of_past_projections_is_itself_uncertain() -> None:
    interval = clopper_pearson(17, 20, 0.95)
    assert (interval.low, interval.high) == pytest.approx((0.62, 0.97), abs=0.005)
