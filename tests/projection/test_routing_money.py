"""What another model saves on the bill that is left: nothing of what caches answer or trims save counts again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
from planting import DAY, PRICES, START, Plant

from audit.config import Config
from audit.levers.routing import LEVER
from audit.projection import projection
from audit.projection.bench import Bench, settings_of

TODAY = 1000 * PRICES["input"] + 100 * PRICES["output"]
REPEATS = 6
CACHE = "SELECT * FROM remaining WHERE request_id NOT IN (2, 3, 4, 5, 6)"
HALVED = """
SELECT charge_id, request_id, position, sku_meter, provider_name, model, service_tier,
       CASE WHEN sku_meter = 'input' THEN consumed_quantity // 2 ELSE consumed_quantity END AS consumed_quantity,
       estimated, unit_price_pico
FROM remaining
"""


@dataclass(frozen=True)
class Drawn:
    """A drawn prompt: whether the candidate is asked and its answer kept, what that costs over today's model."""

    asked: int = 1
    kept: int = 1
    cost: float = 0.1
    output: float | None = None
    included: float = 1.0


def planted(prompts: Sequence[Drawn], *, priced: bool = True) -> Plant:
    """The first prompt comes six times, the others once; all are drawn, and the workflow may go to another model."""
    plant = Plant()
    for key, drawn in enumerate(prompts, start=1):
        times = REPEATS if key == 1 else 1
        request, *_ = [plant.call(at_us=START + (key + place) * DAY, key=key) for place in range(times)]
        plant.add(
            "replay",
            {"replay_id": key, "prompt_key": key, "request_id": request, "workflow_id": 1, "current_model": "big",
             "endpoint": "e", "model": "small", "variant": "", "status": "ok", "started_at_us": START},
        )  # fmt: skip
        if priced:
            plant.add(
                "priced_unit",
                {"workflow_id": 1, "current_model": "big", "endpoint": "e", "model": "small", "prompt_key": key,
                 "weight": 1.0, "included": drawn.included, "stratum": "", "cluster": str(key), "asked": drawn.asked,
                 "kept": drawn.kept, "cost_ratio": drawn.cost, "output_ratio": drawn.output},
            )  # fmt: skip
    plant.add(
        "verdict",
        {"workflow_id": 1, "current_model": "big", "endpoint": "e", "model": "small", "variant": "",
         "verdict": "safe", "cost_ratio": 0.5, "n": len(prompts), "loss_high": 0.04},
    )  # fmt: skip
    return plant


def left(plant: Plant, *before: str) -> float:
    """What is paid after a plan of these rewritings and the switch, in costs of a request today."""
    earlier = [
        replace(LEVER, name=f"earlier_{place}", stage="SHRINK", prepare=None, rewrite=sql)
        for place, sql in enumerate(before)
    ]
    bench = Bench(plant.store, settings_of([*earlier, LEVER], {}), 2**60)
    bench.start()
    for lever in (*earlier, LEVER):
        bench.apply(lever)
    return int(bench.cost().sum()) / TODAY


def test_a_prompt_that_a_cache_answers_no_longer_tells_what_the_rest_costs() -> None:
    prompts = [Drawn(cost=0.9), *[Drawn(cost=0.1)] * 6]
    assert left(planted(prompts)) == pytest.approx(6 * 0.9 + 6 * 0.1)
    assert left(planted(prompts), CACHE) == pytest.approx(0.9 + 6 * 0.1)


def test_a_router_is_credited_with_what_it_sends_of_what_is_left() -> None:
    prompts = [Drawn(), *[Drawn()] * 2, *[Drawn(asked=0, kept=0)] * 4]
    assert left(planted(prompts)) == pytest.approx(8 * 0.1 + 4, abs=1), "whole requests are drawn"
    assert left(planted(prompts), CACHE) == pytest.approx(3 * 0.1 + 4, abs=1)


def test_what_a_verifier_sends_back_is_paid_twice_of_what_is_left() -> None:
    prompts = [Drawn(kept=0, cost=0.2), *[Drawn(cost=0.2)] * 6]
    assert left(planted(prompts)) == pytest.approx(12 * 0.2 + 6)
    assert left(planted(prompts), CACHE) == pytest.approx(7 * 0.2 + 1)


def test_a_shorter_prompt_does_not_make_the_candidates_answer_cheaper() -> None:
    prompts = [Drawn(cost=0.3, output=0.25)] * 7
    assert left(planted(prompts)) == pytest.approx(12 * 0.3)
    assert left(planted(prompts), HALVED) == pytest.approx(12 * (0.05 / 2 + 0.25))


def test_verdicts_of_an_earlier_version_are_not_guessed_at() -> None:
    savings = projection(planted([Drawn()] * 7, priced=False).store, Config())
    routing = next(each for each in savings.levers if each.name == "routing")
    assert routing.attributed_pico == 0
    assert "decides anew" in (routing.blocked or "")


def test_the_interval_of_the_log_is_what_the_draw_leaves_open() -> None:
    some = [Drawn(cost=0.1 * (1 + place % 5), included=0.5) for place in range(12)]
    doubted, census = (
        projection(planted(each).store, Config()) for each in (some, [replace(each, included=1.0) for each in some])
    )
    for savings, wide in ((doubted, True), (census, False)):
        routing = next(each for each in savings.levers if each.name == "routing")
        low, high = routing.log_interval_pico
        assert low <= routing.attributed_pico <= high
        assert savings.joint.log_interval_pico[1] - savings.joint.log_interval_pico[0] == high - low, (
            "none else is drawn"
        )
        assert (high - low > 0.02 * routing.attributed_pico) is wide
        assert routing.interval_pico[1] - routing.interval_pico[0] > high - low, "other days differ as well"


def test_the_draw_is_weighed_on_the_bill_that_is_left() -> None:
    prompts = [Drawn(cost=0.1), *[Drawn(cost=0.1 * (1 + place % 5), included=0.5) for place in range(12)]]
    cached = planted(prompts)
    cached.store.run("UPDATE request SET environment = 'staging' WHERE request_id BETWEEN 2 AND 6")
    alone = planted(prompts)
    found = []
    for plant in (alone, cached):
        routing = next(each for each in projection(plant.store, Config()).levers if each.name == "routing")
        low, high = routing.log_interval_pico
        found.append((high - low) / TODAY)
    assert found[1] == pytest.approx(found[0], rel=0.05), "the doubt is about prompts that no lever before took away"
