"""What two answers to one question add to it: names in sentences, and the sentences that only look like an answer."""

from __future__ import annotations

import pytest

from audit.scorers import Answer, Context
from audit.scoring.judgement import judge

HARBOUR, MAYOR, FILM = "Who painted the harbour?", "Who was mayor?", "What was her first film?"


def passed(prompt: str, logged: str, candidate: str, kind: str = "short_answer") -> bool | None:
    return judge(kind, Answer(logged), Answer(candidate), Context(user=prompt)).passed


@pytest.mark.parametrize(
    ("prompt", "logged", "candidate"),
    [
        (HARBOUR, "Mara Lindt", "The harbour was painted by Mara Lindt in 1911."),
        (HARBOUR, "The harbour was painted by Mara Lindt.", "Mara Lindt painted it, as a plate in the town hall says."),
        (HARBOUR, "The harbour was painted by Mara Lindt, a Dane.", "Lindt"),
        (HARBOUR, "Lindt", "It was painted by Mara Lindt."),
        (HARBOUR, "It was painted by Mara Lindt.", "It was painted by Mira Lindt."),
        (HARBOUR, "It was Mara Lindt who painted the harbour. It hangs in Graz.", "painter mara lindt"),
        (FILM, "Silent River", 'Her first film was "Silent River" in 1984.'),
        (FILM, "Her first film was “Silent River”.", 'Her first film was called "Silent River," made by Bo Li.'),
        ("Where is the bridge?", "It is in Graz, Austria.", "Graz"),
        ("What do pandas eat?", "Pandas eat bamboo.", "bamboo"),
    ],
)
def test_the_same_answer_in_other_sentences_passes(prompt: str, logged: str, candidate: str) -> None:
    assert passed(prompt, logged, candidate) is True


@pytest.mark.parametrize(
    ("prompt", "logged", "candidate"),
    [
        (HARBOUR, "The harbour was painted by Mara Lindt.", "The harbour was painted by Jonas Feld."),
        (HARBOUR, "Jonas Feld", "It was painted by Mara Lindt in 1911."),
        (FILM, 'Her first film was "Silent River".', 'Her first film was "The Lamp" (1988).'),
    ],
)
def test_another_name_in_a_sentence_fails(prompt: str, logged: str, candidate: str) -> None:
    assert passed(prompt, logged, candidate) is False


@pytest.mark.parametrize(
    ("prompt", "logged", "candidate"),
    [
        (HARBOUR, "Mara Lindt painted it.", "Mara Lindt's brother painted it."),
        (HARBOUR, "Mara Lindt painted it.", "The son of Mara Lindt painted it."),
        (HARBOUR, "The harbour was painted by Mara Lindt.", "Jonas Feld painted the harbour after Mara Lindt."),
        (HARBOUR, "Jonas Feld", "Mara Lindt followed Jonas Feld"),
        (HARBOUR, "Mara Lindt", "Mara Lindt, Jonas Feld"),
        (HARBOUR, "Mara Lindt", "Mara Lindt and Jonas Feld painted the harbour"),
        (HARBOUR, "Mara Lindt", "It was Mara Lindt until Jonas Feld finished it."),
        (HARBOUR, "Mara Lindt", "It was not Mara Lindt."),
        (HARBOUR, "Mara Lindt", "Mara Lindt painted the church; Jonas Feld painted the harbour."),
        (HARBOUR, "Mara Lindt", "Some sources name Mara Lindt."),
        (MAYOR, "Ana Ruiz followed Bo Li", "Bo Li followed Ana Ruiz"),
        (MAYOR, "Bo Li", "The mayor was Dr. Bo Li, played by Ana Ruiz."),
        (MAYOR, "Ana Ruiz won.", "Ana Ruiz lost."),
        (FILM, 'Her first film was "Silent River".', 'Her first film was "Return to Silent River".'),
        ("Which region is it?", "South Barrow", "It is New South Barrow."),
        ("Which games did she win?", "She won the games in Seoul in 1988.", "She won the games in Seoul in 1992."),
        ("How does it travel?", "It moves from Oslo to Bergen.", "It moves to Oslo from Bergen."),
        ("Which is larger, Oslo or Bergen?", "Oslo by a lot", "Bergen by a lot"),
        ("Where is the bridge?", "It is in Graz, Austria.", "The bridge is in Austria."),
        ("What does the valve do?", "It turns the heater off.", "It turns the heater on."),
        ("What does it need?", "It needs salt water.", "It needs water."),
        ("What does it need?", "water", "It needs salt water."),
        ("Which vehicle is it?", "car", "It is an electric car."),
    ],
)
def test_what_only_looks_like_the_answer_does_not_pass(prompt: str, logged: str, candidate: str) -> None:
    assert passed(prompt, logged, candidate) is not True


def test_a_long_answer_to_who_is_compared_by_whom_it_names() -> None:
    logged = (
        "The harbour was painted by Mara Lindt, who had moved there. " + "She lived by the quay for many years. " * 9
    )
    assert passed(HARBOUR, logged, "Mara Lindt painted the harbour.", "open") is True
    assert passed(HARBOUR, logged, "Jonas Feld painted the harbour.", "open") is False
    assert passed("Why is it blue?", logged, "Mara Lindt painted the harbour.", "open") is None
