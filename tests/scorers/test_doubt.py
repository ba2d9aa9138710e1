"""Which fails are doubtful: of a fact the model recalled there may be several right answers."""

from __future__ import annotations

import pytest

from audit.scorers import Answer, Context, ToolCall
from audit.scoring import judge

WEATHER = {
    "type": "object",
    "properties": {
        "place": {"type": "string"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer"},
        "alerts": {"type": "boolean"},
    },
    "required": ["place"],
}


@pytest.mark.parametrize(
    ("prompt", "logged", "candidate", "doubtful"),
    [
        ("who brought the first fir tree to the palace", "Queen Odila", "Prince Ruben", True),
        ("Who sang it?", "It was sung by Mara Lindt.", "Jonas Feld sang it.", True),
        ("What is the capital of Ruritania?", "Strelsau", "Zenda", True),
        ("when did the turtles come out", "August 8, 2014", "March 30, 1990", True),
        ("How many rooms has the palace?", "775", "1100", True),
        ("Mara Lindt paid Jonas Feld. Who paid?", "Mara Lindt", "Jonas Feld", False),
        ("Name the payer: from Mara Lindt, to Jonas Feld", "Mara Lindt", "Otto Kern", False),
        ("Anna has 3 apples and buys 4. How many has she?", "7", "8", False),
        ("The total of the invoice is 45.20 EUR. What is the total?", "45.20 EUR", "54.20 EUR", False),
        ("Is the palace open on Mondays?", "Yes", "No", False),
        ("Which one is it? A) Strelsau B) Zenda", "A", "B", False),
    ],
)
def test_a_fact_the_request_does_not_hold_is_failed_with_doubt(
    prompt: str, logged: str, candidate: str, doubtful: bool
) -> None:
    found = judge("short_answer", Answer(logged), Answer(candidate), Context(user=prompt))
    assert (found.passed, found.doubtful) == (False, doubtful), found.reason


@pytest.mark.parametrize(
    ("logged", "candidate", "doubtful"),
    [
        ({"place": "Zenda", "unit": "celsius"}, {"place": "Zenda", "unit": "fahrenheit"}, True),
        ({"place": "Zenda, RT"}, {"place": "Zenda, Ruritania"}, True),
        ({"place": "Zenda", "days": 3}, {"place": "Zenda", "days": 4}, False),
        ({"place": "Zenda"}, {"place": "Strelsau"}, False),
        ({"place": "Zenda", "alerts": True}, {"place": "Zenda", "alerts": False}, False),
        ({"place": "Zenda, RT", "days": 3}, {"place": "Zenda, Ruritania", "days": 4}, False),
        ({"place": "Zenda", "unit": "celsius"}, {"place": "Zenda", "unit": "kelvin"}, False),
    ],
)
def test_arguments_in_words_of_the_models_own_are_failed_with_doubt(
    logged: dict[str, object], candidate: dict[str, object], doubtful: bool
) -> None:
    context = Context(user="Weather in Zenda for 3 days, please.", tools={"weather": WEATHER})
    ours, theirs = (Answer(tool_calls=(ToolCall("weather", each),)) for each in (logged, candidate))
    found = judge("tool_call", ours, theirs, context)
    assert (found.passed, found.doubtful) == (False, doubtful), found.reason


def test_only_fails_are_doubtful() -> None:
    asked = Context(user="Who sang it?", disputed=True)
    open_ = judge("short_answer", Answer("Mara Lindt"), Answer("Jonas Feld"), asked)
    same = judge("short_answer", Answer("Mara Lindt"), Answer("It was Mara Lindt."), Context(user="Who sang it?"))
    assert (open_.passed, open_.doubtful) == (None, False)
    assert (same.passed, same.doubtful) == (True, False)
