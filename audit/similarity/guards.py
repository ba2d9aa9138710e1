"""What two texts that look alike must agree in before one answer may serve both.

A pair is let through only when nothing speaks against it; a likeness of words or of meaning never outweighs a number,
a name, a negation, an opposite or an exchanged order (A to B, B to A). Words are known in English, German, French and
Spanish, partly in more; in other languages numbers, names, signs of negation and the order of words still count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from audit.similarity._lexicon import (
    ACTIONS,
    FILLERS,
    MONTHS,
    NEGATION_ENDINGS,
    NEGATION_SIGNS,
    NEGATIONS,
    OPPOSITE_PREFIXES,
    OPPOSITES,
    PRESENCE,
    QUESTIONS,
    RELATIONS,
    SPELLED,
    UNITS,
    WEEKDAYS,
)

SHORT_WORDS = 16
"""Up to this length one word more or less is another question."""

_SMALL_CHANGE = 2
_TOKEN = re.compile(
    r"https?://\S{1,300}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
    r"|[^\W_]+(?:[.,:/'’&+_-][^\W_]+)*[+#]*|[-=]>|<[-=]|[→←<>%$€£¥=±]"
)
_SENTENCE_END = re.compile(r"[.!?:;\n\r\"“”«»(\[•*-]\s*$")
_THOUSANDS = re.compile(r"(?<=\d)[,'’](?=\d{3}(?!\d))")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says apart from its wording."""

    words: tuple[str, ...]
    content: tuple[str, ...]
    """Words that carry meaning, without endings, in order."""
    numbers: tuple[str, ...]
    names: tuple[str, ...]
    negations: int
    opposites: frozenset[tuple[int, int]]
    actions: frozenset[int]
    presence: frozenset[int]
    questions: frozenset[int]
    related: bool


def conflict(one: str, other: str) -> str | None:
    """Why two texts must not get the same answer, None when nothing speaks against it."""
    left, right = reading(one), reading(other)
    for reason, found in (
        ("numbers or dates differ", left.numbers != right.numbers),
        ("negation differs", left.negations != right.negations),
        ("names differ", _names_differ(left, right)),
        ("opposite words", _opposed(left, right)),
        ("another action", bool(left.actions and right.actions and left.actions != right.actions)),
        ("a restriction in one of them", left.presence != right.presence),
        ("exchanged order", _exchanged(left, right)),
        ("one word makes the question", _other_question(left, right)),
    ):
        if found:
            return reason
    return None


@lru_cache(maxsize=100_000)
def reading(text: str) -> Reading:
    """Read one text."""
    tokens = [(match.group(0), match.start()) for match in _TOKEN.finditer(text)]
    words = tuple(token.casefold() for token, _ in tokens)
    plain = [word for word in words if not _numeric(word)]
    return Reading(
        words=words,
        content=tuple(_stem(word) for word in plain if word not in FILLERS and word not in QUESTIONS),
        numbers=tuple(_numbers(tokens, words)),
        names=tuple(_names(text, tokens)),
        negations=sum(map(_negates, words)) + sum(text.count(sign) for sign in NEGATION_SIGNS),
        opposites=frozenset(OPPOSITES[word] for word in words if word in OPPOSITES),
        actions=frozenset(ACTIONS[word] for word in words if word in ACTIONS),
        presence=frozenset(PRESENCE[word] for word in words if word in PRESENCE),
        questions=frozenset(QUESTIONS[word] for word in words if word in QUESTIONS),
        related=any(word in RELATIONS for word in words),
    )


def _numeric(word: str) -> bool:
    return any(map(str.isdigit, word))


def _numbers(tokens: list[tuple[str, int]], words: tuple[str, ...]) -> Iterable[str]:
    """Numbers with their units, months and weekdays, in order."""
    for place, word in enumerate(words):
        following = words[place + 1] if place + 1 < len(words) else ""
        if word in MONTHS and not (word == "may" and (place == 0 or tokens[place][0] != "May")):
            yield f"month {MONTHS[word]}"
        elif word in WEEKDAYS:
            yield f"weekday {WEEKDAYS[word]}"
        elif _numeric(word) or word in SPELLED:
            number = _THOUSANDS.sub("", SPELLED.get(word, word))
            yield f"{number} {following}" if following in UNITS else number
        elif word in "%$€£¥":
            yield word


