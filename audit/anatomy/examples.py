"""Few-shot examples in a prompt: blocks between tags, under numbered headings, labelled pairs, arrows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

_TAGGED = re.compile(r"<(example|sample|shot|demonstration)\b[^>]{0,200}>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_HEADED = re.compile(r"^[ \t#*\-=]*(?:example|beispiel|exemple|ejemplo|sample|case)[ \t]*#?(\d{1,2})\b[^\n]{0,60}$",
                     re.IGNORECASE | re.MULTILINE)  # fmt: skip
_LABELLED = re.compile(r"^[ \t>*\-]*([A-Za-zÄÖÜäöüßéè][\w ]{0,24}?)[*]{0,2}[ \t]*:[*]{0,2}[ \t]*(?=\S)", re.MULTILINE)
_ARROW = re.compile(r"^[^\n]{2,400}?[ \t]*(?:->|=>|→|⇒|\|)[ \t]*[^\n]{1,120}$", re.MULTILINE)
_INPUTS = re.compile(
    "input|q|question|text|user|message|review|sentence|ticket|query|email|customer|request|comment|tweet|document|"
    "source|english|human|prompt|utterance|title|passage|premise|word|phrase|problem|instruction|frage|eingabe"
)
_OUTPUTS = re.compile(
    "output|a|answer|label|assistant|response|category|class|sentiment|intent|summary|translation|result|reply|tags?|"
    "json|sql|code|classification|priority|topic|ai|bot|completion|german|french|spanish|verdict|antwort|ausgabe"
)
_BREAK = re.compile(r"\n[ \t]*\n")


class Example(NamedTuple):
    """Where one example stands in its text."""

    start: int
    end: int


def examples(text: str) -> list[Example]:
    """The few-shot examples of a text in order, at least two; empty when it shows none.

    A pair of an input and an output label that stands once is the task itself, and so is a last input without output.
    """
    for way in (_tagged, _headed, _paired, _arrows):
        found = list(way(text))
        if len(found) >= 2:
            return found
    return []


def _tagged(text: str) -> Iterator[Example]:
    if "<" in text:
        yield from (Example(*match.span()) for match in _TAGGED.finditer(text))


def _headed(text: str) -> Iterator[Example]:
    heads = list(_HEADED.finditer(text))
    numbers = [int(head[1]) for head in heads]
    if len(heads) < 2 or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return
    lengths = [later.start() - head.start() for head, later in pairwise(heads)]
    for head, length in zip(heads, [*lengths, 0], strict=True):
        yield Example(head.start(), head.start() + length if length else _last_end(text, head.end(), max(lengths)))


def _last_end(text: str, start: int, longest: int) -> int:
    """The last example ends where its kind usually does: at a blank line, or at twice the length of the longest."""
    closing = None
    for closing in _BREAK.finditer(text, start):
        if closing.start() - start >= longest / 2:
            return closing.start()
    return min(len(text), start + 2 * longest) if closing is None else closing.start()


def _paired(text: str) -> Iterator[Example]:
    """`Input: … Output: …` pairs of one pair of labels, two complete ones at least."""
    labels = [(match[1].strip().lower(), match.start(), match.end()) for match in _LABELLED.finditer(text)]
    pairs = [
        (first, second)
        for first, second in pairwise(labels)
        if _INPUTS.fullmatch(first[0]) and _OUTPUTS.fullmatch(second[0])
    ]
    if not pairs:
        return
    usual = Counter((first[0], second[0]) for first, second in pairs).most_common(1)[0][0]
    chosen = [pair for pair in pairs if (pair[0][0], pair[1][0]) == usual]
    for number, (first, second) in enumerate(chosen):
        following = chosen[number + 1][0][1] if number + 1 < len(chosen) else None
        yield Example(first[1], _pair_end(text, first[0], second[2], following, labels))


def _pair_end(text: str, label: str, start: int, following: int | None, labels: list[tuple[str, int, int]]) -> int:
    """A pair ends before the next input, finished or not, else at the next blank line."""
    nexts = [place for name, place, _ in labels if name == label and place > start]
    if following is not None:
        nexts.append(following)
    if nexts:
        return min(nexts)
    closing = _BREAK.search(text, start)
    return closing.start() if closing else len(text)


def _arrows(text: str) -> Iterator[Example]:
    """Three lines `text -> label` or more that follow each other; tables and lists of routes are rarely that even."""
    run: list[Example] = []
    for match in _ARROW.finditer(text):
        if "|" in match[0] and not re.search(r"->|=>|→|⇒", match[0]):
            continue
        if run and match.start() > run[-1].end + 2:
            if len(run) >= 3:
                break
            run = []
        run.append(Example(*match.span()))
    if len(run) >= 3:
        yield from run
