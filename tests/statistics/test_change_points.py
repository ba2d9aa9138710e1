from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.statistics.change_points import ChangePoint, change_points

WEEK = np.array([1.0, 1.05, 1.1, 1.05, 1.0, 0.4, 0.35])


def test_a_step_is_found_on_its_day() -> None:
    assert change_points([10.0] * 12 + [16.0] * 9) == [ChangePoint(12, 10, 16)]


def test_up_and_down_again() -> None:
    found = change_points([10.0] * 8 + [30.0] * 6 + [10.0] * 8)
    assert [c.day for c in found] == [8, 14]
    assert found[1] == (14, 30, 10)


def test_one_odd_day_and_even_noise_are_no_change() -> None:
    rng = np.random.default_rng(1)
    spiked = 100 * np.exp(rng.normal(0, 0.1, 30))
    spiked[11] *= 12
    assert change_points(spiked) == []
    alarms = sum(bool(change_points(100 * np.exp(rng.normal(0, 0.2, 60)))) for _ in range(60))
    assert alarms <= 4


def test_the_week_is_no_change_and_hides_none() -> None:
    rng = np.random.default_rng(2)
    days = 50 * np.tile(WEEK, 6) * np.exp(rng.normal(0, 0.05, 42))
    assert change_points(days) == []
    days[24:] *= 1.6
    assert [c.day for c in change_points(days)] == [24]


@pytest.mark.parametrize("daily", [[], [5.0], [0.0] * 30, [3.0] * 40])
def test_nothing_to_tell(daily: list[float]) -> None:
    assert change_points(daily) == []


def test_spending_that_starts_or_stops() -> None:
    assert [c.day for c in change_points([0.0] * 10 + [5.0] * 10)] == [10]
    assert [c.day for c in change_points([5.0] * 10 + [0.0] * 10)] == [10]


@given(st.lists(st.floats(0, 1000), min_size=0, max_size=30), st.sampled_from([0.01, 100.0]))
def test_changes_are_ordered_spaced_and_free_of_the_currency(daily: list[float], rate: float) -> None:
    found = change_points(daily, season=1)
    edges = [0, *[c.day for c in found], len(daily)]
    assert not found or min(np.diff(edges)) >= 3
    assert all(a.after == b.before for a, b in pairwise(found))
