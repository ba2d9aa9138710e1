"""Offline traffic, tagged, named or only looking like it; double sends and runaway answers say where they happen."""

from __future__ import annotations

from typing import Any

import pytest

from audit.errors import ConfigError
from tests.levers.bench import findings, lever, saved
from tests.planting import DAY, MINUTE, PRICES, START, Plant

HOUR = 60 * MINUTE
CALL = 1000 * PRICES["input"] + 100 * PRICES["output"]


def nightly(plant: Plant, days: int = 4, each: int = 20, **columns: Any) -> None:
    """A job at three at night: some calls on each of some days."""
    for day in range(days):
        for number in range(each):
            plant.call(at_us=START + day * DAY + 3 * HOUR + number * 2 * MINUTE, key=plant.calls,
                       **{"workflow_id": 2, "user_id": None, "external_id": f"n{plant.calls}", **columns})  # fmt: skip


def test_tagged_work_goes_to_the_batch_tier() -> None:
    plant = Plant()
    nightly(plant, tags='{"job": "nightly"}')
    plant.call(at_us=START, key=1, tags='{"note": "batched earlier"}')
    plant.call(at_us=START, key=2, environment="batch", request_stream=True)
    store = plant.store
    assert saved(store, lever("batch"), workflows=[]) == 80 * CALL // 2
    (line,) = findings(store, lever("batch"))
    assert line.startswith("search: 80 requests tagged as offline work")
    assert "for instance n0" in line


def test_a_named_workflow_goes_there_too_and_an_unknown_one_is_refused() -> None:
    plant = Plant()
    nightly(plant)
    store = plant.store
    assert saved(store, lever("batch"), workflows=["search"]) == 80 * CALL // 2
    with pytest.raises(ConfigError) as error:
        saved(store, lever("batch"), workflows=["serch"])
    assert error.value.hint == "did you mean 'search'?"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [({}, 40), ({"user_id": "u"}, 0), ({"conversation_id": "c"}, 0), ({"request_stream": True}, 0)],
)
def test_a_job_at_night_looks_offline_unless_somebody_waits(columns: dict[str, Any], expected: int) -> None:
    plant = Plant()
    nightly(plant, **columns)
    for number in range(100):
        plant.call(at_us=START + number * HOUR, key=1000 + number)
    store = plant.store
    assert saved(store, lever("batch_candidates")) == expected * CALL
    lines = findings(store, lever("batch_candidates"))
    assert bool(lines) == bool(expected)
    if lines:
        assert "100 % of 80 requests on 4 days come in the hour from 03:00 UTC" in lines[0]


def test_bursts_look_offline() -> None:
    plant = Plant()
    for number in range(60):
        plant.call(at_us=START + 9 * HOUR + number * 1000, key=number)
    store = plant.store
    assert saved(store, lever("batch_candidates")) == 30 * CALL
    (line,) = findings(store, lever("batch_candidates"))
    assert "minutes of 50 or more (up to 60)" in line


@pytest.mark.parametrize(
    ("gap_s", "duration", "cause"),
    [(1, 2.0, "double click"), (30, 40.0, "gives up too early"), (50, 5.0, "does not look at it")],
)
def test_double_sends_name_their_cause(gap_s: int, duration: float, cause: str) -> None:
    plant = Plant()
    for at_s in (0, gap_s):
        plant.call(at_us=START + at_s * 1_000_000, key=1, user_id="u", duration=duration, external_id=f"r{at_s}")
    store = plant.store
    assert saved(store, lever("retries"), window_s=60.0) == CALL
    (line,) = findings(store, lever("retries"))
    assert line.startswith("support: 1 request was sent again")
    assert cause in line
    assert line.endswith("r0")


def test_runaway_answers_name_their_request() -> None:
    plant = Plant()
    call = plant.call(at_us=START, key=1, output_tokens=9000, finish_reason="length", external_id="long")
    flagged = {"request_id": call, "workflow_id": 1, "model": "big", "meter": "output", "tokens": 9000}
    plant.add("outlier", {**flagged, "median": 100.0, "z": 9.0, "excess_tokens": 8900, "listed": True, "cause": "loop"})
    store = plant.store
    assert saved(store, lever("output_outliers"), keep_medians=3.0) == 8700 * PRICES["output"]
    (line,) = findings(store, lever("output_outliers"))
    assert "longest at 9,000 tokens where 100 are usual; 1 of them repeat themselves" in line
    assert line.endswith("long")


def test_texts_embedded_again_name_their_dollars() -> None:
    plant = Plant()
    for number in range(3):
        call = plant.call(at_us=START + number * HOUR, key=1, output_tokens=0, operation_name="embeddings",
                          request_model="embedder", external_id=f"e{number}")  # fmt: skip
        plant.segment(call, 0, "the same text", 10)
    store = plant.store
    assert saved(store, lever("embedding_reuse"), scope="tenant") == 2 * 1000 * PRICES["input"]
    (line,) = findings(store, lever("embedding_reuse"))
    assert line.startswith(
        "support: 67 % of the text sent to embedder had been embedded before, in 2 of 3 calls ($0.00"
    )
    assert line.endswith(("e1", "e2"))
