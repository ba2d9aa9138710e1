"""Planted traffic: monitors, runaway answers, retries, offline work, tools nobody calls, jumps of the daily spend."""

from __future__ import annotations

import json
import random
from importlib import import_module

import numpy as np

from audit.checking.anomalies import anomalies
from audit.levers.batch import says_offline
from audit.levers.unused_tools import unused
from audit.outliers import outliers
from audit.projection.bench import Bench, settings_of
from audit.store.tasks import tasks
from benchmarks.detecting.counting import Counted, compare
from benchmarks.detecting.messages import REAL
from benchmarks.detecting.prose import Prose
from tests.planting import DAY, MINUTE, START, Plant

_SECOND = 1_000_000
_TOOL_REQUESTS = 600


def unused_tools(seed: int) -> Counted:
    """Twelve tools offered 600 times; some are called often, some once, the others never."""
    dice, plant = random.Random(f"tools {seed}"), Plant()
    names = [f"{verb}_{noun}" for verb in ("find", "book", "cancel", "send") for noun in ("order", "visit", "letter")]
    never = set(dice.sample(names, dice.randint(2, 8)))
    called_ones = [name for name in names if name not in never]
    rare, often = called_ones[: len(called_ones) // 2], called_ones[len(called_ones) // 2 :]
    due = {dice.randrange(_TOOL_REQUESTS): name for name in rare}
    for number in range(_TOOL_REQUESTS):
        request = plant.call(at_us=START + number * MINUTE, output_hash=number)
        for place, name in enumerate(dice.sample(names, len(names))):
            described = {"description": f"to {name.replace('_', ' ')} of somebody", "name": name, "parameters": {}}
            plant.segment(request, place, json.dumps({"function": described, "type": "function"}), 40, kind="tools")
        plant.segment(request, 20, f"please {number}", 5)
        called = due.get(number) or (dice.choice(often) if often and dice.random() < 0.5 else None)
        if called:
            call = json.dumps({"arguments": {"about": dice.choice(names)}, "name": called})
            plant.segment(request, 21, call, 20, kind="tool_call", direction="output")
    missed_calls = set(rare) - set(due.values())
    return compare({row["name"] for row in unused(plant.store, 500)}, never | missed_calls)


def health_checks(seed: int) -> Counted:
    """Monitors that ask words or questions at even intervals with jitter and gaps, tests on a key of production, people."""
    dice, plant, planted = random.Random(f"monitors {seed}"), Plant(), set()

    def ask(text: str, at_us: int, key: int, monitor: bool, **columns: object) -> None:
        request = plant.call(
            at_us=START + at_us, key=key, input_tokens=12, output_tokens=dice.randint(1, 30),
            output_normalised_hash=dice.randrange(9), **{"environment": "production", "api_key_hash": "k1", **columns},
        )  # fmt: skip
        plant.segment(request, 0, text, 6)
        if monitor:
            planted.add(request)

    for kind, text in enumerate(("ping", "health check", "Say OK", "What is 2 + 2?", "Reply with yes")):
        every, gaps = dice.choice((5, 15, 60)) * MINUTE, dice.uniform(0, 0.1)
        for beat in range(dice.randint(30, 60)):
            if dice.random() > gaps:
                ask(text, beat * every + int(dice.uniform(0, 0.08) * every), kind + 1, monitor=True)
    for number, text in enumerate(dice.sample([each for each in REAL if len(each) > 3], 25)):
        for _ in range(dice.randint(1, 40)):
            user = dice.choice((None, f"u{dice.randrange(50)}"))
            ask(text, int(dice.uniform(0, 3 * DAY)), 100 + number, monitor=False, user_id=user)
    for number in range(40):
        environment = dice.choice(("staging", "ci", "load-test", "qa-2", "latest", "production-eu", "contest"))
        ask(Prose(number).question(), int(dice.uniform(0, DAY)), 500 + number,
            monitor=environment in ("staging", "ci", "load-test", "qa-2"), environment=environment)  # fmt: skip
    lever = import_module("audit.levers.filtered").LEVER
    bench = Bench(plant.store, settings_of([lever], {}), 2**60)
    bench.start()
    bench.apply(lever)
    return compare({row["request_id"] for row in plant.store.rows("SELECT request_id FROM filtered_hit")}, planted)


def runaway_answers(seed: int) -> Counted:
    """Answers that hit the limit far beyond the usual length, among long ones that ended and usual ones cut off."""
    dice, plant, planted = np.random.default_rng([seed, 1]), Plant(), set()
    for number in range(400):
        usual = int(dice.lognormal(4.6, 0.35))
        kind = dice.random()
        if kind < 0.03:
            tokens, reason = int(usual * dice.uniform(8, 40)) + 300, "length"
        elif kind < 0.06:
            tokens, reason = int(usual * dice.uniform(8, 40)) + 300, "stop"
        else:
            tokens, reason = usual, "length" if kind < 0.1 else "stop"
        request = plant.call(at_us=START + number * MINUTE, output_tokens=tokens, finish_reason=reason)
        if kind < 0.03:
            planted.add(request)
    store = plant.store
    outliers(store)
    rows = store.rows(
        "SELECT o.request_id FROM outlier AS o JOIN request AS r ON r.request_id = o.request_id"
        " WHERE o.meter = 'output' AND r.finish_reason = 'length'"
    )
    return compare({row["request_id"] for row in rows}, planted)


def cut_off_answers(seed: int) -> Counted:
    """Workflows whose answers end at the output limit, as providers spell it; other ends of answers beside them."""
    dice, plant, planted = random.Random(f"cut off {seed}"), Plant(), set()
    ends = ("stop", "end_turn", "tool_calls", "STOP", "content_filter", "stop_sequence", None)
    cut = ("length", "max_tokens", "MAX_TOKENS", "max_output_tokens")
    for workflow in range(10, 40):
        plant.add("workflow", {"workflow_id": workflow, "name": f"w{workflow}"})
        broken = dice.random() < 0.5
        for number in range(dice.randint(2, 20)):
            reason = dice.choice(cut) if broken and number % 3 == 0 else dice.choice(ends)
            plant.call(at_us=START + number * MINUTE, workflow_id=workflow, finish_reason=reason)
        if broken:
            planted.add(f"w{workflow}")
    measure = import_module("audit.measures.cut_off_answers").MEASURE
    return compare({row["key"] for row in plant.store.rows(measure.query)}, planted)


def retries(seed: int) -> Counted:
    """Calls in vain by reason: retried after failures or time-outs, regenerated after an answer; other calls beside."""
    dice, plant = random.Random(f"retries {seed}"), Plant()
    planted: set[tuple[int, str]] = set()
    for key in range(1, 151):
        at, user = dice.randrange(DAY // _SECOND), f"u{key % 40}"
        kind = dice.randrange(5)

        def call(after: float, key: int = key, at: int = at, user: str = user, ok: bool = True) -> int:
            state = {} if ok else {"status": "failed", "finish_reason": None}
            return plant.call(at_us=START + int((at + after) * _SECOND), key=key, user_id=user, **state)

        if kind == 0:
            planted |= {(call(0, ok=False), "retried"), (call(dice.uniform(1, 20), ok=False), "retried")}
            call(dice.uniform(21, 50))
        elif kind == 1:
            planted.add((call(0), "retried"))
            call(dice.uniform(2, 50))
        elif kind == 2:
            planted.add((call(0), "regenerated"))
            call(dice.uniform(70, 500))
        elif kind == 3:
            call(0)
            call(dice.uniform(3_600, 9_000))
        else:
            call(0)
    tasks(plant.store)
    rows = plant.store.rows("SELECT request_id, waste FROM task_attempt WHERE waste IN ('retried', 'regenerated')")
    return compare({(row["request_id"], row["waste"]) for row in rows}, planted)


def offline_work(seed: int) -> Counted:
    """Environments and tags that say nobody waits, as teams write them, against names that only look like it."""
    dice = random.Random(f"offline {seed}")
    yes = (
        "nightly",
        "batch",
        "offline-eval",
        "cron.daily",
        "backfill_2026",
        "bulk-import",
        "prod/batch",
        "job:nightly",
    )
    no = ("production", "batches-ui", "online", "cronut-shop", "bulkhead", "staging", "interactive", "batchelor", "")
    found, planted = [], []
    for number in range(200):
        offline, as_tag = dice.random() < 0.5, dice.random() < 0.5
        word = dice.choice(yes if offline else no)
        if as_tag and offline and dice.random() < 0.3:
            tags = json.dumps(
                {dice.choice(("is_batch", "metadata.offline", "background")): dice.choice((True, "true", 1))}
            )
        else:
            tags = json.dumps({dice.choice(("job", "source", "metadata.queue")): word}) if as_tag else None
        if offline:
            planted.append(number)
        if says_offline(None if as_tag else word, tags):
            found.append(number)
    return compare(found, planted)


def spend_jumps(seed: int) -> Counted:
    """Days on which the level of spend moves by 60 % or more, or a single day triples, in 60 days with weekends."""
    dice, plant = np.random.default_rng([seed, 2]), Plant()
    level, at = 100.0, {}
    days = sorted(dice.choice(np.arange(8, 52), size=int(dice.integers(0, 3)), replace=False).tolist())
    if len(days) == 2 and days[1] - days[0] < 8:
        days = days[:1]
    spike = int(dice.integers(3, 57)) if dice.random() < 0.5 else -1
    if any(abs(spike - day) < 4 for day in days):
        spike = -1
    for day in range(60):
        if day in days:
            level *= dice.choice((1.6, 2.5, 0.4, 0.55))
            at[day] = "level"
        amount = level * (0.6 if day % 7 in (5, 6) else 1.0) * dice.lognormal(0, 0.08) * (3.5 if day == spike else 1)
        for _ in range(3):
            plant.call(at_us=START + day * DAY + 3600 * _SECOND, input_tokens=int(amount * 100), output_tokens=10)
    if spike >= 0:
        at[spike] = "spike"
    first = START // DAY
    found = [(each.kind, each.day - first if each.day > 1000 else each.day) for each in anomalies(plant.store)]
    matched = {
        next(((kind, day) for day, kind in at.items() if kind == said and abs(day - when) <= 1), (said, -when - 1))
        for said, when in found
    }
    return compare(matched, {(kind, day) for day, kind in at.items()})
