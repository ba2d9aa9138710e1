"""Formulas and expressions pass for their words only with the same signs."""

from __future__ import annotations

import pytest

from audit.scorers import Answer, Context
from audit.scoring import judge, kind_of


def passed(logged: str, candidate: str) -> bool | None:
    reference = Answer(logged)
    return judge(kind_of("short_answer", reference), reference, Answer(candidate), Context(user="What is it?")).passed


@pytest.mark.parametrize(
    ("logged", "candidate"),
    [
        (r"\frac{a}{b}", r"\frac{b}{a}"), ("(x+1)(x-1)", "(x+1)(x+1)"), ("a - b", "b - a"), ("a/b", "b/a"),
        ("x < y", "x > y"), ("[0, 1)", "(0, 1]"), ("Na+", "Na-"), ("len(x)", "len(y)"), ("!a", "a"),
        ("[i**2 for i in range(10)]", "[i*2 for i in range(10)]"), ("a == b", "a != b"), ("cos(x)", "-cos(x)"),
        ("e^{-x}", "e^{x}"), ("cos(x)", "The derivative is -cos(x)."), ("x^2 + 1", "It is x^2 + 1/x."),
    ],
)  # fmt: skip
def test_other_signs_are_left_open(logged: str, candidate: str) -> None:
    assert passed(logged, candidate) is None


@pytest.mark.parametrize(
    ("logged", "candidate"),
    [
        ("x+1", "x + 1"), (r"$\frac{a}{b}$", r"The answer is $\frac{a}{b}$."), ("cos(x)", "**cos(x)**"),
        ("a/b", "The answer is a/b."), ("(A)", "A"), ("yes!", "Yes"),
        ("Mara Lindt (singer)", "Mara Lindt"), ("credit_card", "credit card"), ("AC/DC", "The answer is AC/DC."),
    ],
)  # fmt: skip
def test_the_same_expression_and_words_with_marks_still_pass(logged: str, candidate: str) -> None:
    assert passed(logged, candidate) is True
