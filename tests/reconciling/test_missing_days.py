"""What days without a request can have cost, and the verdicts that rest on it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from audit.reconciling import Reconciliation, reconciling
from audit.reconciling.missing_days import Plausible, plausible
from tests.reconciling.conftest import FIRST, Log, date

MONDAY = 20_500
"""2026-02-16"""
GPT = "gpt-4.1-2025-04-14"
DOLLARS = 500_000
"""Input tokens of GPT that cost a dollar."""


def week(working: list[int], weekend: list[int]) -> dict[int, int]:
    """Costs of two weeks by day: five working days and two of a weekend, each twice."""
    return {MONDAY + 7 * number + place: cost for number in (0, 1) for place, cost in enumerate([*working, *weekend])}


def logged(log: Log, days: dict[int, float]) -> None:
    """One request on each day (counted from the first) for so many dollars, and three more to make it busy."""
    for day, dollars in days.items():
        for hour in (3, 9, 15, 21):
            log.call(day, GPT, hour=hour, input=round(dollars * DOLLARS / 4))


def of_total(log: Log, dollars: float, days: int) -> Reconciliation:
    return reconciling(
        log.store, [], catalogue=log.catalogue, total=Decimal(str(dollars)), first_day=FIRST, last_day=FIRST + days - 1
    )


def test_the_interval_of_new_days_by_hand() -> None:
    # 4 days: mean 10, variance (4 + 0 + 0 + 4) / 3; 2 new ones: 2 s² (1 + 2/4) = 8, t(0.975, 3) = 3.1824
    found = plausible({MONDAY: 8, MONDAY + 1: 10, MONDAY + 2: 10, MONDAY + 3: 12}, [MONDAY + 7, MONDAY + 8])
    assert found == Plausible(20, 11, 29)


def test_weekends_have_a_mean_of_their_own() -> None:
    costs = week([100, 102, 98, 101, 99], [10, 12])
    saturday = plausible(costs, [MONDAY + 19])
    monday = plausible(costs, [MONDAY + 14])
    assert saturday is not None
    assert monday is not None
    assert (saturday.estimate, monday.estimate) == (11, 100)
    assert saturday.high < 20 < monday.low


def test_a_weekend_costs_nothing_where_all_were_silent() -> None:
    costs = {day: cost for day, cost in week([100, 102, 98, 101, 99], [0, 0]).items() if cost}
    assert plausible(costs | {MONDAY + 14: 100}, [MONDAY + 5, MONDAY + 6]) == Plausible(0, 0, 0)


def test_two_days_tell_nothing() -> None:
    assert plausible({MONDAY: 10, MONDAY + 1: 11}, [MONDAY + 2]) is None


@pytest.mark.parametrize(
    ("dollars", "verdict"),
    [
        (20 * 100 + 100, "explained"),
        (20 * 100 - 100, "explained"),
        (20 * 100 + 900, "not_reconciled"),
        (20 * 100 - 900, "not_reconciled"),
    ],
)
def test_a_sum_is_explained_where_the_missing_days_can_have_cost_it(dollars: float, verdict: str, log: Log) -> None:
    logged(log, {day: 100 + (day % 3 - 1) * 15 for day in range(9)} | {9: 100})
    assert of_total(log, dollars, 20).verdict == verdict


def test_what_is_beyond_the_missing_days_stays_open_in_dollars(log: Log) -> None:
    logged(log, dict.fromkeys(range(10), 100))
    found = of_total(log, 2_500, 20)
    assert {each.name: each.pico // 10**12 for each in found.causes} == {"missing_log_days": 1_000, "unexplained": 500}
    assert found.unexplained_pico == 500 * 10**12
    assert "$500.00 (20.0 %) is unexplained" in found.reason


def test_quiet_days_of_a_sparse_log_need_not_have_cost_anything(log: Log) -> None:
    for day in (0, 9, 19):
        log.call(day, GPT, input=10 * DOLLARS)
    assert of_total(log, 33, 20).verdict == "explained"


def test_days_inside_a_busy_log_cost_what_its_days_cost(log: Log) -> None:
    logged(log, {day: 100 + day % 2 for day in range(20) if day not in (7, 8)})
    assert of_total(log, 2_010, 20).verdict == "explained"
    assert of_total(log, 1_880, 20).verdict == "not_reconciled"


def test_a_monthly_line_is_weighed_the_same_way(log: Log, tmp_path: Path) -> None:
    logged(log, {day: 100 + (day % 3 - 1) * 5 for day in range(10)})
    path = tmp_path / "month.csv"

    def verdict(dollars: int) -> str:
        path.write_text(
            "BilledCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ProviderName,ChargeDescription\n"
            f"{dollars},USD,{date(0)}T00:00:00Z,{date(20)}T00:00:00Z,Usage,OpenAI,\n"
        )
        return reconciling(log.store, [path], catalogue=log.catalogue).verdict

    assert [verdict(dollars) for dollars in (2_000, 3_000, 1_300)] == ["explained", "not_reconciled", "not_reconciled"]
