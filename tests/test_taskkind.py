from __future__ import annotations

from typing import Any

import pytest

from audit.taskkind import MIXED, Features, difficulty, kind, vote

# each example is decided by a rule that stands before another that would fit too
EXAMPLES: list[tuple[dict[str, Any], str]] = [
    ({"system": "Classify the sentiment", "user": "great!", "answer": "Positive", "output_tokens": 1,
      "distinct_outputs": 3}, "classification"),
    ({"system": "Extract fields", "user": "..", "answer": '{"name":"A","total":3,"date":"2026-01-01"}',
      "response_format": "json_object"}, "extraction"),
    ({"system": "Route the intent", "user": "..", "answer": '{"intent":"refund"}'}, "classification"),
    ({"user": "weather?", "tool_calls": 1}, "tool_call"),
    ({"user": "python fn to add", "answer": "```python\ndef add(a,b): return a+b\n```", "output_tokens": 20}, "code"),
    ({"system": "Summarise the call", "user": "...", "input_tokens": 3000, "answer": "...", "output_tokens": 150},
     "summary"),
    ({"user": "Draft a reply email to the customer", "answer": "Dear...", "input_tokens": 200, "output_tokens": 120},
     "drafting"),
    ({"user": "What are your business hours?", "answer": "9 to 5", "output_tokens": 3}, "short_answer"),
    ({"user": "Analyze root cause step by step", "answer": "...", "output_tokens": 600}, "reasoning"),
    ({"user": "Translate to French: hello", "answer": "bonjour", "output_tokens": 1}, "rewrite"),
    ({"user": "Tell me about whales", "answer": "...", "output_tokens": 300}, "open"),
    ({"user": "Übersetze ins Deutsche: hello", "answer": "hallo", "output_tokens": 1}, "rewrite"),
    ({"user": "Fasse zusammen, was zusammenfassbar ist", "input_tokens": 900, "output_tokens": 100, "answer": "…"},
     "summary"),
    ({"user": "Rédige un courriel au client", "output_tokens": 90, "answer": "Bonjour"}, "drafting"),
    ({"user": "Clasifica el sentimiento: genial", "output_tokens": 2, "answer": "positivo"}, "classification"),
    ({"user": "Is it about water: yes or no?", "answer": "yes", "output_tokens": 900, "reasoning_tokens": 899},
     "classification"),
    ({"user": "List three", "answer": "[1, 2", "output_tokens": 5, "distinct_outputs": 99}, "short_answer"),
]  # fmt: skip


@pytest.mark.parametrize(("features", "expected"), EXAMPLES, ids=lambda each: each if isinstance(each, str) else "")
def test_kind(features: dict[str, Any], expected: str) -> None:
    assert kind(Features(**features)) == expected


def test_votes() -> None:
    assert vote(["code"] * 6 + ["open"] * 4) == ("code", 0.6)
    assert vote(["code"] * 5 + ["open"] * 5) == (MIXED, 0.5)
    assert vote([]) == (None, 0.0)


def test_difficulty_orders_easy_before_hard() -> None:
    easy = Features(user="What are your hours?", output_tokens=3)
    hard = Features(
        user="Prove step by step that the contract clause must never apply; at most two pages, exactly one theorem",
        reasoning_tokens=900,
    )
    assert 0 <= difficulty(easy, 0.0, 0.0, 0) < 0.1
    assert 0.8 < difficulty(hard, 1.0, 1.0, 2) <= 1
