"""Mashed keys and monitors' words, and everything people really write."""

from __future__ import annotations

import pytest

from audit.anatomy.junk import is_junk, is_monitor_word


@pytest.mark.parametrize(
    "text",
    ["asdf jkl asdf", "qwe qwe rtz 000", "........ hhhh", "xx bla xx bla", "test test 123 lol", "aaaaa", "....",
     "lkjhg", "zzz", "dfgdfg hjk", "blah blah blah", "pqrstv", "hahaha haha"],
)  # fmt: skip
def test_junk(text: str) -> None:
    assert is_junk(text)


@pytest.mark.parametrize(
    "text",
    ["", "?", "hi", "were", "tree", "power", "pop", "you", "test", "lol", "thx", "PDF", "SKU 1234", "12345", "PO 4455",
     "Wer?", "krk", "prst", "привет", "你好吗", "안녕하세요", "مرحبا", "Où?",
     "murmur", "bonbon", "typewriter", "why", "Q4?",
     "asdf is my password hint, what now?", "😀😀😀😀", "property", "no", "hmm", "html css"],
)  # fmt: skip
def test_words(text: str) -> None:
    assert not is_junk(text)


def test_monitors_words() -> None:
    for text in ("ping", "Health check.", "heartbeat", "KEEPALIVE", "warm-up request", "smoke test"):
        assert is_monitor_word(text)
    for text in ("ping me tomorrow", "is the health check late?", "", "test"):
        assert not is_monitor_word(text)
