"""Retrieved passages in their usual dresses, and what only looks like one."""

from __future__ import annotations

import json

import pytest

from audit.anatomy.drawing import drawn_on
from audit.anatomy.passages import passages

TEXTS = [
    "Returns are accepted within thirty days when the tent is dry and the bag is complete, says the shop.",
    "Parcels to islands leave on Tuesdays and need four more days because the ferry is full in summer.",
    "Gift cards can be combined with vouchers but never paid out in cash, not even after they expire.",
]
WAYS = {
    "tags": "Docs\n" + "".join(f'<document id="kb-{i}">\n{text}\n</document>\n' for i, text in enumerate(TEXTS)),
    "nested tags": "<documents>"
    + "".join(f"<document index='{i}'><content>{text}</content></document>" for i, text in enumerate(TEXTS))
    + "</documents>",
    "brackets": "Sources:\n" + "\n".join(f"[{i}] {text}" for i, text in enumerate(TEXTS, 1)) + "\n\nQuestion: and now?",
    "headings": "\n\n".join(f"### Document {i}\n{text}" for i, text in enumerate(TEXTS, 1)) + "\n\nQuestion: now?",
    "source lines": "\n".join(f"Source {i}: {text}" for i, text in enumerate(TEXTS, 1)),
    "json": 'Results: ' + json.dumps([{"id": f"d{i}", "text": text} for i, text in enumerate(TEXTS)]) + " Answer now.",
    "json object": json.dumps({"query": "x", "hits": [{"title": f"t{i}", "content": t} for i, t in enumerate(TEXTS)]}),
    "rules": "Context\n---\n" + "\n---\n".join(TEXTS) + "\n---\nQuestion?",
}  # fmt: skip


ZH = [
    "帐篷干燥且包装完整时，可在三十天内退货，商店如此规定，运费由顾客承担。",
    "寄往岛屿的包裹每周二发出，夏季渡轮满员，因此需要多等四天才能送达。",
    "礼品卡可以与代金券一起使用，但即使过期也不能兑换现金或转让他人。",
]
FOREIGN = {
    "dokument": ("Dokument", TEXTS), "quelle nr.": ("Quelle Nr.", TEXTS), "fuente": ("Fuente", TEXTS),
    "文档": ("文档", ZH), "資料": ("資料", ZH),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_found_in_other_languages(name: str) -> None:
    head, texts = FOREIGN[name]
    text = "\n\n".join(f"{head} {i}：\n{each}" for i, each in enumerate(texts, 1)) + "\n\n问题：现在呢？"
    found = passages(text)
    assert len(found) == 3
    for each, expected in zip(found, texts, strict=True):
        assert expected in text[each.start : each.end]
        assert "问题" not in text[each.start : each.end]


def test_scripts_without_spaces_are_drawn_on_sign_by_sign() -> None:
    answer = "根据规定，寄往岛屿的包裹每周二发出，请耐心等待。"
    assert drawn_on(answer, ZH) == [False, True, False]


@pytest.mark.parametrize("way", WAYS)
def test_found(way: str) -> None:
    text = WAYS[way]
    found = passages(text)
    assert len(found) == 3
    for each, expected in zip(found, TEXTS, strict=True):
        assert expected in text[each.start : each.end]
        assert sum(other in text[each.start : each.end] for other in TEXTS) == 1
        assert "Question" not in text[each.start : each.end]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ".join(TEXTS),
        "1. " + "\n2. ".join(TEXTS),
        "You are careful.\n\n" + "\n\n".join(TEXTS),
        "[1] " + TEXTS[0] + "\n[7] " + TEXTS[1],
        json.dumps([{"role": "user", "age": 3}] * 9),
        "<b>bold words that go on for a while</b> and <i>others that go on as well</i> " * 4,
        "[{" * 5000,
        "<document>" * 500,
    ],
)
def test_not_found(text: str) -> None:
    assert passages(text) == []


@pytest.mark.parametrize(
    ("answer", "used"),
    [
        ("You may return it within thirty days when the tent is dry.", [True, False, False]),
        ("See [kb-1].", [False, True, False]),
        ("Article kb-2 explains that.", [False, False, True]),
        ("It takes longer: ferries to islands are crowded each summer, so parcels wait.", [False, True, False]),
        ("I do not know.", [False, False, False]),
        ("", [False, False, False]),
    ],
)
def test_drawn_on(answer: str, used: list[bool]) -> None:
    assert drawn_on(answer, TEXTS, ["kb-0", "kb-1", "kb-2"], rest="May I send the tent back?") == used


def test_numbers_and_codes_betray_the_passage_but_not_those_of_the_question() -> None:
    pieces = ["The fee is 1234 EUR by form SF-20111 for all.", "The fee is 99 EUR for others, form SF-20999 then."]
    assert drawn_on("1234 EUR", pieces) == [True, False]
    assert drawn_on("Use SF-20999.", pieces) == [False, True]
    assert drawn_on("1234 EUR", pieces, rest="Is it 1234 EUR?") == [False, False]


def test_what_most_passages_say_betrays_none() -> None:
    pieces = [f"Only owners see the page for sample orders. Number {i}." for i in range(100, 120)]
    assert not any(drawn_on("Only owners see the page for sample orders.", pieces))
