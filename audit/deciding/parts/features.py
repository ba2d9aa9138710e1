"""What a router reads in a prompt: hashed words and word pairs of the last user message, its length, tools.

docs/replay.md says the same in the words of somebody who applies an exported router; both have to change together.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import numpy as np

from audit.deciding.parts.prompts import CHARACTERS, Prompt
from audit.statistics.arrays import FloatArray
from audit.statistics.risk_models import DIGITS

BUCKETS = 512
_WORD = re.compile(r"\d+|[^\W\d_]+")
_UNSPACED = 0x2E80
"""From this code point on scripts are mostly written without spaces between words."""
_WEIGHT_OF_NUMBERS = 0.5
_FARTHEST = 3.0


def hashed(text: str) -> int:
    """The first 8 bytes of a text's BLAKE2b hash, big-endian and unsigned."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def terms(text: str) -> Iterator[str]:
    """Words, pairs of words that follow each other, and pairs of letters of unspaced scripts; every number is `0`."""
    words = [
        "0" if found[0].isdecimal() else found
        for found in _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    ]
    yield from words
    yield from (f"{first} {second}" for first, second in pairwise(words))
    for word in words:
        if ord(word[0]) >= _UNSPACED:
            yield from (first + second for first, second in pairwise(word))


@lru_cache(maxsize=1024)
def _counted(text: str) -> tuple[tuple[int, int], ...]:
    """How often each bucket of terms occurs; the prompts of a workflow are read again for each of its candidates."""
    return tuple(Counter(hashed(term) % BUCKETS for term in terms(text)).items())


@dataclass(frozen=True, eq=False)
class Reading:
    """How prompts become numbers: rarity of each bucket of terms, and the middle and spread of the prompts' lengths."""

    rarity: FloatArray
    middle: float
    spread: float

    @classmethod
    def of(cls, texts: Sequence[str], lengths: Sequence[int]) -> Reading:
        """Fit to prompts, without a look at any answer: rarity is ln((1 + n)/(1 + prompts with the term)) + 1."""
        seen: Counter[int] = Counter()
        for text in texts:
            seen.update(bucket for bucket, _ in _counted(text))
        rarity = [math.log((1 + len(texts)) / (1 + seen[bucket])) + 1 for bucket in range(BUCKETS)]
        logs = np.log1p(np.asarray(lengths, dtype=np.float64))
        return cls(
            np.round(np.array(rarity), DIGITS),
            round(float(logs.mean()), DIGITS),
            round(max(float(logs.std()), 0.1), DIGITS),
        )

    def row(self, prompt: Prompt, input_tokens: int) -> FloatArray:
        """The features of one prompt: BUCKETS of terms at length 1, then the prompt's length, then tools or none."""
        row = np.zeros(BUCKETS + 2)
        for bucket, count in _counted(prompt.text):
            row[bucket] = math.sqrt(count) * self.rarity[bucket]
        norm = math.sqrt(math.fsum(row**2))
        if norm:
            row /= norm
        long = (math.log1p(input_tokens) - self.middle) / self.spread
        row[BUCKETS] = _WEIGHT_OF_NUMBERS * max(-_FARTHEST, min(_FARTHEST, long))
        row[BUCKETS + 1] = _WEIGHT_OF_NUMBERS if prompt.tools else 0.0
        rounded: FloatArray = np.round(row, DIGITS)
        return rounded

    def as_data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "buckets": BUCKETS, "characters": CHARACTERS, "rarity": self.rarity.tolist(),
            "length": {"middle": self.middle, "spread": self.spread},
        }  # fmt: skip
