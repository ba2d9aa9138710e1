"""A saving measured at a price that only the configuration states says so."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from planting import DAY, START, Plant

from audit.config import Config, EndpointConfig
from audit.export.documents import savings_document
from audit.projection import projection


def _plant() -> Plant:
    plant = Plant()
    for number in range(1, 13):
        plant.call(at_us=START + number * DAY, key=number)
        plant.add(
            "sample",
            {"seed": 1, "prompt_key": number, "request_id": number, "workflow_id": 1, "model": "big", "requests": 1,
             "inclusion_probability": 1.0, "cost_pico": 2_800_000_000},
        )  # fmt: skip
        plant.add(
            "replay",
            {"replay_id": number, "prompt_key": number, "request_id": number, "workflow_id": 1, "current_model": "big",
             "endpoint": "house", "model": "small", "variant": "", "status": "ok", "cost_pico": 280_000_000,
             "started_at_us": START},
        )  # fmt: skip
        plant.add(
            "priced_unit",
            {"workflow_id": 1, "current_model": "big", "endpoint": "house", "model": "small", "prompt_key": number,
             "weight": 1.0, "included": 1.0, "stratum": "", "cluster": str(number), "asked": 1, "kept": 1,
             "cost_ratio": 0.1},
        )  # fmt: skip
    plant.add(
        "verdict",
        {"workflow_id": 1, "current_model": "big", "endpoint": "house", "model": "small", "variant": "",
         "verdict": "safe", "cost_ratio": 0.1, "n": 12},
    )  # fmt: skip
    return plant


def test_the_stated_price_stands_beside_the_measured_saving() -> None:
    house = EndpointConfig("house", input_per_million=0.11, output_per_million=0.44)
    savings = projection(_plant().store, Config(endpoint=(house,)))
    routing = next(lever for lever in savings_document(savings)["levers"] if lever["name"] == "routing")
    assert routing["alone_usd"] > 0
    (sentence,) = routing["stated_prices"]
    assert sentence.startswith("small is counted at $0.11 and $0.44 per million input and output tokens")
    others = [lever["stated_prices"] for lever in savings_document(savings)["levers"] if lever["name"] != "routing"]
    assert not any(others)


def test_a_candidate_at_list_prices_states_none() -> None:
    savings = projection(_plant().store, Config(endpoint=(EndpointConfig("house"),)))
    assert not any(lever.stated_prices for lever in savings.levers)


def test_requests_with_media_move_only_where_some_were_tested() -> None:
    plant = _plant()
    picture = {"direction": "input", "role": "user", "kind": "media", "position": 1}
    plant.add("segment", *({**picture, "request_id": number} for number in (2, 3)))
    assert _moved(plant) == 12
    plant.store.run("DELETE FROM replay WHERE request_id IN (2, 3)")
    assert _moved(plant) == 10


def _moved(plant: Plant) -> int:
    savings = projection(plant.store, Config())
    return next(lever.requests for lever in savings.levers if lever.name == "routing")
