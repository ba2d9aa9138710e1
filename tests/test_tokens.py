from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import tokens
from audit.hashes import chain_hash, content_hash, digest, folded, spaced

HARD = [
    "",
    " ",
    "\n\n\n   \t  x",
    "hello <|endoftext|> world",
    "don't they'LL I'M",
    "1234567890 12 3",
    "日本語のテキスト 中文 한국어",
    "👩‍👩‍👧‍👦 e\u0301 \u200b\u00a0",
    "a" * 2_000,
    "x  " * 500,
    "def f(x):\n    return {'a': [1, 2]}\r\n",
]


@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base"])
def test_counts_are_the_references(name: tokens.EncodingName) -> None:
    encoding = tokens.reference(name)
    assert tokens.count_in(HARD, name) == [len(encoding.encode_ordinary(text)) for text in HARD]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=80), max_size=5))
def test_counts_are_the_references_on_any_text(texts: list[str]) -> None:
    encoding = tokens.reference("o200k_base")
    assert tokens.count(texts) == [len(encoding.encode_ordinary(text)) for text in texts]


def test_worked_counts() -> None:
    # published examples of OpenAI's cookbook on counting tokens
    assert tokens.count(["antidisestablishmentarianism", "2 + 2 = 4", "お誕生日おめでとう"], "gpt-4") == [6, 7, 9]
    assert tokens.count(["antidisestablishmentarianism", "2 + 2 = 4", "お誕生日おめでとう"], "gpt-4o") == [6, 7, 8]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-4o-mini-2024-07-18", ("o200k_base", True)),
        ("openai/gpt-5-mini", ("o200k_base", True)),
        ("gpt-4-0613", ("cl100k_base", True)),
        ("ft:gpt-3.5-turbo:acme", ("cl100k_base", True)),
        ("claude-sonnet-4-5", ("o200k_base", False)),
        (None, ("o200k_base", False)),
    ],
)
def test_encoding_of_a_model(model: str | None, expected: tuple[str, bool]) -> None:
    assert tokens.encoding_name(model) == expected


def test_lone_surrogates_are_counted() -> None:
    assert tokens.count(["a\ud800b"]) == tokens.count(["a?b"])


def test_hashes_are_stable_64_bit_integers() -> None:
    # BLAKE2b with 8 bytes of digest, read as a signed big-endian integer
    assert content_hash("hello") == int.from_bytes(bytes.fromhex("a7b6eda801e5347d"), "big", signed=True)
    assert chain_hash(0, "user", 1) != chain_hash(0, "system", 1)
    assert chain_hash(1, "user", 0) != chain_hash(0, "user", 1)
    assert digest("a", "b") != digest("ab")
    assert digest(None) != digest("")
    assert -(2**63) <= content_hash("\ud800") < 2**63


@given(st.text())
def test_normal_forms_settle(text: str) -> None:
    assert spaced(spaced(text)) == spaced(text)
    assert folded(spaced(text)) == folded(text)


def test_what_normal_forms_make_equal() -> None:
    assert spaced(" a\n b\u00a0c ") == "a b c"
    assert folded("  Where is  my ORDER?! ") == folded("where is my order")
    assert folded("???") == "???"
