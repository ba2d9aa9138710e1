"""Code without a fence is known by its form; prose that shares its words is not taken for it."""

from __future__ import annotations

import pytest

from audit.scorers import Answer, Context
from audit.scorers._source import source
from audit.scoring import judge, kind_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("SELECT name FROM towns", "sql"),
        ("select name from towns where size > 3", "sql"),
        ("-- the largest\nWITH t AS (\n  SELECT 1\n) SELECT * FROM t", "sql"),
        ("INSERT INTO towns (name) VALUES ('Zenda')", "sql"),
        ("UPDATE towns SET name = 'Zenda' WHERE id = 3", "sql"),
        ("DROP TABLE towns;", "sql"),
        ("MATCH (n:`Town`) WHERE n.size > 3 RETURN n.name", "cypher"),
        ("PREFIX e: <http://e.example/>\nSELECT ?x WHERE { ?x a e:Town }", "sparql"),
        ("```sql\nSELECT 1\n```", "sql"),
        ("def f(x):\n    return x", ""),
        ("for (int i = 0; i < 3; i++) {\n  total += i;\n}", ""),
        ("df.groupby('town').sum()", ""),
        ("=SUM(A1:A10)", ""),
        ("git commit -m 'Add Zenda'", ""),
    ],
)
def test_code_is_known_by_its_form(text: str, language: str) -> None:
    assert source(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "Paris", "x = 5", "f(x) = 2x + 3", "Select a plan from the list.", "select one from these",
        "Update your settings = more comfort", "Delete it from the list", "Drop table manners", "With love as (always)",
        "A match (2-1) was lost; return next week", "Import duties are 5 %", "He is well -known", "well-known -5",
        "Step 1: x = 3\nStep 2: y = 4\nSo the answer is 7.", "1. Paris\n2. Rome", "Name: Ada\nAge: 3",
        "Dear Ada,\nthank you (and yours).\nBob", "```text\nhello\n```", '```json\n{"a": 1}\n```', "",
    ],
)  # fmt: skip
def test_prose_and_data_are_no_code(text: str) -> None:
    assert source(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "select " + "a " * 30_000,
        "MATCH (" * 9000,
        "SELECT ?x " * 9000,
        "with a as (" * 9000,
        " " * 90_000 + "x",
        "a_" * 2000 + "!",
    ],
)
def test_text_that_is_made_to_look_like_code_without_end_is_none(text: str) -> None:
    assert source(text) is None


def test_a_query_that_asks_something_else_is_not_passed() -> None:
    asked = Context(user="What is the average size of all towns in Ruritania?")
    logged = Answer("MATCH (t:town) WHERE t.land = 'Ruritania' RETURN avg(t.size)")
    for other in ("t.size = 'Ruritania'", "t.name = 'Ruritania'", "t.land = 'Ruritanian'"):
        answer = Answer(f"MATCH (t:town) WHERE {other} RETURN avg(t.size)")
        assert judge(kind_of("short_answer", logged), logged, answer, asked).passed is None
