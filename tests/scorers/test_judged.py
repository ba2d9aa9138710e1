"""Answers judged by hand, with the traps of real ones: what a program decides is right, and it decides most of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from audit.scorers import Answer, Context, ToolCall
from audit.scoring.judgement import judge, kind_of

CASES = [json.loads(line) for line in Path(__file__).with_name("judged.jsonl").read_text(encoding="utf-8").splitlines()]
"""`acceptable` is true, false, or null where careful people would differ."""

LEAST_DECIDED = {
    "classification": 0.9,
    "short_answer": 0.9,
    "reasoning": 0.9,
    "open": 0.5,
    "extraction": 1,
    "tool_call": 1,
}


def answer(said: Any) -> Answer:
    return Answer(said) if isinstance(said, str) else Answer("", tuple(ToolCall(*call) for call in said))


def decided(case: dict[str, Any]) -> bool | None:
    labels = frozenset(case["labels"]) if "labels" in case else None
    logged, context = answer(case["logged"]), Context(user=case["prompt"], labels=labels, tools=case.get("tools", {}))
    return judge(kind_of(case["kind"], logged), logged, answer(case["candidate"]), context).passed


@pytest.mark.parametrize("kind", sorted({case["kind"] for case in CASES}))
def test_no_answer_is_taken_for_what_it_is_not(kind: str) -> None:
    cases = [(case, decided(case)) for case in CASES if case["kind"] == kind and case["acceptable"] is not None]
    wrong = [
        (case["logged"], case["candidate"], said) for case, said in cases if said not in (None, case["acceptable"])
    ]
    assert not wrong
    told = Counter(said is not None for _, said in cases)
    assert told[True] >= LEAST_DECIDED.get(kind, 0) * len(cases)
