"""What removed requests take from the provider's cache hits of those that stay."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from caching import PRICES, RULES, Log, at_marks, automatic, system, user

from audit.levers import Lever
from audit.projection import settlement
from audit.projection.bench import Bench, settings_of


def removing(ids: list[int], stage: str = "CACHE") -> Lever:
    """A lever that takes some requests off the bill."""
    listed = ", ".join(str(each) for each in [-1, *ids])
    return Lever(
        name="removing", title="Removing", stage=stage, order=1, evidence="A", effort_days=1, risk="low",  # type: ignore[arg-type]
        rewrite=f"SELECT m.* FROM remaining AS m WHERE m.request_id NOT IN ({listed})",
    )  # fmt: skip


def saving(log: Log, lever: Lever) -> int:
    bench = Bench(log.store, settings_of([lever], {}), 0)
    bench.start()
    before = bench.cost().sum()
    bench.apply(lever)
    return int(before - bench.cost().sum())


def cost_of(log: Log, ids: list[int]) -> int:
    """What the removed requests cost: the saving if nothing else changed."""
    listed = ", ".join(str(each) for each in [-1, *ids])
    return int(log.store.value(f"SELECT COALESCE(SUM(cost_pico), 0) FROM charge WHERE request_id IN ({listed})"))


def by_itself(times: list[float], model: str = "auto") -> Log:
    """Requests of one static prompt, billed as a provider that caches by itself would."""
    log = Log()
    sent = [(at, at + 1, [("static", 1408), (f"question at {at}", 200)]) for at in times]
    for (at, _, prompt), read in zip(sent, automatic(sent, life_s=RULES[model]["ttl_s"]), strict=True):
        log.call(at, [system(*prompt[0]), user(*prompt[1])], model, read=read)
    return log


def test_survivor_that_relied_on_a_removed_request_pays_in_full() -> None:
    log = by_itself([0, 500, 1000])  # each reads what the one before kept alive
    assert [row["cache_read_input_tokens"] for row in log.store.rows("SELECT * FROM request ORDER BY request_id")] == [
        0, 1408, 1408,
    ]  # fmt: skip
    lost = 1408 * (PRICES["auto"]["input"] - PRICES["auto"]["cache_read"])
    assert saving(log, removing([2])) == cost_of(log, [2]) - lost


def test_survivor_with_another_warm_request_loses_nothing() -> None:
    log = by_itself([0, 100, 200])
    assert saving(log, removing([2])) == cost_of(log, [2])


def test_reader_of_a_removed_writer_pays_the_write_in_its_place() -> None:
    log = Log()
    for number in range(3):
        cached = {"short": 1500} if number == 0 else {"read": 1500}
        log.call(number * 60, [system("static", 1500, "5m"), user(f"q {number}", 197)], "marked", **cached)  # type: ignore[arg-type]
    price = PRICES["marked"]
    lost = 1500 * (price["cache_write_5m"] - price["cache_read"])
    assert saving(log, removing([1])) == cost_of(log, [1]) - lost


def test_requests_moved_to_another_model_leave_the_cache_too() -> None:
    log = by_itself([0, 500, 1000])
    lost = 1408 * (PRICES["auto"]["input"] - PRICES["auto"]["cache_read"])
    assert saving(log, removing([2], stage="ROUTE")) == cost_of(log, [2]) - lost


def test_levers_that_remove_nothing_are_not_settled() -> None:
    log = by_itself([0, 100, 200])
    assert saving(log, removing([])) == 0
    assert "settlement_loss" not in log.store.tables()


def test_nothing_cached_nothing_to_settle() -> None:
    log = Log()
    for number in range(6):
        log.call(number * 60, [system("static", 1408), user(f"q {number}", 200)])
    assert saving(log, removing([1, 3])) == cost_of(log, [1, 3])
    assert settlement.find_losses(log.store) == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_settlement_never_raises_a_saving(seed: int) -> None:
    random = np.random.default_rng(seed)
    model = str(random.choice(["auto", "marked", "exact"]))
    times = np.sort(np.round(random.uniform(0, 6000, size=30), 3)).tolist()
    log = Log()
    if model == "auto":
        log = by_itself(times)
    else:
        sent = [
            (at, at + 1, [system(f"static {random.integers(0, 2)}", 1500, "5m"), user(f"q {at}", 197)]) for at in times
        ]
        for (at, _, parts), (read, written) in zip(sent, at_marks(sent, life_s=300), strict=True):
            log.call(at, parts, model, read=read, short=written)
    gone = [number + 1 for number in range(30) if random.random() < 0.4]
    made = saving(log, removing(gone))
    assert made <= cost_of(log, gone)
    # once more changes nothing: the survivors have settled
    assert settlement.find_losses(log.store) == 0


@pytest.mark.parametrize("seed", range(5))
def test_settled_hits_are_those_of_the_survivors_alone(seed: int) -> None:
    """What is left to pay is what a provider would have billed had the removed requests never been sent."""
    random = np.random.default_rng(seed)
    times = np.sort(np.round(random.uniform(0, 40_000, size=80), 3)).tolist()
    gone = [number + 1 for number in range(80) if random.random() < 0.3]
    log = by_itself(times)
    made = saving(log, removing(gone))
    alone = by_itself([at for number, at in enumerate(times) if number + 1 not in gone])
    before, after = (int(each.store.value("SELECT SUM(cost_pico) FROM charge")) for each in (log, alone))
    assert made == before - after
