"""Text that stands twice in one prompt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

LEAST_TOKENS = 64
_SENTENCE = re.compile(r"[^\n.!?;{}]+[\n.!?;{}]*")
_LEAST_CHARACTERS = 100


class Sentence(NamedTuple):
    """A sentence or line: a number that is equal for equal wording, and where it stands."""

    key: int
    start: int
    end: int


class Repeat(NamedTuple):
    """A stretch of the text number `text` that stands earlier in the same prompt word for word."""

    text: int
    start: int
    end: int
    tokens: int


def sentences(text: str) -> list[Sentence]:
    """A text cut behind full stops, line breaks and braces; where exactly does not matter, as long as equal text is cut
    alike. Keys hold within one run of the program only.
    """
    return [
        Sentence(hash(words), match.start(), match.end())
        for match in _SENTENCE.finditer(text)
        if (words := match[0].strip())
    ]


def repeats(
    texts: Sequence[str],
    cut: Iterable[Sequence[Sentence]],
    count: Callable[[str], int],
    least: int = LEAST_TOKENS,
) -> list[Repeat]:
    """Stretches of at least `least` tokens that stand earlier in the prompt, in order; the first copy is never one.

    `texts` are the pieces of one prompt, `cut` their sentences. A stretch is a run of whole sentences that follow each
    other in both places.
    """
    cut = list(cut)
    if not _any_twice(cut):
        return []
    seen: dict[int, int] = {}
    found: list[Repeat] = []
    number = 0
    for index, parts in enumerate(cut):
        run: list[Sentence] = []
        expected = -1
        for part in parts:
            first = seen.setdefault(part.key, number)
            again = first != number
            if run and (not again or first != expected):
                found.extend(_settle(texts[index], index, run, count, least))
                run = []
            if again:
                run.append(part)
                expected = first + 1
            number += 1
        found.extend(_settle(texts[index], index, run, count, least))
    return found


def _any_twice(cut: Iterable[Sequence[Sentence]]) -> bool:
    keys = [part.key for parts in cut for part in parts]
    return len(set(keys)) < len(keys)


def _settle(
    text: str, index: int, run: Sequence[Sentence], count: Callable[[str], int], least: int
) -> Iterable[Repeat]:
    if not run or run[-1].end - run[0].start < _LEAST_CHARACTERS:
        return
    tokens = count(text[run[0].start : run[-1].end])
    if tokens >= least:
        yield Repeat(index, run[0].start, run[-1].end, tokens)
