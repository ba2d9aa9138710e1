"""Logs of a few thousand requests with the truth beside them: which prompts the cheap model answers acceptably."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.accepting.tasks import TASKS, Item

STRONG, WEAK = "gpt-4o", "gpt-4o-mini"
_DAY = 86_400
_START = 1_791_187_200


@dataclass(frozen=True, slots=True)
class Workload:
    """One workflow of a world: distinct prompts, how often they come, and how well the cheap model does.

    `accuracy` is that on short prompts; it falls by `drop` towards the longest ones. `repeats` is the number of
    requests per distinct prompt on average, most of them of a few prompts. Lengths are lognormal with sigma `spread`, up to
    `longest` sentences. `constant`: the cheap model says that always.
    """

    task: str
    prompts: int
    accuracy: float
    drop: float = 0.0
    repeats: float = 1.0
    longest: int = 40
    spread: float = 0.9
    tagged: bool = True
    constant: str | None = None


@dataclass(slots=True)
class World:
    """A log, the cheap model's answers by prompt, and per prompt (workflow, requests, acceptable)."""

    records: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    logged: dict[str, Any] = field(default_factory=dict)
    truth: dict[str, tuple[str, int, bool]] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """The log as a file."""
        path = folder / "log.jsonl"
        path.write_text("\n".join(json.dumps(each, ensure_ascii=False) for each in self.records), encoding="utf-8")
        return path

    def share(self, workflow: str | None = None) -> float:
        """True share of requests with an acceptable answer, of one workflow or of all."""
        rows = [row for row in self.truth.values() if workflow is None or row[0] == workflow]
        return sum(requests * good for _, requests, good in rows) / sum(requests for _, requests, _ in rows)


WORLDS: dict[str, tuple[Workload, ...]] = {
    "one workflow": (Workload("intent", 4000, 0.93, 0.25),),
    "skewed": (
        Workload("intent", 4000, 0.95, 0.3, longest=2000, spread=1.7),
        Workload("extraction", 1500, 0.93, 0.2, longest=2000, spread=1.7),
    ),
    "repeated": (Workload("capital", 2500, 0.88, 0.1, repeats=4.0), Workload("rare", 600, 0.97, repeats=3.0)),
    "mixed": (
        Workload("intent", 3000, 0.97, 0.2, repeats=1.5),
        Workload("extraction", 1200, 0.9, 0.3),
        Workload("arithmetic", 900, 0.9, 0.3),
        Workload("choice", 700, 0.8, tagged=False),
        Workload("tool", 500, 0.95),
        Workload("german", 250, 0.99, tagged=False),
        Workload("figure", 60, 0.85),
        Workload("capital", 30, 0.9),
    ),
    "reasoned": (Workload("reasoned", 2500, 0.75, 0.3, longest=80), Workload("arithmetic", 1500, 0.95, 0.1, tagged=False)),
    "near one": (Workload("tool", 1500, 0.995), Workload("extraction", 1500, 0.99), Workload("choice", 1000, 0.985)),
    "near zero": (Workload("choice", 2500, 0.03), Workload("figure", 500, 0.1)),
    "constant": (
        Workload("rare", 2500, 1.0, constant="no"),
        Workload("intent", 1500, 1.0, constant="billing"),
        Workload("choice", 800, 1.0, constant="The answer is B."),
    ),
}  # fmt: skip


def build(workloads: tuple[Workload, ...], seed: int) -> World:
    """A world of a seed: the same on every machine."""
    rng, made = Random(seed), World()
    waiting: list[tuple[Workload, str, Item]] = []
    for load in workloads:
        for _ in range(load.prompts):
            waiting += _requests(rng, load, made)
    rng.shuffle(waiting)
    for number, (load, key, item) in enumerate(waiting):
        at = _START + 14 * _DAY * number / len(waiting)
        made.records.append(_record(number, at, load, json.loads(key), item))
    return made


def _requests(rng: Random, load: Workload, made: World) -> list[tuple[Workload, str, Item]]:
    length = min(load.longest, int(rng.lognormvariate(1.2, load.spread)))
    right = rng.random() < load.accuracy - load.drop * min(1.0, length / 20)
    task = TASKS[load.task]
    item = task.make(rng, right, length)
    if load.constant is not None:
        item = Item(item.user, item.logged, load.constant, _letter(load.constant) == item.logged)
    key = json.dumps([{"role": "system", "content": task.system}, {"role": "user", "content": item.user}])
    if key in made.truth:
        return []
    times = 1 if load.repeats <= 1 else min(200, max(1, int(rng.paretovariate(1.2) * (load.repeats - 1) / 3)))
    made.truth[key] = (load.task, times, item.good)
    made.answers[key], made.logged[key] = item.weak, item.logged
    return [(load, key, item)] * times


def _letter(text: str) -> str:
    return text.removeprefix("The answer is ").rstrip(".")


def message(answer: str | list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """An answer as the API writes it."""
    if isinstance(answer, str):
        return {"role": "assistant", "content": answer}
    calls = [
        {"id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for place, (name, arguments) in enumerate(answer)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def tokens(value: Any) -> int:
    """About four characters a token."""
    return max(1, len(value if isinstance(value, str) else json.dumps(value)) // 4)


def _record(number: int, at: float, load: Workload, messages: list[Any], item: Item) -> dict[str, Any]:
    used = tokens(messages), tokens(item.logged)
    return {
        "timestamp": at,
        "latency_ms": 900,
        **({"metadata": {"workflow": load.task}} if load.tagged else {}),
        "request": {"model": STRONG, "messages": messages, "temperature": 0, **TASKS[load.task].parameters},
        "response": {
            "id": f"chatcmpl-{number:08d}", "object": "chat.completion", "model": STRONG,
            "choices": [{"index": 0, "finish_reason": "stop", "message": message(item.logged)}],
            "usage": {"prompt_tokens": used[0], "completion_tokens": used[1], "total_tokens": sum(used)},
        },
    }  # fmt: skip
