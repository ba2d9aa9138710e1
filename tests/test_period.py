"""How many days a log covers, wherever in a day it begins and ends."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from planting import DAY, MINUTE, START, Plant

from audit.config import Config
from audit.period import covered_days
from audit.projection import projection

HOUR = DAY // 24


def log(first: float, last: float, *, every: int = 6 * MINUTE, hours: tuple[int, int] = (0, 24)) -> Plant:
    """Requests at even intervals between two moments (days from midnight), within working hours."""
    plant = Plant()
    for at in range(round(first * DAY), round(last * DAY), every):
        if hours[0] * HOUR <= at % DAY < hours[1] * HOUR:
            plant.call(at_us=START + at)
    return plant


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [(0, 7, 7), (0, 7.5, 7.5), (8 / 24, 7 + 8 / 24, 7), (0.75, 10.25, 9.5), (0.5, 1.4, 1), (0, 2, 2), (0.3, 0.6, 1)],
)
def test_a_day_that_is_cut_counts_for_its_part(first: float, last: float, days: float) -> None:
    assert covered_days(log(first, last).store) == pytest.approx(days, abs=0.02)


def test_working_hours_make_whole_days() -> None:
    assert covered_days(log(9 / 24, 5, hours=(9, 17)).store) == 5
    assert covered_days(log(0.5, 5, hours=(9, 17)).store) == pytest.approx(4 + 5 / 8, abs=0.02)


def test_a_request_a_day_tells_nothing_of_when_days_begin() -> None:
    plant = Plant()
    for day, hour in enumerate((9, 3, 20, 5, 14, 7, 2)):
        plant.call(at_us=START + day * DAY + hour * HOUR)
    assert covered_days(plant.store) == 7


def test_days_without_traffic_between_count_and_a_log_without_times_has_none() -> None:
    plant = log(0, 3)
    plant.call(at_us=START + 9 * DAY + HOUR)
    assert covered_days(plant.store) == pytest.approx(9 + 1 / 24, abs=0.02)
    assert covered_days(Plant().store) == 0


def test_one_wrong_clock_does_not_make_a_week_two_years() -> None:
    plant = log(0, 7)
    plant.call(at_us=START - 700 * DAY)
    assert covered_days(plant.store) == pytest.approx(7, abs=1.01)


def test_month_figures_are_of_the_days_that_are_covered() -> None:
    plant = log(0, 7.5)
    savings = projection(plant.store, Config())
    assert savings.days == pytest.approx(7.5, abs=0.01)
    assert savings.monthly_baseline_pico == pytest.approx(savings.baseline_pico / 7.5 * 30.4375, rel=1e-3)
