"""What breaks a prefix: planted causes are found, named, masked and priced; sound prompts are left alone."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from caching import PRICES, Log, Part, system, user

from audit.levers import Lever, prefix_order, prompt_cache
from audit.projection.bench import Bench, settings_of
from audit.tokens import count

RULES_TEXT = [
    f"Rule {number}: when a customer asks about topic {number * 7 % 101}, answer in two short sentences."
    for number in range(90)
]
STATIC = "\n".join(RULES_TEXT)
TOOLS = [
    json.dumps({"name": f"tool_{number}", "description": "looks up " + "many things " * 30}) for number in range(12)
]
EXAMPLES = [
    f"Example {number}: Q: where is parcel {number}? A: " + "It is on its way to you. " * 12 for number in range(8)
]
NAMES = ("Ada Byron", "Grace Murray", "Linus Berg", "Mary Keller", "Alan Stone", "Edith Clarke", "Karen Jones")
Random = np.random.Generator
Prompt = list[tuple[str, str]]
"""(kind, text) of each segment."""


def clock(random: Random, number: int) -> Prompt:
    minute = int(random.integers(0, 60))
    return [
        ("system", f"The current time is 2026-03-{1 + number % 28:02d}T10:{minute:02d}:{number % 60:02d}Z.\n{STATIC}")
    ]


def japanese_clock(random: Random, number: int) -> Prompt:
    minute = int(random.integers(0, 60))
    return [("system", f"現在時刻：2026年3月{1 + number % 28}日 10時{minute:02d}分{number % 60:02d}秒\n{STATIC}")]


def spanish_date(random: Random, number: int) -> Prompt:
    return [("system", f"Hoy es el {1 + number % 28} de marzo.\n{STATIC}")]


def date(random: Random, number: int) -> Prompt:
    return [("system", f"Today is March {1 + number % 28}, 2026.\n{STATIC}")]


def unique_id(random: Random, number: int) -> Prompt:
    return [("system", f"Session: {uuid.UUID(int=int(random.integers(1, 2**62)))}\n{STATIC}")]


def short_id(random: Random, number: int) -> Prompt:
    return [("system", f"Workspace: ws-{random.integers(100, 999)}\n\n{STATIC}")]


def name(random: Random, number: int) -> Prompt:
    return [("system", f"You are helping {NAMES[int(random.integers(0, len(NAMES)))]} with their orders.\n{STATIC}")]


def mail(random: Random, number: int) -> Prompt:
    return [("system", f"Account of user {number}.{random.integers(0, 99)}@example.com\n{STATIC}")]


def shuffled_tools(random: Random, number: int) -> Prompt:
    return [("tools", TOOLS[place]) for place in random.permutation(len(TOOLS)).tolist()] + [("system", STATIC)]


def shuffled_examples(random: Random, number: int) -> Prompt:
    examples = "\n".join(EXAMPLES[place] for place in random.permutation(len(EXAMPLES)).tolist())
    return [("system", f"{examples}\n{STATIC}")]


def chosen_examples(random: Random, number: int) -> Prompt:
    pool = [f"Example {each}: Q: question {each}? A: " + "a rather long answer " * 5 for each in range(200)]
    chosen = "\n".join(pool[place] for place in random.choice(len(pool), 3, replace=False).tolist())
    return [("system", f"{chosen}\n{STATIC}")]


def unsorted_json(random: Random, number: int) -> Prompt:
    settings = {f"setting_{place}": f"value {place} " * 8 for place in random.permutation(20).tolist()}
    return [("system", json.dumps(settings)), ("system", STATIC)]


PLANTED: dict[str, tuple[Callable[[Random, int], Prompt], str]] = {
    "japanese clock": (japanese_clock, "a time"), "spanish date": (spanish_date, "a date"),
    "clock": (clock, "a time"), "date": (date, "a date"), "uuid": (unique_id, "a UUID"), "id": (short_id, "an id"),
    "name": (name, "a name"), "mail": (mail, "an e-mail address"),
    "tools": (shuffled_tools, "tool definitions in changing order"),
    "shuffled examples": (shuffled_examples, "examples in changing order"),
    "chosen examples": (chosen_examples, "examples that change"), "json": (unsorted_json, "JSON in changing order"),
}  # fmt: skip


def log_of(make: Callable[[Random, int], Prompt], seed: int, model: str = "auto", requests: int = 40) -> Log:
    random = np.random.default_rng(seed)
    log = Log()
    for number in range(requests):
        prompt = make(random, number)
        counted = count([text for _, text in prompt])
        parts = [Part(text, tokens + 4, kind, "system") for (kind, text), tokens in zip(prompt, counted, strict=True)]
        log.call(number * 120, [*parts, user(f"What about order {number * 13}?", 40)], model)
    return log


def run(log: Log, *levers: Lever) -> list[int]:
    """What each lever takes off the bill when they are applied one after another."""
    bench = Bench(log.store, settings_of(levers, {}), 0)
    bench.start()
    steps = []
    for lever in levers:
        before = bench.cost().sum()
        bench.apply(lever)
        steps.append(int(before - bench.cost().sum()))
    return steps


def findings(log: Log) -> list[str]:
    assert prefix_order.LEVER.findings is not None
    return prefix_order.LEVER.findings(log.store, prefix_order.LEVER.settings)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("planted", PLANTED)
def test_planted_cause_is_found_and_named(planted: str, seed: int) -> None:
    make, expected = PLANTED[planted]
    log = log_of(make, seed)
    (made,) = run(log, prefix_order.LEVER)
    assert made > 0
    (line,) = findings(log)
    assert f": {expected} breaks the prefix" in line
    assert "tokens of unchanging text stand behind it" in line


def test_saving_is_what_the_static_part_would_be_read_for() -> None:
    log = log_of(clock, 5)
    (made,) = run(log, prefix_order.LEVER)
    static = sum(count(RULES_TEXT)) + 4
    price = PRICES["auto"]["input"] - PRICES["auto"]["cache_read"]
    assert made == pytest.approx(39 * 0.7 * (static // 128 * 128) * price, rel=0.02)


def test_excerpt_shows_where_but_not_what() -> None:
    for make in (name, mail, unique_id, short_id):
        log = log_of(make, 2)
        run(log, prefix_order.LEVER)
        (line,) = findings(log)
        assert "⟨…⟩" in line
        assert not any(first in line for full in NAMES for first in full.split())
        assert "example.com" not in line
        assert "ws-" not in line


@pytest.mark.parametrize("model", ["auto", "marked", "exact"])
def test_sound_prompts_are_left_alone(model: str) -> None:
    log = log_of(lambda random, number: [("system", STATIC)], 1, model)
    assert run(log, prefix_order.LEVER) == [0]
    assert findings(log) == []


def test_prompts_without_anything_in_common_are_left_alone() -> None:
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
    log = log_of(lambda random, number: [("system", " ".join(random.choice(words, 900)))], 1)
    assert run(log, prefix_order.LEVER) == [0]


def test_documents_that_share_phrases_are_not_called_static() -> None:
    """Sentences that many retrieved documents hold can't be moved in front of them."""

    def make(random: Random, number: int) -> Prompt:
        documents = []
        for _ in range(6):
            lines = [
                f"Document {random.integers(0, 10**6)} speaks of subject {random.integers(0, 500)}.",
                *RULES_TEXT[:25],
            ]
            documents.append("\n".join(lines))
        return [("user", "\n".join(documents))]

    assert run(log_of(make, 1), prefix_order.LEVER) == [0]


