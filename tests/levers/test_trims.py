"""Every trimmed token at the price it really paid, and prefixes that get too short to be cached."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from audit.levers import Lever, Settings
from audit.levers._trims import cut, found, rewrite
from audit.store import Store
from tests.levers.bench import saved
from tests.planting import PRICES, START, Plant

NAME = "planted_trim"
Span = tuple[int, int, float, float, float]


def trim(spans: list[Span], *, breaks_prefix: bool = False) -> Lever:
    def prepare(store: Store, settings: Settings) -> None:
        del settings
        columns = ("request_id", "position", "since", "until", "share")
        store.replace(f"{NAME}_span", pa.Table.from_pylist([dict(zip(columns, span, strict=True)) for span in spans]))
        cut(store, NAME, breaks_prefix=breaks_prefix)

    return Lever(
        name=NAME, title="planted", stage="SHRINK", order=1, evidence="B", rewrite=rewrite(NAME), effort_days=1,
        risk="low", prepare=prepare,
    )  # fmt: skip


def prompt(plant: Plant, *tokens: int, cached: int = 0, **columns: Any) -> int:
    """One request of tools, which have no overhead, with these billed tokens."""
    request = plant.call(
        at_us=START, input_tokens=sum(tokens), cached=cached, output_tokens=0, price_provider="openai",
        price_model="big", **columns,
    )  # fmt: skip
    for position, count in enumerate(tokens):
        plant.segment(request, position, f"{request} {position}", count, "tools")
    return request


def rule(plant: Plant, least: int = 1024) -> None:
    plant.add(
        "cache_rule",
        {"provider_name": "openai", "model": "big", "valid_from_us": 0, "valid_to_us": 2**61, "min_tokens": least,
         "match": "longest_prefix"},
    )  # fmt: skip


def quantities(store: Store) -> dict[str, int]:
    rows = store.rows("SELECT sku_meter, SUM(consumed_quantity) AS n FROM remaining GROUP BY sku_meter")
    return {row["sku_meter"]: int(row["n"]) for row in rows}


@pytest.mark.parametrize(("cached", "price"), [(0, "input"), (1000, "cache_read")])
def test_500_tokens_save_what_they_paid(cached: int, price: str) -> None:
    plant = Plant()
    request = prompt(plant, 1000, 200, cached=cached)
    assert saved(plant.store, trim([(request, 0, 0.5, 1.0, 1.0)])) == 500 * PRICES[price]


def test_a_stretch_across_the_end_of_the_cached_prefix_is_split() -> None:
    plant = Plant()
    request = prompt(plant, 1000, 200, cached=700)
    expected = 200 * PRICES["cache_read"] + 300 * PRICES["input"]
    assert saved(plant.store, trim([(request, 0, 0.5, 1.0, 1.0)])) == expected
    assert quantities(plant.store) == {"cache_read": 500, "input": 200}


def test_a_share_of_a_stretch() -> None:
    plant = Plant()
    request = prompt(plant, 1000, 200, cached=1000)
    assert saved(plant.store, trim([(request, 0, 0.0, 1.0, 0.25)])) == 250 * PRICES["cache_read"]


def test_a_prefix_below_the_minimum_is_cached_no_longer_and_such_a_trim_is_not_made() -> None:
    # 1,500 cached tokens cut to 900: from $.00105 to $.0033 a request at $3 and $.30 a million
    plant = Plant()
    rule(plant)
    request = prompt(plant, 1500, 200, cached=1500)
    store = plant.store
    store.run("UPDATE charge SET unit_price_pico = CASE WHEN sku_meter = 'input' THEN 3000000 ELSE 300000 END")
    store.run("UPDATE charge SET cost_pico = consumed_quantity * unit_price_pico")
    chosen = trim([(request, 0, 0.6, 1.0, 1.0)])
    assert saved(store, chosen) == 0
    (row,) = found(store, NAME)
    assert (row["tokens"], row["lost_tokens"], row["saving_pico"]) == (600, 900, 1_050_000_000 - 3_300_000_000)
    assert saved(store, trim([(request, 0, 0.7, 1.0, 1.0)])) == 450 * 300_000, "1,050 tokens are still cached"


def test_what_can_be_cached_no_longer_is_priced_as_input_where_the_trim_pays_in_all() -> None:
    plant = Plant()
    rule(plant)
    small = prompt(plant, 1500, 200, cached=1500)
    large = prompt(plant, 90_000, 200)
    both = [(small, 0, 0.6, 1.0, 1.0), (large, 0, 0.0, 0.5, 1.0)]
    expected = 45_000 * PRICES["input"] + 1500 * PRICES["cache_read"] - 900 * PRICES["input"]
    assert saved(plant.store, trim(both)) == expected
    assert quantities(plant.store) == {"input": 45_200 + 1_100}


def test_workflows_are_weighed_apart() -> None:
    plant = Plant()
    rule(plant)
    small = prompt(plant, 1500, 200, cached=1500, workflow_id=2)
    large = prompt(plant, 9_000, 200)
    assert saved(plant.store, trim([(small, 0, 0.6, 1.0, 1.0), (large, 0, 0.0, 0.5, 1.0)])) == 4_500 * PRICES["input"]


def test_a_cut_that_moves_breaks_the_prefix_behind_it() -> None:
    plant = Plant()
    request = prompt(plant, 2000, 3000, 1000, cached=5000)
    # the head of 2,000 stays cached, 500 go, the 2,500 behind them are read no longer
    assert saved(plant.store, trim([(request, 1, 0.0, 1 / 6, 1.0)], breaks_prefix=True)) == 0
    huge = prompt(plant, 2000, 3000, 1000, cached=2500)
    expected = 500 * PRICES["cache_read"] + 2500 * PRICES["input"]
    store = plant.store
    store.run("DELETE FROM charge WHERE request_id = $r", r=request)
    assert saved(store, trim([(huge, 1, 0.0, 1.0, 1.0)], breaks_prefix=True)) == expected
    assert quantities(store) == {"cache_read": 2000, "input": 1000}


def test_random_cuts_never_cost_more_and_never_take_more_than_there_was() -> None:
    dice = random.Random(3)
    plant = Plant()
    rule(plant, 600)
    spans: list[Span] = []
    for _ in range(300):
        sizes = [dice.randint(5, 900) for _ in range(dice.randint(1, 5))]
        request = prompt(plant, *sizes, cached=dice.randint(0, sum(sizes)), workflow_id=dice.randint(1, 2))
        for position in range(len(sizes)):
            if dice.random() < 0.6:
                since = dice.random()
                spans.append((request, position, since, since + (1 - since) * dice.random(), dice.random()))
    store = plant.store
    before = store.value("SELECT SUM(cost_pico) FROM charge")
    for breaks in (False, True):
        got = saved(store, trim(spans, breaks_prefix=breaks))
        assert 0 <= got < before
        assert got == sum(row["saving_pico"] for row in found(store, NAME) if row["saving_pico"] > 0)


def test_a_lever_that_finds_nothing_changes_nothing() -> None:
    plant = Plant()
    prompt(plant, 1000, 200, cached=1000)
    chosen = trim([(99, 0, 0.0, 1.0, 1.0)])
    assert saved(plant.store, replace(chosen)) == 0
