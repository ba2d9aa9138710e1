"""Instructions that are said twice in other small words are found; those that differ in what matters are not."""

from __future__ import annotations

import pytest

from audit.levers.redundant_instructions import redundant
from tests.levers.bench import findings, lever, saved
from tests.planting import MINUTE, PRICES, START, Plant

RULES = "\n".join(
    f"When a customer asks about subject {number} on the phone, answer in {number} short friendly sentences."
    for number in range(2, 30)
)
ONE = "Always answer the customer politely and keep every reply below three short paragraphs."


def again(second: str) -> list[str]:
    text = f"{ONE}\n{RULES}\n{second}\n"
    return [text[start:end].strip() for start, end in redundant(text)]


@pytest.mark.parametrize("second", [
    ONE, "Please always answer the client politely, and keep every reply below three short paragraphs!",
    "always answer customers politely and keep every reply below three short paragraph",
])  # fmt: skip
def test_said_twice(second: str) -> None:
    assert again(second) == [second]


@pytest.mark.parametrize("second", [
    ONE.replace("three", "four"), ONE.replace("Always", "Never"), ONE.replace("below", "above"),
    "Escalate every question about invoices to the finance department before the evening.",
])  # fmt: skip
def test_said_otherwise(second: str) -> None:
    assert again(second) == []


def test_the_second_sentence_is_priced_and_named_with_an_example() -> None:
    chosen, plant = lever("redundant_instructions"), Plant()
    text = f"{ONE}\n{RULES}\nPlease {ONE.lower()}"
    for number in range(20):
        request = plant.call(at_us=START + number * MINUTE, input_tokens=1000, external_id=f"r{number}")
        plant.segment(request, 0, text, 1000, kind="system")
    store = plant.store
    share = (len(ONE) + 8) / len(text)
    assert saved(store, chosen) == pytest.approx(20 * 1000 * share * PRICES["input"], rel=0.05)
    (line,) = findings(store, chosen)
    assert line.startswith("support: ")
    assert line.endswith("; for instance r0")
