"""How far resampled days reach: as far as few of them demand, and never below nothing where nothing can cost more."""

from __future__ import annotations

import numpy as np
import pytest

from audit.config import ProjectionConfig
from audit.projection.bench import Pico
from audit.projection.bounds import Bounds


def bounds_of(days: int) -> Bounds:
    return Bounds.of(ProjectionConfig(), None, pico(np.ones(days)), float(days))


def pico(by_day: np.ndarray) -> Pico:
    return np.array([int(each) for each in by_day], dtype=object)


@pytest.mark.parametrize("days", [5, 7, 14, 28])
def test_nine_in_ten_intervals_of_a_few_days_hold_the_mean_of_all_days(days: int) -> None:
    bounds, random = bounds_of(days), np.random.default_rng(7)
    held = 0
    for _ in range(600):
        low, high = bounds.interval(bounds.joint([(pico(random.normal(1e6, 1e5, days)), None)]))
        held += low <= days * 1e6 <= high
    assert 0.87 <= held / 600 <= 0.93


def test_a_saving_of_one_day_is_never_drawn_as_a_cost() -> None:
    bounds = bounds_of(7)
    draws = bounds.joint([(pico(np.array([5e6, 0, 0, 0, 0, 0, 0])), None)])
    assert draws.min() == 0
    costing = bounds.joint([(pico(np.array([5e6, -1e6, 0, 0, 0, 0, 0])), None)])
    assert costing.min() < 0


def test_days_all_alike_leave_nothing_open_and_one_block_tells_nothing_of_others() -> None:
    for days in (1, 5):
        bounds = bounds_of(days)
        assert bounds.interval(bounds.joint([(pico(np.full(days, 1e6)), None)])) == (days * 10**6, days * 10**6)


def test_the_logs_own_days_are_not_drawn() -> None:
    bounds = bounds_of(5)
    steps = [(pico(np.array([1e6, 2e6, 3e6, 4e6, 5e6])), np.linspace(0.9, 1.1, bounds.draws))]
    assert bounds.interval(bounds.joint(steps, other_days=False)) == pytest.approx((15e6 * 0.91, 15e6 * 1.09))
