"""The play of prompt caches against worked answers, plain loops and the sample logs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from caching import PRICES, RULES, Log, Part, at_marks, automatic, system, user

from audit.promptcache import OTHERS, TODAY, Behaviour, Traffic, calibrate, play, today, traffic
from audit.promptcache.play import Events, readable

EXPECTED = json.loads((Path(__file__).parent.parent / "oracles" / "expected.json").read_text())
TIMES = (0, 60, 120, 900, 960)


def everyone(found: Traffic) -> np.ndarray:
    return np.ones(len(found), dtype=np.bool_)


def played(log: Log, name: str, match: str):  # type: ignore[no-untyped-def]
    found = traffic(log.store)
    policy = next(each for each in OTHERS if (each.name, each.match) == (name, match))
    return play(found, policy, Behaviour.documented(found), everyone(found))


def test_openai_cached_tokens_of_the_worked_example() -> None:
    log = Log()
    for number, at in enumerate(TIMES):
        clock = [system("it is 00:02", 20)] if number == 2 else []
        log.call(at, [*clock, system("static", 1500), user(f"question {number}", 197)])
    found = traffic(log.store)
    read = play(found, TODAY["longest_prefix"], Behaviour.documented(found), everyone(found)).read
    assert read.tolist() == EXPECTED["openai_legacy_prompt_cache"]["cached"]
    cost = np.sum((found.input_tokens - read) * 2.5 + read * 1.25) / 1e6
    assert cost == pytest.approx(EXPECTED["openai_legacy_prompt_cache"]["cost"])


@pytest.mark.parametrize(("name", "model", "expected"), [
    ("head", "marked", EXPECTED["anthropic_5m"]["cost"]),
    ("head_long", "marked", EXPECTED["anthropic_5m"]["1h"]),
    ("head", "exact", EXPECTED["gpt56_30m"]["cost"]),
])  # fmt: skip
def test_marked_prefix_costs_what_the_worked_example_says(name: str, model: str, expected: float) -> None:
    log = Log()
    for number, at in enumerate(TIMES):
        log.call(at, [system("static", 1500), user(f"question {number}", 197)], model)
    result = played(log, name, RULES[model]["match"])
    price = PRICES[model]
    write = price["cache_write_1h" if name == "head_long" else "cache_write_5m"]
    read, covered = result.read.astype(np.int64), result.covered.astype(np.int64)
    cost = (1700 - covered) * price["input"] + read * price["cache_read"] + (covered - read) * write
    assert np.sum(cost) / 1e12 == pytest.approx(expected)


def test_prefix_below_the_minimum_is_not_cached_and_no_error() -> None:
    log = Log()
    for at in TIMES:
        log.call(at, [system("static", 1000), user(f"at {at}", 300)], "marked")
        log.call(at + 5, [system("static", 1000), user(f"at {at}", 300)], "auto", workflow=2)
    assert played(log, "head", "breakpoints").covered.sum() == 0
    found = traffic(log.store)
    read = play(found, TODAY["longest_prefix"], Behaviour.documented(found), everyone(found)).read
    assert read.sum() == 0


def test_trimming_a_prefix_below_the_minimum_makes_it_dearer() -> None:
    costs = []
    for tokens in (1500, 900):
        log = Log()
        for number in range(3):
            log.call(number * 60, [system("static", tokens), user(f"question {number}", 197)], "marked")
        result = played(log, "head", "breakpoints")
        last = int(result.read[2]) * 300_000 + (tokens + 200 - int(result.read[2])) * 3_000_000
        costs.append(last / 1e12)
    assert costs == pytest.approx([EXPECTED["trim_below_minimum"]["before"], EXPECTED["trim_below_minimum"]["after"]])


def test_entry_can_be_read_only_once_its_writer_has_answered() -> None:
    log = Log()
    for at in (0, 5, 11):
        log.call(at, [system("static", 2000), user(f"at {at}", 100)], wait_s=10)
    found = traffic(log.store)
    read = play(found, TODAY["longest_prefix"], Behaviour.documented(found), everyone(found)).read
    assert read.tolist() == [0, 0, 1920]


def test_organizations_and_keys_do_not_share() -> None:
    log = Log()
    for at, organization, key in ((0, "a", "k"), (60, "b", "k"), (120, "a", "l"), (180, "a", "k")):
        log.call(at, [system("static", 2000), user(f"at {at}", 100)], organization=organization, api_key_hash=key)
    assert calibrate(traffic(log.store)).today.read.tolist() == [0, 0, 0, 1920]


def test_texts_that_part_in_the_middle_share_their_beginning() -> None:
    words = " ".join(f"rule {number} says to be brief." for number in range(600))
    log = Log()
    for number in range(4):
        log.call(number * 60, [user(f"{words} Now answer question {number}.", 4000)])
    read = calibrate(traffic(log.store)).today.read
    whole = len(words) / len(f"{words} Now answer question 0.") * 4000
    assert read[0] == 0
    assert all(whole - 160 <= each <= whole for each in read[1:].tolist())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 900), st.integers(0, 90), st.booleans()), min_size=1, max_size=40
    ),
    st.sampled_from([60, 120, 300]),
    st.booleans(),
)
def test_kernels_agree_with_a_plain_loop(uses: list[tuple[int, int, int, bool]], life: int, sliding: bool) -> None:
    uses = sorted(uses, key=lambda each: (each[0], each[1]))
    columns = [np.array(column, dtype=np.int64) for column in zip(*uses, strict=True)]
    node, start, wait, writes = columns[0], columns[1] * 1000, columns[2] * 1000, columns[3] == 1
    events = Events(node, start, start + wait, np.full(len(node), life * 1000), writes)
    expected = []
    entries: dict[int, tuple[int, int]] = {}
    for each, at, delay, writer in uses:
        used, ready = entries.get(each, (-(10**6), 0))
        alive = at - used <= life
        expected.append(alive and ready <= at)
        if alive and sliding:
            entries[each] = (at, min(ready, at + delay) if writer else ready)
        elif not alive and writer:
            entries[each] = (at, at + delay)
    assert readable(events, sliding=sliding).tolist() == expected


@pytest.mark.parametrize("seed", range(6))
def test_predicted_tokens_are_those_of_a_provider_that_compares_prefixes(seed: int) -> None:
    random = np.random.default_rng(seed)
    log, sent = Log(), []
    for number in range(120):
        at = float(np.round(random.uniform(0, 6 * 3600), 3))
        app = int(random.integers(0, 3))
        prompt = [(f"system {app}", 900 + 300 * app)]
        prompt += [(f"example {int(random.integers(0, 2))} of {app}", 400), (f"question {number}", 150)]
        sent.append((at, at + 3, prompt))
    for at, ready, prompt in sorted(sent, key=lambda each: each[0]):
        log.call(at, [system(*prompt[0]), *(user(*each) for each in prompt[1:])], wait_s=ready - at)
    truth = automatic(sent, life_s=RULES["auto"]["ttl_s"])
    assert traffic(log.store).rules
    predicted = calibrate(traffic(log.store)).today.read
    assert predicted.tolist() == truth
    assert sum(truth) > 0


@pytest.mark.parametrize("seed", range(6))
def test_predicted_tokens_are_those_of_a_provider_with_marks(seed: int) -> None:
    random = np.random.default_rng(seed)
    sent = []
    for talk in range(40):
        at = float(np.round(random.uniform(0, 4 * 3600), 3))
        parts: list[Part] = [system(f"system {talk % 3}", 1100 + talk % 3 * 200, "5m")]
        for turn in range(int(random.integers(1, 5))):
            parts = [Part(each.text, each.tokens, each.kind, each.role, each.mark if each.kind == "system" else "")
                     for each in parts]  # fmt: skip
            parts.append(user(f"talk {talk} turn {turn}", 120, "5m"))
            sent.append((at, at + 2, list(parts)))
            parts.append(Part(f"answer {talk} {turn}", 90, "history", "assistant"))
            at += float(np.round(random.uniform(3, 400), 3))
    sent.sort(key=lambda each: each[0])
    truth = at_marks(sent, life_s=300)
    log = Log()
    for (at, ready, parts), (read, written) in zip(sent, truth, strict=True):
        log.call(at, parts, "marked", read=read, short=written, wait_s=ready - at)
    result = calibrate(traffic(log.store))
    assert result.today.read.tolist() == [read for read, _ in truth]
    assert (result.today.covered - result.today.read).tolist() == [written for _, written in truth]
    assert sum(read for read, _ in truth) > 0
    assert result.models[0].reliability == pytest.approx(1.0)


def test_survivors_alone_read_less_never_more() -> None:
    random = np.random.default_rng(3)
    log = Log()
    for number in range(200):
        log.call(number * 200, [system(f"system {number % 3}", 1500), user(f"question {number}", 100)])
    found = traffic(log.store)
    behaviour = Behaviour.documented(found)
    before = today(found, behaviour, everyone(found)).read
    for _ in range(5):
        alive = random.random(len(found)) < 0.6
        after = today(found, behaviour, alive).read
        assert (after[alive] <= before[alive]).all()
        assert (after[~alive] == 0).all()
    assert before.sum() > 0
