"""`[budgets]`: what is read, what is refused, and which limits do not hold."""

from __future__ import annotations

import math
from typing import Any

import pytest

from audit.checking import Check, Limit, checking, limits
from audit.errors import ConfigError
from tests.planting import DAY, PRICES, START, Plant

USD = 1_000_000_000_000


def test_read() -> None:
    read = limits({"month_usd": 9, "workflow": {"faq": {"day_usd": 1.5, "error_share": 0.1}}, "team": {"support": 300}})
    assert read == (
        Limit("month_usd", 9),
        Limit("day_usd", 1.5, "workflow", "faq"),
        Limit("error_share", 0.1, "workflow", "faq"),
        Limit("month_usd", 300, "team", "support"),
    )


@pytest.mark.parametrize(
    ("budgets", "hint"),
    [
        ({"mnth_usd": 1}, "did you mean 'month_usd'?"),
        ({"workflows": {"a": 1}}, "did you mean 'workflow'?"),
        ({"workflow": {"a": {"dayusd": 1}}}, "did you mean 'day_usd'?"),
        ({"workflow": 3}, "did you mean 'workflow'?"),
        ({"day_usd": "much"}, "see docs/configuration.md"),
        ({"day_usd": True}, "see docs/configuration.md"),
        ({"day_usd": -1}, "see docs/configuration.md"),
    ],
)
def test_refused(budgets: dict[str, Any], hint: str) -> None:
    with pytest.raises(ConfigError) as error:
        limits(budgets)
    assert error.value.hint == hint


def check(budgets: dict[str, Any], since: str | None = None) -> Check:
    """Two days: $2 and $4 of search and support; a failure; one task that succeeded only at the second attempt."""
    plant = Plant()
    dollar = USD // PRICES["input"]
    for day, workflow, team in ((0, 1, "a"), (0, 2, "b"), (1, 1, "a"), (1, 1, "a"), (1, 2, "b"), (1, 2, "b")):
        plant.call(
            at_us=START + day * DAY, input_tokens=dollar, output_tokens=0, workflow_id=workflow, team=team,
            request_model="big", user_id="u",
        )  # fmt: skip
    plant.call(at_us=START + DAY, input_tokens=0, output_tokens=0, status="failed", finish_reason=None, team="a")
    return checking(plant.store, limits(budgets), since=since)


def over(result: Check) -> list[tuple[str, str, str, float]]:
    return [(each.limit.quantity, each.limit.name, each.when, each.actual) for each in result.breaches]


def test_limits_that_do_not_hold() -> None:
    result = check({
        "total_usd": 5.5, "day_usd": 2, "month_usd": 6, "request_usd": 0.9, "error_share": 0.1,
        "requests_per_minute": 4, "tokens_per_minute": 10**9,
        "workflow": {"search": {"day_usd": 1.5}, "support": 3.1}, "team": {"a": 2.5}, "model": {"big": 100},
    })  # fmt: skip
    assert over(result) == [
        ("total_usd", "", "", 6.0),
        ("day_usd", "", "2024-10-05", 4.0),
        ("request_usd", "", "", 1.0),
        ("error_share", "", "", pytest.approx(1 / 7)),
        ("requests_per_minute", "", "", 5.0),
        ("day_usd", "search", "2024-10-05", 2.0),
        ("month_usd", "a", "2024-10", 3.0),
    ]
    assert result.breaches[0].reason == "spend of the period is $6.00, limit $5.50"
    assert result.breaches[-1].reason == "team a: spend of a month (2024-10) is $3.00, limit $2.50"
    assert result.checked == 11


def test_cost_per_success_counts_what_failed() -> None:
    assert over(check({"per_success_usd": 1.0})) == []
    plant = Plant()
    plant.call(at_us=START, input_tokens=USD // PRICES["input"], output_tokens=0, finish_reason="refusal")
    result = checking(plant.store, limits({"per_success_usd": 5}))
    assert math.isinf(result.breaches[0].actual)
    assert "infinite" in result.breaches[0].reason


def test_earlier_days_are_left_out_but_months_count_whole() -> None:
    assert over(check({"total_usd": 4.5, "month_usd": 5}, since="1d")) == [("month_usd", "", "2024-10", 6.0)]
    assert over(check({"day_usd": 1.0}, since="2024-10-05")) == [("day_usd", "", "2024-10-05", 4.0)]
    with pytest.raises(ConfigError):
        check({}, since="yesterday")


def test_names_nothing_has_are_told_with_the_nearest() -> None:
    result = check({"workflow": {"serch": 1, "zzz": 1}})
    assert [(limit.name, near) for limit, near in result.unknown] == [("serch", "search"), ("zzz", "")]
    assert not result.breaches


def test_an_empty_audit_file_breaks_nothing() -> None:
    budgets = dict.fromkeys(("total_usd", "per_success_usd", "error_share", "rise", "requests_per_minute"), 0)
    assert not checking(Plant().store, limits(budgets)).breaches
