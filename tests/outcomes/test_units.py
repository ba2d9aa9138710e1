"""Cost per unit of business: models, other lines, clean-up."""

from __future__ import annotations

from typing import Any

import pytest

from audit.config import Config, CostConfig
from audit.errors import ConfigError
from audit.outcomes import UnitCosts, unit_costs
from tests.planting import DAY, PRICES, START, Plant

USD = 1_000_000_000_000
MONTH = 30.4375


def log() -> Plant:
    """Ten days; support costs $6 in six tasks of which one fails, search $2 in two tasks of one conversation."""
    plant = Plant()
    for number in range(8):
        plant.call(
            at_us=START + (number * 9 // 7) * DAY, key=number, input_tokens=USD // PRICES["input"], output_tokens=0,
            workflow_id=1 if number < 6 else 2, user_id=f"u{number % 3}", team="a" if number % 2 else "b",
            conversation_id="c" if number >= 6 else None, finish_reason="refusal" if number == 5 else "stop",
        )  # fmt: skip
    return plant


def costs(outcomes: dict[str, Any] | None = None, *lines: CostConfig) -> UnitCosts:
    return unit_costs(log().store, Config(outcomes=outcomes or {}, cost=lines))


def test_cost_lines_make_the_success_whole() -> None:
    result = costs(None, CostConfig("gpu", 3 * MONTH), CostConfig("index", MONTH, "search"))
    assert [each.cost_pico for each in result.others] == [30 * USD, 10 * USD]
    assert result.cost_pico == 48 * USD
    assert result.per_success_pico == pytest.approx(48 * USD / 7)


def test_a_unit_has_its_part_of_every_line() -> None:
    lines = (CostConfig("gpu", 4 * MONTH), CostConfig("index", MONTH, "search"))
    units = {
        "question": {"workflows": ["support"], "failed_usd": 2},
        "search": {"workflows": "search", "count_by": "conversation"},
        "ticket": {"units": 4},
        "of team a": {"teams": ["a"], "count_by": "request"},
    }
    question, search, ticket, team = costs(units, *lines).units
    assert (question.units, question.failed_tasks) == (5, 1)
    assert (question.model_pico, question.other_pico, question.cleanup_pico) == (6 * USD, 30 * USD, 2 * USD)
    assert question.per_unit_pico == pytest.approx(38 * USD / 5)
    assert (search.units, search.model_pico, search.other_pico) == (1, 2 * USD, 20 * USD)
    assert (ticket.counted, ticket.per_unit_pico) == ("stated", pytest.approx(58 * USD / 4))
    assert (team.units, team.model_pico, team.other_pico) == (4, 4 * USD, 25 * USD)


@pytest.mark.parametrize(
    ("outcomes", "message"),
    [
        ({"x": {"workflow": "support"}}, "did you mean 'workflows'?"),
        ({"x": {"count_by": "smile"}}, "one of task, conversation, user, request"),
        ({"x": 3}, 'write [outcomes."resolved ticket"] and its keys'),
        ({"x": {"units": -1}}, "see docs/configuration.md"),
    ],
)
def test_refused(outcomes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        costs(outcomes)
    assert error.value.hint == message


def test_a_cost_line_of_an_unknown_workflow_is_refused() -> None:
    with pytest.raises(ConfigError) as error:
        costs(None, CostConfig("index", 5, "serch"))
    assert error.value.hint == "did you mean 'search'?"


def test_nobody_succeeds_for_free() -> None:
    assert unit_costs(Plant().store, Config()).per_success_pico is None
    (unit,) = costs({"none": {"workflows": []}}).units
    assert (unit.units, unit.per_unit_pico) == (0, None)