def test_marks_alone_take_what_they_can_and_order_only_the_rest() -> None:
    """Half of the static text stands before the date: marking it needs no moving."""

    def make(random: Random, number: int) -> Prompt:
        half = len(RULES_TEXT) // 2 + 15
        head, tail = "\n".join(RULES_TEXT[:half]), "\n".join(RULES_TEXT[half:])
        return [("system", head), ("system", f"Today is March {1 + number % 28}, 2026.\n{tail}")]

    log = log_of(make, 1, "marked")
    alone = run(log, prefix_order.LEVER)[0]
    marked, rest = run(log, prompt_cache.LEVER, prefix_order.LEVER)
    assert marked == 0  # the end of all system text changes every day
    assert rest == alone > 0


def test_writes_wasted_on_a_broken_prefix_are_repaired_not_saved_twice() -> None:
    log = Log()
    tokens = count([STATIC])[0] + 20
    for number in range(40):
        head = system(f"It is 10:{number:02d}.\n{STATIC}", tokens, "5m")
        log.call(number * 120, [head, user(f"order {number}", 40)], "marked", short=tokens)
    alone = run(log, prefix_order.LEVER)[0]
    dropped, repaired = run(log, prompt_cache.LEVER, prefix_order.LEVER)
    assert dropped > 0
    assert repaired > 0
    assert dropped + repaired == pytest.approx(alone, rel=0.001)


def test_conversations_keep_the_deeper_prefixes_they_already_read() -> None:
    log = Log()
    head = count([STATIC])[0] + 20
    for talk in range(25):
        parts = [system(f"You are helping {NAMES[talk % 7]} today.\n{STATIC}", head)]
        upto = head
        for turn in range(4):
            parts = [*parts, user(f"talk {talk} turn {turn}", 500)]
            log.call(talk * 9000 + turn * 60, parts, read=(upto // 128 * 128) if turn else 0)
            upto += 500
            parts = [*parts, Part(f"answer {talk} {turn}", 100, "history", "assistant")]
            upto += 100
    (made,) = run(log, prefix_order.LEVER)
    price = PRICES["auto"]["input"] - PRICES["auto"]["cache_read"]
    # talks are 2.5 hours apart and entries live ten minutes: moving the name gains only with a day's retention
    assert made <= 25 * head * price
    (line,) = findings(log)
    assert "kept for 24 hours" in line


def test_too_few_prompts_say_nothing() -> None:
    assert run(log_of(clock, 1, requests=12), prefix_order.LEVER) == [0]


def test_log_without_text_says_what_would_unlock_it() -> None:
    log = log_of(clock, 1, requests=2)
    log.store.run("UPDATE content SET text = NULL")
    assert prefix_order.LEVER.blocked is not None
    assert "--no-content" in str(prefix_order.LEVER.blocked(log.store, prefix_order.LEVER.settings))
