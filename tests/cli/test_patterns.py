"""Instructions filled in with names, tenants or documents are one workflow; those that ask for other things are not."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from audit import store as stores

NAMES = ("Anneliese Köhler", "Tomás Herrera", "佐藤健", "Priya Natarajan", "Łukasz Nowak", "Zoë Dupont")
POLICY = " ".join(f"Rule {word} of the house holds for everyone who writes here." for word in "abcdefghijklmnop")
TASKS = ("summarise the note", "list the open points", "write a reply", "find the contract", "check the amounts",
         "rate the tone")  # fmt: skip
WORDS = ("harbour", "tariff", "ledger", "valve", "orchard", "permit", "canvas", "ticket", "gasket", "rotor", "invoice")


def prose(dice: random.Random, count: int = 60) -> str:
    return " ".join(dice.choice(WORDS) for _ in range(count))


def system(kind: str, dice: random.Random, number: int) -> str:
    name = NAMES[number % len(NAMES)]
    return {
        "named": f"You are the bank assistant of {name} (no. {dice.randrange(10**6)}). Be brief. Never give advice.",
        "named far in": f"{POLICY} The customer is called {name} and expects an answer at once. Stay polite.",
        "tenant first": f"[tenant={WORDS[number % 5]}-gmbh id={dice.getrandbits(64):016x}] Sort: leave, pay, other.",
        "documents": f"<rules>Answer from the documents and cite them.</rules>\n<documents>{prose(dice)}</documents>",
        "documents first": f"{prose(dice)}\n\nThese were the documents; answer only from them, in one sentence.",
        "tasks": f"{POLICY} Now {TASKS[number % len(TASKS)]} and answer in one line.",
        "versions": f"You sort tickets. {'Be brief. ' * (number % 3)}{'Use labels only.' if number % 2 else ''}",
    }[kind]


def workflows(audit: Any, folder: Path, kinds: tuple[str, ...], seed: int) -> dict[str, dict[str, int]]:
    dice = random.Random(seed)
    log, db = folder / f"{seed}.jsonl", folder / f"{seed}.duckdb"
    lines = []
    for number in range(60 * len(kinds)):
        kind = kinds[number % len(kinds)]
        messages = [{"role": "system", "content": system(kind, dice, number // len(kinds))},
                    {"role": "user", "content": prose(dice, 5)}]  # fmt: skip
        lines.append(json.dumps({
            "timestamp": f"2026-10-05T10:{number // 60:02d}:{number % 60:02d}Z", "request_id": f"{kind}-{number}",
            "request": {"model": "gpt-4.1-mini", "messages": messages},
            "response": {"id": f"{kind}={number}", "object": "chat.completion", "model": "gpt-4.1-mini",
                         "choices": [{"index": 0, "message": {"role": "assistant", "content": "Fine."},
                                      "finish_reason": "stop"}],
                         "usage": {"prompt_tokens": 90, "completion_tokens": 3, "total_tokens": 93}},
        }))  # fmt: skip
    log.write_text("\n".join(lines), encoding="utf-8")
    assert audit("ingest", log, "--db", db).code == 0
    with stores.open(db) as opened:
        rows = opened.rows(
            "SELECT r.external_id, w.name FROM request AS r JOIN workflow AS w ON w.workflow_id = r.workflow_id"
        )
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        found[row["external_id"].split("=")[0]][row["name"]] += 1
    return found


@pytest.mark.parametrize("kind", ["named", "named far in", "tenant first", "documents", "documents first"])
def test_one_template_is_one_workflow(audit: Any, tmp_path: Path, kind: str) -> None:
    assert list(workflows(audit, tmp_path, (kind,), 1)[kind].values()) == [60]


@pytest.mark.parametrize(("kind", "count"), [("tasks", 6), ("versions", 6)])
def test_other_tasks_under_one_opening_stay_apart(audit: Any, tmp_path: Path, kind: str, count: int) -> None:
    assert len(workflows(audit, tmp_path, (kind,), 1)[kind]) == count


def test_two_halves_of_one_traffic_get_the_same_names(audit: Any, tmp_path: Path) -> None:
    kinds = ("tasks", "documents", "named", "versions")
    first, second = (workflows(audit, tmp_path, order, seed) for seed, order in ((1, kinds), (2, kinds[::-1])))
    assert {kind: set(names) for kind, names in first.items()} == {kind: set(names) for kind, names in second.items()}
