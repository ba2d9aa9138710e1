"""Which stretches of a log are resampled: whole days, wherever in a day the log begins."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
import pytest
from planting import DAY, START, Plant

from audit.config import Config
from audit.projection import Savings, projection

HOUR = DAY // 24


def hourly(first: int, hours: int, working: bool = False) -> Savings:
    """A log of a call every hour, or of working hours alone; every one a health check that needs no model."""
    plant = Plant()
    for hour in range(first, first + hours):
        if not working or 9 <= hour % 24 < 17:
            plant.call(at_us=START + hour * HOUR, key=hour, environment="staging")
    plant.call(at_us=START + first * HOUR, key=1, environment="production")
    return projection(plant.store, Config())


@pytest.mark.parametrize(("first", "hours", "count"), [(0, 14 * 24, 14), (8, 14 * 24, 14), (13, 6 * 24, 6)])
def test_a_log_that_begins_within_a_day_has_as_many_days_as_it_is_long(first: int, hours: int, count: int) -> None:
    savings = hourly(first, hours)
    assert (savings.blocks, savings.block_hours) == (count, 24)
    low, high = savings.joint.interval_pico
    assert high - low < 0.02 * savings.joint.saving_pico, "all days are alike"


def test_working_days_stay_apart_and_a_last_day_in_full_counts() -> None:
    assert hourly(9, 4 * 24 + 8, working=True).blocks == 5
    assert hourly(0, 6 * 24 + 20).blocks == 7


def test_a_log_of_few_days_is_cut_into_shorter_blocks() -> None:
    savings = hourly(3, 48)
    assert (savings.blocks, savings.block_hours) == (8, 6)
