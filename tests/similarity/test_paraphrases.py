"""The semantic cache certifies paraphrases where they are plenty, stays under its bound, and merges nothing else."""

from __future__ import annotations

from benchmarks.detecting.meanings import catalogue, composed


def test_plenty_of_paraphrases_are_certified_and_served() -> None:
    found = composed(303)
    assert found.certified
    assert found.bound <= 0.03
    assert found.false <= found.bound * found.hits
    assert found.hits > 0.2 * found.possible


def test_questions_that_differ_little_are_not_certified_falsely() -> None:
    found = catalogue(303)
    assert found.false <= found.bound * found.hits
