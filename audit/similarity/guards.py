"""What two texts that look alike must agree in before one answer may serve both.

A pair is let through only when nothing speaks against it; a likeness of words or of meaning never outweighs a number,
a name, a negation, an opposite or an exchanged order (A to B, B to A). Words are known in English, German, French and
Spanish, partly in more; in other languages numbers, names, signs of negation and the order of words still count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from audit.similarity._lexicon import ALLOWED, KNOWN, OBLIGED, OPPOSITE_PREFIXES, OPPOSITES
from audit.similarity.reading import Reading, reading, stem
from audit.similarity.spelling import may_be_name
from audit.similarity.wording import NOTHING, Rewording, missing_words, rewording, same_frame, same_sentences

SHORT_WORDS = 16
"""Up to this length one word more or less is another question."""

_OBLIGED, _ALLOWED = re.compile(OBLIGED), re.compile(ALLOWED)
_SMALL_CHANGE = 2
_TOGETHER = 2
"""Persons that must be spoken of before their order tells who does what to whom."""


def conflict(one: str, other: str) -> str | None:
    """Why two texts must not get the same answer, None when nothing speaks against it."""
    left, right = reading(one), reading(other)
    if _equal(one, other, left, right):
        return None
    missing = missing_words(left, right)
    reason = _apart(left, right, missing)
    return reason or (rewording(left, right).conflict if max(missing) <= _SMALL_CHANGE else None)


def verdict(one: str, other: str) -> Rewording:
    """Why two texts of nearly the same words must not get the same answer, and why they may ask different things."""
    left, right = reading(one), reading(other)
    if _equal(one, other, left, right):
        return NOTHING
    reason = _apart(left, right, missing_words(left, right))
    return Rewording(reason, None) if reason else rewording(left, right)


def _equal(one: str, other: str, left: Reading, right: Reading) -> bool:
    """Whether two texts hold the same words, sentence by sentence."""
    return left.words == right.words or (sorted(left.words) == sorted(right.words) and same_sentences(one, other))


def _apart(left: Reading, right: Reading, missing: tuple[int, int]) -> str | None:
    """What speaks against two texts as wholes; `missing` are the words of meaning that only one of them holds."""
    for reason, found in _CHECKS:
        if found(left, right):
            return reason
    short = max(len(left.words), len(right.words)) <= SHORT_WORDS
    return "one word makes the question" if short and _other_question(left, right, *missing) else None


def _other_actions(left: Reading, right: Reading) -> bool:
    return bool(left.actions and right.actions and left.actions != right.actions)


def _names_differ(left: Reading, right: Reading) -> bool:
    """A name of one text that the other does not hold in any spelling, or names in another order."""
    theirs, ours = set(right.words), set(left.words)
    if not (left.names <= theirs and right.names <= ours):
        return True
    named = left.names | right.names
    return _once(left.words, named) != _once(right.words, named) or _opened_otherwise(left, right)


def _opened_otherwise(left: Reading, right: Reading) -> bool:
    """Each text opens a sentence with a capitalised word that the other lacks, and one of them may be a name."""
    ours, theirs = _openers(left, right), _openers(right, left)
    return bool(ours and theirs) and any(map(may_be_name, (*ours, *theirs)))


def _openers(text: Reading, other: Reading) -> list[str]:
    stems, content = {stem(word) for word in other.words}, set(text.content)
    return [
        token
        for token, word, opens in zip(text.tokens, text.words, text.opening, strict=True)
        if opens
        and word not in KNOWN
        and token[0].isupper()
        and not token.isupper()
        and stem(word) in content
        and stem(word) not in stems
    ]


def _once(words: tuple[str, ...], chosen: frozenset[str]) -> list[str]:
    return list(dict.fromkeys(word for word in words if word in chosen))


def _opposed(left: Reading, right: Reading) -> bool:
    """A word of one text alone is the opposite of a word of the other alone; in short texts, of any word of it."""
    only_left, only_right = set(left.words) - set(right.words), set(right.words) - set(left.words)
    if _opposite(_sides(only_left), _sides(only_right)):
        return True
    if max(len(left.words), len(right.words)) <= SHORT_WORDS:
        fields = {field for field, _ in left.opposites} & {field for field, _ in right.opposites}
        sides = ({each for each in text.opposites if each[0] in fields} for text in (left, right))
        if next(sides) != next(sides):
            return True
    return _prefixed(only_left, only_right) or _prefixed(only_right, only_left)


def _sides(words: set[str]) -> set[tuple[int, int]]:
    return {OPPOSITES[word] for word in words if word in OPPOSITES}


def _opposite(left: set[tuple[int, int]], right: set[tuple[int, int]]) -> bool:
    return any(field == other and side != facing for field, side in left for other, facing in right)


def _prefixed(words: set[str], others: set[str]) -> bool:
    """A word of one text that is a word of the other with `un-`, `de-`, `re-`, … before it."""
    return any(
        len(word) > len(prefix) + 2 and word.startswith(prefix) and _like(word[len(prefix) :], others)
        for word in words
        if word.startswith(OPPOSITE_PREFIXES)
        for prefix in OPPOSITE_PREFIXES
    )


def _like(rest: str, others: set[str]) -> bool:
    return rest in others or any(stem(rest) == stem(other) for other in others if other[:3] == rest[:3])


def _other_duty(left: Reading, right: Reading) -> bool:
    """One text asks what has to be done, the other what may be."""
    (duty, leave), (other_duty, other_leave) = _duty(left), _duty(right)
    return (duty, leave) != (other_duty, other_leave) and duty != leave and other_duty != other_leave


def _duty(text: Reading) -> tuple[bool, bool]:
    plain = " ".join(text.words)
    return _OBLIGED.search(plain) is not None, _ALLOWED.search(plain) is not None


def _exchanged(left: Reading, right: Reading) -> bool:
    """The same words in another order, where the order says who does what to whom."""
    if _persons_exchanged(left, right):
        return True
    ours, theirs = Counter(left.content), Counter(right.content)
    unique = {word for word in ours if ours[word] == 1 and theirs.get(word) == 1}
    if [word for word in left.content if word in unique] == [word for word in right.content if word in unique]:
        return False
    return ours == theirs or left.related or right.related


def _persons_exchanged(left: Reading, right: Reading) -> bool:
    """The same words of meaning about the same persons in other parts (can I call you, can you call me)."""
    ours, theirs = set(left.persons), set(right.persons)
    if left.persons == right.persons or sorted(left.content) != sorted(right.content):
        return False
    return min(len(ours), len(theirs)) >= _TOGETHER or bool(ours and theirs and not ours & theirs)


def _other_question(left: Reading, right: Reading, missing: int, added: int) -> bool:
    """Short texts of nearly the same words: what differs is what is asked.

    Two sentences built differently may still be two wordings of one question, and nothing here tells them apart.
    """
    if not missing and not added:
        return left.questions != right.questions or not left.content
    return max(missing, added) <= _SMALL_CHANGE and same_frame(left, right)


_CHECKS: tuple[tuple[str, Callable[[Reading, Reading], bool]], ...] = (
    ("numbers or dates differ", lambda left, right: left.numbers != right.numbers),
    ("negation differs", lambda left, right: left.negations != right.negations),
    ("names differ", _names_differ),
    ("opposite words", _opposed),
    ("another action", _other_actions),
    ("a duty in one of them, leave in the other", _other_duty),
    ("a restriction in one of them", lambda left, right: left.presence != right.presence),
    ("exchanged order", _exchanged),
)
