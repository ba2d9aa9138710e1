"""The prompt-cache lever: what it recommends, that it is incremental, and that it never makes a bill dearer."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from caching import PRICES, Log, Part, at_marks, automatic, system, user

from audit.config import Config
from audit.export.documents import savings_document
from audit.levers import prompt_cache
from audit.projection import projection
from audit.projection.bench import Bench, settings_of
from audit.store import Store

LEVER = prompt_cache.LEVER


def bench(store: Store) -> Bench:
    made = Bench(store, settings_of([LEVER], {}), 0)
    made.start()
    return made


def saved(log: Log) -> int:
    """What the lever takes off the bill, in pico-USD."""
    made = bench(log.store)
    before = made.cost().sum()
    made.apply(LEVER)
    return int(before - made.cost().sum())


def policies(log: Log) -> dict[int, str]:
    return {row["workflow_id"]: row["policy"] for row in log.store.rows("SELECT * FROM prompt_cache_gain")}


def ask(log: Log, times: list[float], model: str, head: Part, **billed: int) -> None:
    for at in times:
        log.call(at, [head, user(f"question at {at}", 197)], model, **billed)


def test_unmarked_prompt_is_marked_where_reads_pay_for_the_write() -> None:
    log = Log()
    ask(log, [number * 60 for number in range(20)], "marked", system("static", 1500))
    price = PRICES["marked"]
    gain = 19 * 1500 * (price["input"] - price["cache_read"]) - 1500 * (price["cache_write_5m"] - price["input"])
    assert saved(log) == gain
    assert policies(log) == {1: "head"}
    (line,) = prompt_cache.LEVER.findings(log.store, LEVER.settings)  # type: ignore[misc]
    assert line.startswith("workflow 1 on marked (20 requests): mark the end of tools and system prompt, about 1,500")


@pytest.mark.parametrize(
    ("reads", "life", "pays"), [(0, "5m", False), (1, "5m", True), (1, "1h", False), (2, "1h", True)]
)
def test_marking_pays_above_the_break_even_hit_share(reads: int, life: str, pays: bool) -> None:
    """Break-even hit shares (w-1)/(w-r): 21.7 % at 1.25x and 52.6 % at 2x writes, reads at 0.1x."""
    log = Log()
    gap = 60 if life == "5m" else 400  # only the long life bridges 400 s
    for burst in range(6):
        ask(log, [burst * 10_000 + number * gap for number in range(reads + 1)], "marked", system("static", 1500))
    assert (saved(log) > 0) == pays
    assert policies(log) == ({1: "head" if life == "5m" else "head_long"} if pays else {})


def test_prompt_that_never_repeats_stays_unmarked() -> None:
    log = Log()
    for number in range(20):
        log.call(number * 60, [system(f"prompt {number}", 1500), user("again", 197)], "marked")
    assert saved(log) == 0


def test_writes_that_nobody_reads_are_an_overcharge_to_avoid() -> None:
    log = Log()
    for number in range(20):
        log.call(number * 60, [system(f"at {number}", 1500, "5m"), user("hello", 197)], "marked", short=1500)
    premium = PRICES["marked"]["cache_write_5m"] - PRICES["marked"]["input"]
    assert saved(log) == 20 * 1500 * premium
    assert policies(log) == {1: "none"}
    (line,) = LEVER.findings(log.store, LEVER.settings)  # type: ignore[misc]
    assert "30,000 tokens were written to the cache at a premium and 0 read" in line


def test_implicit_breakpoint_at_the_last_message_is_moved_to_the_stable_part() -> None:
    """A stable system prompt with a changing last message hits nothing and pays 1.25 times the input for all of it."""
    log = Log()
    for number in range(20):
        log.call(number * 60, [system("static", 4000), user(f"question {number}", 197)], "exact", short=4200)
    price = PRICES["exact"]
    before = 20 * 4200 * price["cache_write_5m"]
    after = 20 * 200 * price["input"] + 4000 * price["cache_write_5m"] + 19 * 4000 * price["cache_read"]
    assert saved(log) == before - after
    assert policies(log) == {1: "head"}


def test_growing_conversations_are_marked_turn_by_turn() -> None:
    log = Log()
    for talk in range(12):
        parts = [system("short", 300)]
        for turn in range(6):
            parts = [*parts, user(f"talk {talk} turn {turn}", 600)]
            log.call(talk * 5000 + turn * 60, parts, "marked")
            parts = [*parts, Part(f"answer {talk} {turn}", 300, "history", "assistant")]
    assert saved(log) > 0
    assert policies(log) == {1: "turns"}


def billed_by_marks(times: list[float], life: str, life_s: float) -> Log:
    log = Log()
    sent = [(at, at + 1, [system("static", 1500, life), user(f"question at {at}", 197)]) for at in times]
    for (at, _, parts), (read, written) in zip(sent, at_marks(sent, life_s=life_s), strict=True):
        log.call(at, parts, "marked", read=read, **{"short" if life == "5m" else "long": written})  # type: ignore[arg-type]
    return log


def test_life_too_short_for_the_rhythm_becomes_the_long_one() -> None:
    log = billed_by_marks([number * 900.0 for number in range(40)], "5m", 300)
    assert saved(log) > 0
    assert policies(log)[1] in ("marks_long", "head_long")


def test_life_longer_than_the_rhythm_needs_becomes_the_short_one() -> None:
    times = [burst * 40_000.0 + number * 30 for burst in range(8) for number in range(4)]
    log = billed_by_marks(times, "1h", 3600)
    assert saved(log) > 0
    assert policies(log)[1] in ("marks_short", "head")


def test_what_already_hits_is_not_saved_again() -> None:
    assert saved(billed_by_marks([number * 60.0 for number in range(40)], "5m", 300)) == 0


def test_models_that_cache_by_themselves_gain_only_by_a_longer_life() -> None:
    log = Log()
    sent = [(number * 1500.0, number * 1500.0 + 1, [("static", 1408), (f"question {number}", 100)])
            for number in range(40)]  # fmt: skip
    sent += [(at + 300, ready + 300, [prompt[0], (f"more {at}", 100)]) for at, ready, prompt in sent]
    sent.sort(key=lambda each: each[0])
    for (at, _, prompt), read in zip(sent, automatic(sent, life_s=600), strict=True):
        log.call(at, [system(*prompt[0]), user(*prompt[1])], read=read)
    made = saved(log)
    price = PRICES["auto"]["input"] - PRICES["auto"]["cache_read"]
    # 40 predicted hits, all billed, against a documented 70 % that weighs as much as five of them
    assert made == pytest.approx((40 + 5 * 0.7) / 45 * 39 * 1408 * price, rel=0.01)
    assert policies(log) == {1: "retain"}


def test_reads_the_log_can_not_explain_block_a_comparison_of_marks() -> None:
    """Texts that do not fit the billed tokens (redacted, rewritten) say nothing about other marks."""
    log = Log()
    for number in range(30):
        log.call(number * 60, [system(f"unlike {number}", 1500), user("q", 197)], "marked", read=1200)
    assert saved(log) == 0


def test_text_that_does_not_account_for_the_billed_tokens_never_makes_it_dearer() -> None:
    log = Log()
    for number, cached in enumerate(({"short": 3000}, {"read": 3000})):
        parts = [system("You answer questions of customers.", 15, "5m"), user(f"question {number}", 11)]
        log.call(number * 30, parts, "marked", input_tokens=3012, **cached)  # type: ignore[arg-type]
    assert saved(log) == 0


def test_tier_of_the_charges_prices_the_change() -> None:
    log = Log()
    for number in range(20):
        parts = [system(f"at {number}", 1500, "5m"), user("hello", 197)]
        log.call(number * 60, parts, "marked", short=1500, tier="batch")
    premium = (PRICES["marked"]["cache_write_5m"] - PRICES["marked"]["input"]) // 2
    assert saved(log) == 20 * 1500 * premium


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_bill_never_becomes_dearer(seed: int) -> None:
    """Prompts, marks, billed tokens and models at random, consistent or not."""
    random = np.random.default_rng(seed)
    log = Log()
    for number in range(int(random.integers(1, 40))):
        model = str(random.choice(["auto", "marked", "exact"]))
        sizes = random.integers(10, 3000, size=2).tolist()
        mark = str(random.choice(["", "5m", "1h"]))
        parts = [system(f"system {random.integers(0, 3)}", sizes[0], mark), user(f"question {number}", sizes[1])]
        cut = np.sort(random.integers(0, sum(sizes), size=2)).tolist()
        billed = {"read": cut[0], "short": (cut[1] - cut[0]) * (model != "auto")} if random.random() < 0.7 else {}
        tier = str(random.choice(["standard", "batch"]))
        log.call(float(random.uniform(0, 7200)), parts, model, workflow=int(random.integers(1, 4)), tier=tier, **billed)  # type: ignore[arg-type]
    assert saved(log) >= 0


def test_projection_carries_findings_and_the_spread_of_hits() -> None:
    log = Log()
    for day in range(8):
        ask(log, [day * 86_400 + number * 60 for number in range(20)], "marked", system("static", 1500))
    log.store.run("UPDATE cache_rule SET reliability = 0.9")
    result = projection(log.store, Config())
    lever = next(each for each in result.levers if each.name == "prompt_cache")
    assert lever.attributed_pico > 0
    assert lever.findings
    assert lever.interval_pico is not None
    # unmeasured reliability widens the interval even though all days are alike
    assert lever.interval_pico[0] < 0.95 * lever.attributed_pico < lever.interval_pico[1]
    document = savings_document(result)
    assert next(each for each in document["levers"] if each["name"] == "prompt_cache")["findings"] == list(
        lever.findings
    )


def test_without_rules_the_lever_says_so() -> None:
    log = Log()
    log.store.run("DELETE FROM cache_rule")
    assert LEVER.blocked is not None
    assert "no model in this log" in str(LEVER.blocked(log.store, LEVER.settings))
    ask(log, [0, 60], "marked", system("static", 1500))
    assert saved(log) == 0
