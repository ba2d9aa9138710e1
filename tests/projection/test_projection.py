"""The projection: what adds up must add up, and nothing is counted twice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
from planting import DAY, MINUTE, START, Plant

from audit.config import Config, ContractConfig, ProjectionConfig
from audit.errors import ConfigError
from audit.projection import Savings, projection

COST = 1000 * 2_000_000 + 100 * 8_000_000


def project(plant: Plant, **settings: object) -> Savings:
    return projection(plant.store, Config(**settings))  # type: ignore[arg-type]


def lever(savings: Savings, name: str):  # type: ignore[no-untyped-def]
    return next(each for each in savings.levers if each.name == name)


def test_repeated_question_is_saved_once_by_one_of_the_caches() -> None:
    plant = Plant()
    for number in range(10):
        plant.call(at_us=START + number * 10 * MINUTE, key=7, texts=(("hours?", 10),))
    result = project(plant)
    exact = lever(result, "exact_cache")
    assert exact.alone_pico == 9 * COST
    assert exact.requests == 9
    assert lever(result, "normalised_cache").attributed_pico == 0
    assert result.joint.saving_pico == 9 * COST


def test_time_words_are_never_cached() -> None:
    plant = Plant()
    for number in range(10):
        plant.call(at_us=START + number * 10 * MINUTE, key=7, texts=(("what is open today?", 10),))
    assert lever(project(plant), "exact_cache").alone_pico == 0


def test_entries_expire_with_their_life() -> None:
    plant = Plant()
    for number in range(4):
        plant.call(at_us=START + number * 2 * DAY, key=7, texts=(("hours?", 10),))
    assert lever(project(plant), "exact_cache").alone_pico == 0
    assert lever(project(plant, levers={"exact_cache": {"ttl_s": 10 * 86_400}}), "exact_cache").alone_pico == 3 * COST


def test_batch_takes_the_price_rows_of_its_tier_and_overlaps_are_not_counted_twice() -> None:
    plant = Plant()
    for number in range(10):
        plant.call(
            at_us=START + number * 10 * MINUTE, key=7, environment="nightly", texts=(("report", 10),), cached=512
        )
    result = project(plant)
    one = 488 * 2_000_000 + 512 * 500_000 + 100 * 8_000_000
    assert lever(result, "batch").alone_pico == 10 * one // 2
    assert lever(result, "exact_cache").alone_pico == 9 * one
    assert lever(result, "batch").attributed_pico == one // 2
    assert result.joint.saving_pico == 9 * one + one // 2


def test_steps_add_up_to_the_joint_saving_and_stages_too() -> None:
    plant = mixed_plant()
    result = project(plant)
    assert sum(each.attributed_pico for each in result.levers) == result.joint.saving_pico
    assert sum(stage.shapley_pico for stage in result.stages) == result.joint.saving_pico
    assert result.joint.interval_pico[0] <= result.joint.saving_pico <= result.joint.interval_pico[1]
    assert 0 < result.joint.bankable_pico <= result.joint.saving_pico


def mixed_plant() -> Plant:
    plant = Plant()
    for day in range(12):
        for number in range(6 + day % 4):
            at = START + day * DAY + number * 30 * MINUTE
            plant.call(at_us=at, key=100 + number % 3, user_id=f"u{number}", texts=((f"question {number % 3}", 10),))
            plant.call(at_us=at + MINUTE, key=1000 + day * 50 + number, environment="batch", workflow_id=2)
        again = START + day * DAY + 20 * 60 * MINUTE
        plant.call(at_us=again, key=9000 + day, user_id="u9", texts=((f"slow {day}", 10),), duration=30.0)
        plant.call(at_us=again + 10_000_000, key=9000 + day, user_id="u9", texts=((f"slow {day}", 10),))
    return plant


def test_result_does_not_depend_on_the_order_of_rows() -> None:
    plant = mixed_plant()
    first = project(plant)
    plant.store.run("CREATE TABLE shuffled AS SELECT * FROM charge ORDER BY consumed_quantity, request_id DESC")
    plant.store.run("DELETE FROM charge")
    plant.store.run("INSERT INTO charge SELECT * FROM shuffled")
    assert project(plant) == first


def test_a_log_without_text_blocks_text_levers_instead_of_saying_zero() -> None:
    plant = Plant()
    for number in range(5):
        plant.call(at_us=START + number * DAY, key=None, text_status="absent")
    exact = lever(project(plant), "exact_cache")
    assert exact.alone_pico is None
    assert exact.blocked is not None
    assert "no prompt text" in exact.blocked


def test_estimated_charges_stay_out_while_any_are_logged() -> None:
    plant = Plant()
    plant.call(at_us=START, key=1)
    plant.call(at_us=START + DAY, key=2, estimated=True)
    result = project(plant)
    assert result.baseline_pico == COST
    assert not result.estimated


def test_only_estimates_are_simulated_and_said_to_be_estimates() -> None:
    plant = Plant()
    plant.call(at_us=START, key=1, estimated=True)
    result = project(plant)
    assert result.baseline_pico == COST
    assert result.estimated


def test_empty_audit_file_gives_an_empty_projection() -> None:
    result = project(Plant())
    assert result.baseline_pico == 0
    assert result.joint.saving_pico == 0


def test_unknown_lever_setting_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="unknown setting 'ttl'"):
        project(Plant(), levers={"exact_cache": {"ttl": 1}})


@pytest.mark.parametrize(("differing", "risk"), [(0, "low"), (1, "medium"), (9, "high")])
def test_a_cache_is_as_risky_as_repeated_answers_differ(differing: int, risk: str) -> None:
    plant = Plant()
    for number in range(10):
        plant.call(
            at_us=START + number * 10 * MINUTE, key=7, texts=(("hours?", 10),), output_hash=1,
            output_normalised_hash=number if number and number <= differing else 100,
        )  # fmt: skip
    exact = lever(project(plant), "exact_cache")
    assert exact.risk == risk
    assert (
        f"of 9 repeated questions were answered in other words than a cache would have used: the risk is {risk}"
        in (exact.conditions[-1])
    )


# the bill is ten requests; a month is the period of the log
@pytest.mark.parametrize(("committed", "beyond"), [(0.5, 9.5), (5.0, 5.0), (10.0, 0.0), (20.0, 0.0)])
def test_bankable_stops_at_a_commitment(committed: float, beyond: float) -> None:
    plant = Plant()
    for number in range(10):
        plant.call(at_us=START + number * 10 * MINUTE, key=7, texts=(("hours?", 10),))
    promised = ContractConfig(provider="openai", model="*", commitment_usd_per_month=committed * COST / 1e12)
    even = ProjectionConfig(realisation=dict.fromkeys("ABCD", 1.0), month_days=1.0)
    free = projection(plant.store, Config(projection=even))
    held = projection(plant.store, Config(projection=even, contract=[promised]))
    assert held.joint.saving_pico == free.joint.saving_pico == 9 * COST
    assert held.joint.bankable_pico == min(free.joint.bankable_pico, round(beyond * COST))
