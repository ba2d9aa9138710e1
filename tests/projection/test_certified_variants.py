"""A certified variant's tokens leave the bill once: measured, in the sum, never beside another model's certificate."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from planting import DAY, PRICES, START, Plant

from audit.config import Config
from audit.levers.certified_variants import LEVER
from audit.projection import projection
from audit.projection.bench import Bench, settings_of
from audit.projection.savings import LeverSaving, Savings

CALLS = 12
TODAY = 1000 * PRICES["input"] + 100 * PRICES["output"]


def planted(
    *, variant: str = "concise", changed: int = CALLS, input_tokens: int = 600, output_tokens: int = 50
) -> Plant:
    """Twelve requests of one workflow, all drawn; the first `changed` answered with the variant."""
    plant = Plant()
    for number in range(1, CALLS + 1):
        plant.call(at_us=START + number * DAY, key=number)
        plant.add(
            "sample",
            {"seed": 1, "prompt_key": number, "request_id": number, "workflow_id": 1, "model": "big", "requests": 1,
             "inclusion_probability": 1.0, "cost_pico": TODAY},
        )  # fmt: skip
        if number <= changed:
            plant.add(
                "replay",
                {"replay_id": number, "prompt_key": number, "request_id": number, "workflow_id": 1,
                 "current_model": "big", "endpoint": "openai", "model": "big", "variant": variant, "status": "ok",
                 "input_tokens": input_tokens, "output_tokens": output_tokens, "started_at_us": START,
                 "cost_pico": input_tokens * PRICES["input"] + output_tokens * PRICES["output"]},
            )  # fmt: skip
    plant.add("verdict", verdict(variant, 0.7))
    return plant


def verdict(variant: str, cost_ratio: float, word: str = "safe", model: str = "big") -> dict[str, object]:
    return {"workflow_id": 1, "current_model": "big", "endpoint": "openai", "model": model, "variant": variant,
            "verdict": word, "cost_ratio": cost_ratio, "n": CALLS, "loss_high": 0.04}  # fmt: skip


def lever(savings: Savings, name: str = "certified_variants") -> LeverSaving | None:
    return next((each for each in savings.levers if each.name == name), None)


def test_a_certified_variant_saves_the_tokens_it_was_measured_to_save() -> None:
    savings = projection(planted().store, Config())
    found = lever(savings)
    assert found is not None
    each = 400 * PRICES["input"] + 50 * PRICES["output"]
    assert found.alone_pico == found.attributed_pico == CALLS * each
    assert (found.evidence, found.requests) == ("C", CALLS)
    low, high = found.interval_pico
    assert low <= found.attributed_pico <= high
    assert savings.joint.saving_pico == sum(each.attributed_pico for each in savings.levers)


def test_prompts_the_variant_does_not_change_save_nothing() -> None:
    half = lever(projection(planted(changed=6).store, Config()))
    assert half is not None
    assert half.alone_pico == 6 * (400 * PRICES["input"] + 50 * PRICES["output"])
    assert half.requests == 6, "which prompts it changes is known of those that were drawn"


def test_a_drawn_prompt_saves_what_it_was_measured_to_and_others_the_ratio_of_these() -> None:
    plant = planted(changed=6)
    plant.store.run("UPDATE sample SET inclusion_probability = 0.5")
    plant.call(at_us=START + DAY, key=99)
    store = plant.store
    bench = Bench(store, settings_of([LEVER], {}), 2**60)
    bench.start()
    bench.apply(LEVER)
    left = {row["request_id"]: int(row["pico"]) for row in store.rows(
        "SELECT request_id, CAST(SUM(cost_pico) AS BIGINT) AS pico FROM remaining GROUP BY request_id")}  # fmt: skip
    shorter = 600 * PRICES["input"] + 50 * PRICES["output"]
    assert [left[number] for number in range(1, CALLS + 2)] == [shorter] * 6 + [TODAY] * 6 + [(shorter + TODAY) // 2]


def test_longer_answers_are_paid() -> None:
    found = lever(projection(planted(output_tokens=150).store, Config()))
    assert found is not None
    assert found.alone_pico == CALLS * (400 * PRICES["input"] - 50 * PRICES["output"])


def test_what_is_not_safe_or_not_cheaper_or_goes_to_another_model_saves_nothing() -> None:
    for other in (verdict("concise", 0.7, "unknown"), verdict("concise", 1.1)):
        plant = planted()
        plant.store.run("DELETE FROM verdict")
        plant.add("verdict", other)
        assert blocked(plant)
    plant = planted()
    plant.add("verdict", verdict("", 0.5, model="small"))
    assert blocked(plant)


def blocked(plant: Plant) -> bool:
    found = lever(projection(plant.store, Config()))
    return found is not None and found.blocked is not None and not found.attributed_pico


def test_tokens_an_earlier_lever_took_off_are_not_taken_off_again() -> None:
    store = planted().store
    halved = replace(
        LEVER, name="halved", prepare=None, rewrite="""
SELECT charge_id, request_id, position, sku_meter, provider_name, model, service_tier,
       CASE WHEN sku_meter = 'input' THEN consumed_quantity // 2 ELSE consumed_quantity END AS consumed_quantity,
       estimated, unit_price_pico
FROM remaining
""")  # fmt: skip
    bench = Bench(store, settings_of([halved, LEVER], {}), 2**60)
    bench.start()
    for each in (halved, LEVER):
        bench.apply(each)
    # of 1,000 tokens the variant leaves 600; 500 were left already
    assert int(bench.cost().sum()) == CALLS * (500 * PRICES["input"] + 50 * PRICES["output"])