def _names(text: str, tokens: list[tuple[str, int]]) -> Iterable[str]:
    """Words written as names: capitals inside a sentence, mixed signs, addresses; none in text that is all capitals."""
    capital = sum(token[0].isupper() for token, _ in tokens)
    shouted = 2 * capital > len(tokens) and len(tokens) > 2
    for place, (token, start) in enumerate(tokens):
        word = token.casefold()
        if word in FILLERS or word in QUESTIONS or len(token) < 2:
            continue
        address = "@" in token or "://" in token or "/" in token
        mixed = any(map(str.isupper, token[1:])) and not token.isupper()
        inside = place > 0 and not _SENTENCE_END.search(text[max(0, start - 4) : start])
        if address or mixed or (not shouted and (token.isupper() or (token[0].isupper() and inside))):
            yield word


def _negates(word: str) -> bool:
    return word in NEGATIONS or word.endswith(NEGATION_ENDINGS)


def _stem(word: str) -> str:
    """A word without the commonest English endings; the same word always gives the same stem."""
    word = word.removesuffix("'s").removesuffix("’s")
    for ending, rest in (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("e", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: len(word) - len(ending)] + rest
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def _names_differ(left: Reading, right: Reading) -> bool:
    """A name of one text that the other does not hold in any spelling, or names in another order."""
    theirs, ours = set(right.words), set(left.words)
    if any(name not in theirs for name in left.names) or any(name not in ours for name in right.names):
        return True
    named = {*left.names, *right.names}
    return _once(left.words, named) != _once(right.words, named)


def _once(words: tuple[str, ...], chosen: set[str]) -> list[str]:
    return list(dict.fromkeys(word for word in words if word in chosen))


def _opposed(left: Reading, right: Reading) -> bool:
    fields = {field for field, _ in left.opposites} & {field for field, _ in right.opposites}
    if any({s for f, s in left.opposites if f == field} != {s for f, s in right.opposites if f == field}
           for field in fields):  # fmt: skip
        return True
    only_left, only_right = set(left.words) - set(right.words), set(right.words) - set(left.words)
    return _prefixed(only_left, only_right) or _prefixed(only_right, only_left)


def _prefixed(words: set[str], others: set[str]) -> bool:
    """A word of one text that is a word of the other with `un-`, `de-`, `re-`, … before it."""
    return any(
        len(word) > len(prefix) + 2 and word.startswith(prefix) and _like(word[len(prefix) :], others)
        for word in words
        for prefix in OPPOSITE_PREFIXES
    )


def _like(rest: str, others: set[str]) -> bool:
    return rest in others or any(_stem(rest) == _stem(other) for other in others if other[:3] == rest[:3])


def _exchanged(left: Reading, right: Reading) -> bool:
    """The same words of meaning in another order, where the order says who does what to whom."""
    ours, theirs = Counter(left.content), Counter(right.content)
    unique = {word for word in ours if ours[word] == 1 and theirs.get(word) == 1}
    if [word for word in left.content if word in unique] == [word for word in right.content if word in unique]:
        return False
    return ours == theirs or left.related or right.related


def _other_question(left: Reading, right: Reading) -> bool:
    """Short texts of nearly the same words: what differs is what is asked."""
    if left.words == right.words:
        return False
    if max(len(left.words), len(right.words)) > SHORT_WORDS:
        return False
    ours, theirs = Counter(left.content), Counter(right.content)
    missing, added = (ours - theirs).total(), (theirs - ours).total()
    if not missing and not added:
        return left.questions != right.questions or not left.content
    return missing <= _SMALL_CHANGE and added <= _SMALL_CHANGE
