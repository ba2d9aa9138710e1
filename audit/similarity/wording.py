"""Two texts laid side by side: what was reworded, and whether another word in the same place makes another question."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from audit.similarity._lexicon import KNOWN, QUESTIONS, TIES
from audit.similarity.reading import Reading, canonical, carries_meaning, negates, numeric
from audit.similarity.spelling import may_be_name, mistyped

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch in which two texts differ: places of its words in both."""

    left: range
    right: range


@dataclass(frozen=True, slots=True)
class Rewording:
    """What the differences of two texts amount to.

    `conflict` is a reason why they ask different things. `doubt` is one why they may: a word of meaning is missing in
    one of them or stands in another's place, and only their answers can tell.
    """

    conflict: str | None = None
    doubt: str | None = None


NOTHING = Rewording()
"""Two wordings of one question."""


def rewording(left: Reading, right: Reading) -> Rewording:
    """Judge the differences of two texts of nearly the same words, place by place."""
    doubt = None
    for span in _spans(left.words, right.words):
        conflict, unclear = _judged(left, right, span)
        if conflict:
            return Rewording(conflict, None)
        doubt = doubt or unclear
    return Rewording(None, doubt) if doubt else NOTHING


def same_sentences(one: str, other: str) -> bool:
    """Whether two texts hold the same sentences in any order."""
    if len(one) < len(other) / 2 or len(other) < len(one) / 2:
        return False
    return _sentences(one) == _sentences(other)


def _sentences(text: str) -> Counter[tuple[str, ...]]:
    split = (tuple(_WORD.findall(part.casefold())) for part in _SENTENCE.split(text))
    return Counter(words for words in split if words)


def missing_words(left: Reading, right: Reading) -> tuple[int, int]:
    """Words of meaning that only one of two texts holds, slips of the keyboard left out: of the left, of the right."""
    ours, theirs = Counter(left.content), Counter(right.content)
    only, others = _spelled(left, ours - theirs), _spelled(right, theirs - ours)
    for word in list(only):
        twin = next((other for other in others if mistyped(word, other)), None)
        if twin is not None:
            only.remove(word)
            others.remove(twin)
    return len(only), len(others)


def same_frame(left: Reading, right: Reading) -> bool:
    """Whether two texts are one sentence with something else in one place, or with a word more."""
    spans = list(_spans(left.words, right.words))
    shared = len(left.words) - sum(len(span.left) for span in spans)
    if 2 * shared >= min(len(left.words), len(right.words)):
        return True
    differing = (_without_twins(left, _meaning(left, each.left), right, _meaning(right, each.right)) for each in spans)
    return sum(bool(ours or theirs) for ours, theirs in differing) <= 1


def _spelled(text: Reading, chosen: Counter[str]) -> list[str]:
    """Some words of a text as they are spelled, each as often as told."""
    left = Counter(chosen)
    found = []
    for word in text.words:
        form = canonical(word)
        if left[form] > 0 and carries_meaning(word):
            left[form] -= 1
            found.append(word)
    return found


def _spans(left: tuple[str, ...], right: tuple[str, ...]) -> Iterator[Span]:
    for kind, low, high, other_low, other_high in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if kind != "equal":
            yield Span(range(low, high), range(other_low, other_high))


def _judged(left: Reading, right: Reading, span: Span) -> tuple[str | None, str | None]:
    """Conflict and doubt of one stretch."""
    if any(_tied_otherwise(left, right, span, family) for family in TIES):
        return "another relation", None
    if _denies(left, span.left) != _denies(right, span.right):
        return "negation in another place", None
    ours, theirs = _without_twins(left, _meaning(left, span.left), right, _meaning(right, span.right))
    if not ours and not theirs:
        return None, None
    named = any(_named(left, place) for place in ours), any(_named(right, place) for place in theirs)
    if (ours and theirs and any(named)) or any(left.words[place] in left.names for place in ours) or any(
        right.words[place] in right.names for place in theirs
    ):  # fmt: skip
        return "names differ", None
    if ours and theirs and (_counted(left, span.left) or _counted(right, span.right)):
        return "another unit", None
    return None, "another word in its place" if ours and theirs else "a word more or less"


def _meaning(text: Reading, places: range) -> list[int]:
    return [
        place for place in places
        if not negates(text.words[place]) and (carries_meaning(text.words[place]) or text.words[place] in QUESTIONS)
    ]  # fmt: skip


def _without_twins(left: Reading, ours: list[int], right: Reading, theirs: list[int]) -> tuple[list[int], list[int]]:
    """The places whose words have no equal (in another form, a synonym, mistyped) on the other side."""
    kept, others = [], list(theirs)
    for place in ours:
        word = left.words[place]
        twin = next((other for other in others if _twins(word, right.words[other])), None)
        if twin is None:
            kept.append(place)
        else:
            others.remove(twin)
    return kept, others


def _twins(one: str, other: str) -> bool:
    return canonical(one) == canonical(other) or mistyped(one, other)


def _tied_otherwise(left: Reading, right: Reading, span: Span, family: Mapping[str, int]) -> bool:
    ours, theirs = (
        {family[text.words[place]] for place in places if text.words[place] in family}
        for text, places in ((left, span.left), (right, span.right))
    )
    return bool(ours and theirs) and ours != theirs


def _denies(text: Reading, places: range) -> bool:
    return any(negates(text.words[place]) for place in places)


def _named(text: Reading, place: int) -> bool:
    word = text.words[place]
    return word in text.names or (text.opening[place] and word not in KNOWN and may_be_name(text.tokens[place]))


def _counted(text: Reading, places: range) -> bool:
    """Whether the stretch follows a number, as a unit does."""
    return bool(places) and places[0] > 0 and numeric(text.words[places[0] - 1])
