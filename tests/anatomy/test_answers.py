"""Phrases every answer carries, prose around labels, layout of JSON."""

from __future__ import annotations

import json

from audit.anatomy.answers import compact, labels_before_prose, opening, shared_phrases, without

ITEMS = [f"{number} pieces of it are {'red' if number % 3 else 'green'} and worth {number * 7}" for number in range(30)]


def test_phrases_most_answers_begin_and_end_with() -> None:
    answers = [f"Thank you for reaching out to us! {item}. I do hope this helps you." for item in ITEMS]
    answers[4] = "No."
    head, tail = shared_phrases(answers)
    assert (head, tail) == ("Thank you for reaching out to us!", "I do hope this helps you.")
    assert without(answers[0], head, tail) == f"{ITEMS[0]}."
    assert without(answers[4], head, tail) == "No."


def test_no_phrase_in_few_varied_or_json_answers() -> None:
    assert shared_phrases(["Thank you for reaching out."] * 50) == ("", "")
    assert shared_phrases(ITEMS[:10]) == ("", "")
    assert shared_phrases([f"{number} and no more" for number in range(30)]) == ("", "")
    assert shared_phrases([json.dumps({"the label of it is": item}) for item in ITEMS]) == ("", "")


def test_labels_inside_one_sentence_are_few_and_come_often() -> None:
    answers = [
        f"Having read the ticket, I believe its priority is {label}. Anything else?" for label in ("low", "high")
    ]
    assert shared_phrases(answers * 10)[0] == "Having read the ticket, I believe its priority is"
    assert shared_phrases(answers * 10 + [answers[0].replace("low", "urgent")]) == ("", "")


def test_labels_that_open_prose() -> None:
    asked = "Classify the ticket: billing, delivery or other."
    answers = [
        f"{label}: the customer writes about it at length." for label in ("Billing", "delivery", "**Other**")
    ] * 20
    assert labels_before_prose(answers, asked) == {"billing", "delivery", "other"}
    assert labels_before_prose(answers, asked + " Explain why.") == frozenset()
    assert labels_before_prose(answers, "Answer the customer.") == frozenset()
    assert labels_before_prose(["Billing: yes."] * 60, asked) == frozenset()
    assert labels_before_prose([f"{item}. Long story." for item in ITEMS] * 2, asked) == frozenset()


def test_opening() -> None:
    assert opening("Billing. The customer …") == "billing"
    assert opening("Category: **late delivery** - they wait") == "late delivery"
    assert opening("The customer asks about the bill they got, twice.") == ""


def test_compact() -> None:
    value = {"a": [1, 2, {"b": "c d"}]}
    for text in (json.dumps(value, indent=2), f"```json\n{json.dumps(value, indent=4)}\n```"):
        assert json.loads(compact(text)) == value
        assert " " not in compact(text).replace("c d", "")
    assert compact("no json") == "no json"
    assert compact("{broken") == "{broken"
