"""Few-shot examples, and pairs that are none."""

from __future__ import annotations

from itertools import pairwise

import pytest

from audit.anatomy.examples import examples

WAYS = {
    "tags": "Rules.\n<examples>\n<example>a -> b</example>\n<example>\nc -> d\n</example>\n</examples>\nGo.",
    "pairs": "Sort.\nInput: it is wet\nOutput: complaint\n\nInput: thank you\nOutput: praise\n\nInput: {x}\nOutput:",
    "pairs in one line each": "Q: two and two?\nA: four\nQ: three and three?\nA: six\n\nQ: five and five?",
    "headings": "### Example 1\nText: a\nLabel: b\n\n### Example 2\nText: c\nLabel: d\n\nNow the text of the user.",
    "arrows": "Words:\nhouse -> Haus\ntree -> Baum\nroad -> Weg\nTranslate: lake",
    "bold": "**User:** hello there\n**Assistant:** hi\n\n**User:** bye now\n**Assistant:** see you\n\n**User:** thanks",
}  # fmt: skip
COUNTS = {"arrows": 3}


@pytest.mark.parametrize("way", WAYS)
def test_found(way: str) -> None:
    text = WAYS[way]
    found = examples(text)
    assert len(found) == COUNTS.get(way, 2)
    assert all(earlier.end <= later.start for earlier, later in pairwise(found))
    for word in ("{x}", "Now the text", "Translate", "five", "thanks\n", "Go."):
        assert not any(word in text[each.start : each.end] for each in found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Input: only one\nOutput: pair",
        "Name: Ada\nCity: Turin\nName: Bo\nCity: Oslo",
        "Question: what?\n\nContext: long\n\nAnswer:",
        "Example 3 of the manual and example 9 are out of date.",
        "Go from a -> b and rest.",
        "| a | b |\n| c | d |\n| e | f |",
    ],
)
def test_not_found(text: str) -> None:
    assert examples(text) == []
