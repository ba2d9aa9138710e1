"""Requests without instructions are told apart by what their messages open with."""

from __future__ import annotations

import pytest

from audit.workflows import workflows
from tests.planting import MINUTE, START, Plant

BARE = {"workflow_id": 9, "origin": "prompt", "title": "no instructions"}
OPENING = "Translate the letter below into French and keep the tone of the writer as it is."


def plant(texts: list[str]) -> Plant:
    found = Plant()
    found.add("workflow", BARE)
    add(found, texts)
    return found


def add(found: Plant, texts: list[str]) -> None:
    for text in texts:
        request = found.call(at_us=START + found.calls * MINUTE, workflow_id=9)
        found.segment(request, 0, text, 40)


def letters(count: int) -> list[str]:
    return [
        f"{OPENING}\n\nDear aunt, this is letter number {number} from the seaside, where we have rain."
        for number in range(count)
    ]


def names(found: Plant) -> dict[str, int]:
    workflows(found.store)
    known = {row["workflow_id"]: row["name"] for row in found.store.rows("SELECT workflow_id, name FROM workflow")}
    rows = found.store.rows("SELECT workflow_id, COUNT(*) AS n FROM request GROUP BY workflow_id")
    return {known[row["workflow_id"]]: row["n"] for row in rows}


def test_messages_that_open_alike_are_a_workflow_and_later_ones_join_it() -> None:
    questions = [f"What about {chr(97 + number % 26) * (3 + number // 26)}, and why? " * 8 for number in range(30)]
    found = plant([*letters(20), *questions])
    first = names(found)
    assert first == {"translate-the-letter-below-into-french": 20, "no-instructions": 30}
    add(found, [OPENING + " One more letter from the seaside, where the sun has come out at last, and so have we."])
    assert names(found) == {"translate-the-letter-below-into-french": 21, "no-instructions": 30}
    assert names(found) == {"translate-the-letter-below-into-french": 21, "no-instructions": 30}


def test_messages_that_part_into_few_tasks_are_told_apart() -> None:
    shared = "You will be given the message of a customer about a late delivery."
    tasks = ("Return its mood as one word.", "Return the order it names.")
    texts = [f"{shared} {task}\n\nMessage {number}: {chr(97 + number) * 5} is not here yet." for task in tasks
             for number in range(20)]  # fmt: skip
    assert set(names(plant(texts)).values()) == {20}
    assert sorted(names(plant(texts))) == [
        "be-given-the-message-its-mood-as", "be-given-the-message-the-order-it",
    ]  # fmt: skip


def test_a_clock_in_front_is_no_template_of_its_own() -> None:
    texts = [f"[2026-10-{number:02d} 08:15:{number}] Summarise the report of the shift for the manager: {'ab' * number}"
             for number in range(10, 30)]  # fmt: skip
    assert names(plant(texts)) == {"summarise-the-report-of-the-shift": 20}


def test_few_messages_or_one_text_again_and_again_are_no_template() -> None:
    assert names(plant(letters(19))) == {"no-instructions": 19}
    assert names(plant(letters(1) * 40)) == {"no-instructions": 40}


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("You are the sales assistant of an online shop. Follow the manual.", "sales-assistant"),
        ("You are a senior financial analyst at ‹n› bank. Be brief.", "senior-financial-analyst"),
        ("You are a helpful assistant for tax questions.", "helpful-assistant-for-tax-questions"),
        ("You are Kira, a travel agent. Be kind.", "kira-a-travel-agent"),
        ("You are ChatGPT", "chatgpt"),
        ("Please classify the intent of tickets.", "classify-the-intent-of-tickets"),
    ],
)
def test_a_role_names_its_workflow_where_it_says_more_than_that_it_is_an_assistant(title: str, name: str) -> None:
    found = Plant()
    found.add("workflow", {"workflow_id": 4, "origin": "prompt", "title": title})
    found.segment(found.call(at_us=START, workflow_id=4), 0, "How are you?", 4)
    assert names(found) == {name: 1}
