"""Pairs of questions as people ask them: rewordings pass, everything else is kept apart or left to the answers."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from audit.similarity.guards import conflict, verdict
from audit.similarity.wording import Rewording

_FILES = ("pairs.toml", "more_pairs.toml")


def pairs(near: bool) -> list[tuple[str, str]]:
    files = [tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8")) for name in _FILES]
    return [
        tuple(pair) for listed in files for kind, each in listed.items() if (kind == "near") == near for pair in each
    ]


@pytest.mark.parametrize(("one", "other"), pairs(near=True))
def test_one_question_in_two_wordings(one: str, other: str) -> None:
    assert verdict(one, other) == verdict(other, one) == Rewording()
    assert conflict(one, other) is None


@pytest.mark.parametrize(("one", "other"), pairs(near=False))
def test_another_question_is_never_taken_for_a_rewording(one: str, other: str) -> None:
    assert verdict(one, other) != Rewording()
    assert verdict(other, one) != Rewording()
    assert verdict(one, one) == verdict(other, other) == Rewording()


def test_a_name_at_the_start_of_a_sentence_is_guarded_and_an_ordinary_word_is_not() -> None:
    rest = " should be done before the end of the week, and the whole family would like to know what it costs us. "
    assert conflict(f"We asked you. Lisbon{rest}", f"We asked you. Oslo{rest}") == "names differ"
    assert conflict(f"We asked you. Returning{rest}", f"We asked you. Sending{rest}") is None
