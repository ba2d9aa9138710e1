"""Texts seen by one process: hashed once, normalised once, counted once per encoding."""

from __future__ import annotations

from audit import tokens
from audit.hashes import content_hash, folded, spaced
from audit.tokens import EncodingName

ENCODINGS: tuple[EncodingName, ...] = ("o200k_base", "cl100k_base")
DEFAULT_ENCODING = 0
_GENERATION = 60_000
"""How many texts a process remembers at least; at most twice as many."""

_AT_HAND_FROM = 1 << 10
_AT_HAND_CHARACTERS = 4 << 20
"""Long texts that come again (instructions, documents) are kept themselves up to this sum of characters: comparing
is faster than hashing."""

_TO_COUNT, _QUEUED = -1, -2


class Text:
    """What is known of one text: its hash, its hashes with equal layout and with equal wording, its length, and its
    tokens by encoding (negative until counted)."""

    __slots__ = ("characters", "content_hash", "folded_hash", "spaced_hash", "tokens")

    def __init__(self, key: int, text: str) -> None:
        plain = spaced(text)
        wording = folded(plain)
        self.content_hash = key
        self.spaced_hash = key if plain == text else content_hash(plain)
        self.folded_hash = self.spaced_hash if wording == plain else content_hash(wording)
        self.characters = len(text)
        self.tokens = [_TO_COUNT, _TO_COUNT]


class Texts:
    """A memory of texts with a bounded size, by hash; what was forgotten is worked out again and comes out equal."""

    def __init__(self) -> None:
        self._young: dict[int, Text] = {}
        self._old: dict[int, Text] = {}
        self._at_hand: dict[str, Text] = {}
        self._room = _AT_HAND_CHARACTERS
        self._queues: tuple[list[tuple[Text, str]], list[tuple[Text, str]]] = ([], [])
        self._new: list[tuple[Text, str]] = []
        self.new_characters = 0

    def get(self, text: str, encoding: int) -> Text:
        """What is known of a text, its tokens after the next `count`; `take_new` gives what was new."""
        if len(text) >= _AT_HAND_FROM:
            known = self._long(text)
        else:
            key = content_hash(text)
            known = self._young.get(key) or self._remember(key, text)
        if known.tokens[encoding] == _TO_COUNT:
            self._queue(known, text, encoding)
        return known

    def _long(self, text: str) -> Text:
        known = self._at_hand.get(text)
        if known is None:
            key = content_hash(text)
            known = self._young.get(key)
            if known is None:
                return self._remember(key, text)
            # seen before: it may well come again
            self._room -= len(text)
            if self._room < 0:
                self._at_hand.clear()
                self._room = _AT_HAND_CHARACTERS
            self._at_hand[text] = known
        return known

    def _remember(self, key: int, text: str) -> Text:
        known = self._old.get(key)
        if known is None:
            known = Text(key, text)
            self._new.append((known, text))
            self.new_characters += len(text)
            self._queue(known, text, DEFAULT_ENCODING)
        if len(self._young) >= _GENERATION:
            self._old, self._young = self._young, {}
        self._young[key] = known
        return known

    def _queue(self, known: Text, text: str, encoding: int) -> None:
        known.tokens[encoding] = _QUEUED
        self._queues[encoding].append((known, text))

    def take_new(self) -> list[tuple[Text, str]]:
        """Texts seen for the first time since this was last asked."""
        new, self._new, self.new_characters = self._new, [], 0
        return new

    def count(self) -> None:
        """Count the tokens of all texts that wait for it."""
        for encoding, queue in enumerate(self._queues):
            if queue:
                counted = tokens.count_in([text for _, text in queue], ENCODINGS[encoding])
                for (known, _), number in zip(queue, counted, strict=True):
                    known.tokens[encoding] = number
                queue.clear()
