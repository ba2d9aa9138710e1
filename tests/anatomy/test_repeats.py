"""Text that stands twice in one prompt."""

from __future__ import annotations

import random
from itertools import pairwise

from audit.anatomy.repeats import repeats, sentences

WORDS = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "theta", "iota", "kappa", "lambda", "omicron", "sigma")


def paragraph(dice: random.Random, count: int = 8) -> str:
    return " ".join(" ".join(dice.choices(WORDS, k=12)).capitalize() + "." for _ in range(count))


def words(text: str) -> int:
    return len(text.split())


def found(*texts: str, least: int = 64) -> list[str]:
    again = repeats(list(texts), [sentences(text) for text in texts], words, least)
    return [texts[each.text][each.start : each.end] for each in again]


def test_a_paragraph_sent_twice_is_found_once_and_the_first_copy_stays() -> None:
    dice = random.Random(1)
    one, other = paragraph(dice), paragraph(dice)
    text = f"{one}\n\n{other}\n\n{one}\n\nGo on."
    (again,) = found(text)
    assert again.strip() == one
    assert text.index(again, text.index(one) + 1) > len(one)


def test_across_messages_and_three_times() -> None:
    one = paragraph(random.Random(2))
    assert [each.strip() for each in found(one, "Short.", one, f"Again: {one}")] == [one, one[one.index(".") + 2 :]]


def test_only_what_follows_alike_counts_and_short_repeats_do_not() -> None:
    dice = random.Random(3)
    parts = [paragraph(dice, 1) for _ in range(9)]
    mixed = [parts[place] for place in (4, 1, 7, 0, 3, 8, 2, 6, 5)]
    assert found(" ".join(parts), " ".join(mixed)) == []
    assert found(" ".join(parts), " ".join(parts[:4])) == []
    assert len(found(" ".join(parts), " ".join(parts[:4]), least=40)) == 1


def test_one_changed_number_a_sentence_is_no_repeat() -> None:
    rows = [f"Order {number} of {number * 7} pieces left the house on day {number} of May." for number in range(30)]
    assert found("\n".join(rows)) == []


def test_sentences_cover_the_text_in_order() -> None:
    text = 'One. Two!\nThree {"a": 1}, {"b": 2}  \n\n last'
    cut = sentences(text)
    assert all(earlier.end <= later.start for earlier, later in pairwise(cut))
    assert text[cut[0].start : cut[-1].end] == text
