"""Near copies planted in a log are joined, and questions that differ in what matters are not."""

from __future__ import annotations

import pytest

from audit.matching import matching
from benchmarks.detecting.questions import near_copies
from tests.planting import MINUTE, START, Plant


@pytest.mark.parametrize("world", ["shop", "office", "clinic", "farm"])
def test_planted_near_copies(world: str) -> None:
    found = near_copies(101, world)
    assert found.false == []
    assert found.counted.recall >= 0.93


def asked(*questions: tuple[str, int]) -> Plant:
    plant = Plant()
    for number, (text, answer) in enumerate(questions, start=1):
        request = plant.call(
            at_us=START + number * MINUTE, key=number, normalised_key=number, output_normalised_hash=answer
        )  # fmt: skip
        plant.segment(request, 0, text, 20)
    return plant


LONG = "hi i want to travel from home to {} next week with my family of four, can i bring a dog on the train"


def test_another_word_in_one_place_is_a_near_copy_only_with_the_same_answer() -> None:
    tiers = {tier.name: tier for tier in matching(asked((LONG.format("berlin"), 1), (LONG.format("munich"), 2)).store)}
    assert tiers["near"].avoidable == 0
    tiers = {tier.name: tier for tier in matching(asked((LONG.format("berlin"), 1), (LONG.format("munich"), 1)).store)}
    assert tiers["near"].avoidable == 1


def test_a_copy_of_a_copy_joins_the_question_the_group_began_with() -> None:
    first = "where can i find the small blue book about birds that my sister left in the hall"
    second = "hello, where can i please find the small blue book about birds that my sister just left in the hall"
    third = (
        "hello, where can i really please find the small blue book about birds that my sister just left in hall, thanks"
    )
    tier = matching(asked((first, 1), (second, 2), (third, 3)).store)[2]
    assert (tier.groups, tier.avoidable) == (1, 2)


def test_many_courtesies_are_no_template() -> None:
    endings = ("", " please", " thanks", " thank you", " many thanks", " cheers", " please, thanks", " kind regards")
    tier = matching(asked(*((f"Where is the key of the green cellar door{end}", 1) for end in endings)).store)[2]
    assert (tier.groups, tier.avoidable) == (1, len(endings) - 1)
