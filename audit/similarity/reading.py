"""What a text says apart from its wording: its numbers, names, negations, and words of meaning."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from audit.similarity._lexicon import (
    ACTIONS,
    COURTEOUS,
    COURTESIES,
    FILLERS,
    KNOWN,
    MONTHS,
    NEGATION_ENDINGS,
    NEGATION_SIGNS,
    NEGATIONS,
    OPPOSITES,
    PERSONS,
    PRESENCE,
    QUESTIONS,
    RELATIONS,
    SPELLED,
    SYNONYMS,
    UNITS,
    WEEKDAYS,
)
from audit.similarity.spelling import corrected

_COURTEOUS = re.compile(COURTEOUS)
_TOKEN = re.compile(
    r"https?://\S{1,300}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
    r"|[^\W_]+(?:[.,:/'’&+_-][^\W_]+)*[+#]*|[-=]>|<[-=]|[→←<>%$€£¥=±&]"
)
_SENTENCE_END = re.compile(r"[.!?:;\n\r\"“”«»(\[•*-]\s*$")
_THOUSANDS = re.compile(r"(?<=\d)[,'’](?=\d{3}(?!\d))")
_CONTRACTED = re.compile(r"(?<=\w)['’](?:s|re|ve|ll|m|d)$")
_BRITISH_ISE = re.compile(r"(?<=\w{4})is(?=(?:e|ed|es|er|ing|ations?)$)")
_BRITISH_OUR = re.compile(r"(?<=\w{3})our(?=(?:s|ed|ing|able|ite)?$)")
_INNER = re.compile(r"['’_-]")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says apart from its wording."""

    tokens: tuple[str, ...]
    """Words as they are written."""
    words: tuple[str, ...]
    """The same words, case-folded and without contractions ('s, 'll, …)."""
    opening: tuple[bool, ...]
    """Which words open a sentence, so that a capital says nothing."""
    content: tuple[str, ...]
    """Words that carry meaning, without endings, in order."""
    numbers: tuple[str, ...]
    names: frozenset[str]
    negations: int
    opposites: frozenset[tuple[int, int]]
    actions: frozenset[int]
    presence: frozenset[int]
    questions: frozenset[int]
    persons: tuple[int, ...]
    """Who is spoken of, in order, without repetitions that follow each other."""
    related: bool


@lru_cache(maxsize=100_000)
def reading(text: str) -> Reading:
    """Read one text."""
    text = _COURTEOUS.sub(" ", text)
    found = [(match.group(0), match.start()) for match in _TOKEN.finditer(text)]
    tokens = tuple(token for token, _ in found)
    words = tuple(map(_word, tokens))
    opening = tuple(
        place == 0 or bool(_SENTENCE_END.search(text[max(0, start - 4) : start]))
        for place, (_, start) in enumerate(found)
    )
    return Reading(
        tokens=tokens,
        words=words,
        opening=opening,
        content=tuple(canonical(word) for word in words if carries_meaning(word)),
        numbers=tuple(_numbers(tokens, words)),
        names=frozenset(_names(tokens, words, opening)),
        negations=sum(map(negates, words)) + sum(text.count(sign) for sign in NEGATION_SIGNS),
        opposites=frozenset(OPPOSITES[word] for word in words if word in OPPOSITES),
        actions=frozenset(ACTIONS[word] for word in words if word in ACTIONS),
        presence=frozenset(PRESENCE[word] for word in words if word in PRESENCE),
        questions=frozenset(QUESTIONS[word] for word in words if word in QUESTIONS),
        persons=tuple(_persons(words)),
        related=any(word in RELATIONS for word in words),
    )


@lru_cache(maxsize=200_000)
def _word(token: str) -> str:
    return corrected(_CONTRACTED.sub("", token.casefold()), KNOWN)


def numeric(word: str) -> bool:
    """Whether a word holds a digit."""
    return any(map(str.isdigit, word))


def negates(word: str) -> bool:
    """Whether a word denies."""
    return word in NEGATIONS or word.endswith(NEGATION_ENDINGS)


def carries_meaning(word: str) -> bool:
    """Whether a word is neither a number nor a small word that may differ between two wordings of one question."""
    return not numeric(word) and word not in FILLERS and word not in QUESTIONS


@lru_cache(maxsize=200_000)
def canonical(word: str) -> str:
    """A word without the commonest English endings and inner marks; words that may stand for each other become one."""
    plain = stem(word)
    known = _SYNONYMS.get(plain)
    return f"synonym {known}" if known is not None else plain


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """A word without the commonest English endings, in American spelling; the same word always gives the same stem."""
    word = _BRITISH_OUR.sub("or", _BRITISH_ISE.sub("iz", _INNER.sub("", word)))
    for ending, rest in (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("e", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: len(word) - len(ending)] + rest
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word


def _numbers(tokens: tuple[str, ...], words: tuple[str, ...]) -> Iterable[str]:
    """Numbers with their units, months and weekdays, in order."""
    for place, word in enumerate(words):
        following = words[place + 1] if place + 1 < len(words) else ""
        if word in MONTHS and not (word == "may" and (place == 0 or tokens[place] != "May")):
            yield f"month {MONTHS[word]}"
        elif word in WEEKDAYS:
            yield f"weekday {WEEKDAYS[word]}"
        elif numeric(word) or word in SPELLED:
            number = _THOUSANDS.sub("", SPELLED.get(word, word))
            yield f"{number} {following}" if following in UNITS else number
        elif word in "%$€£¥":
            yield word


def _names(tokens: tuple[str, ...], words: tuple[str, ...], opening: tuple[bool, ...]) -> Iterable[str]:
    """Words written as names: capitals inside a sentence, mixed signs, addresses; none in text that is all capitals."""
    capital = sum(token[0].isupper() for token in tokens)
    shouted = 2 * capital > len(tokens) and len(tokens) > 2
    for token, word, opens in zip(tokens, words, opening, strict=True):
        if word in FILLERS or word in QUESTIONS or len(token) < 2:
            continue
        address = "@" in token or "://" in token or "/" in token
        mixed = any(map(str.isupper, token[1:])) and not token.isupper()
        if address or mixed or (not shouted and (token.isupper() or (token[0].isupper() and not opens))):
            yield word


def _persons(words: tuple[str, ...]) -> Iterable[int]:
    """Who is spoken of, apart from "could you tell me" and its like."""
    last = None
    for place, word in enumerate(words):
        if word not in PERSONS:
            continue
        before = words[place - 1] if place else ""
        after = [each for each in words[place + 1 : place + 3] if each not in ("please", "kindly", "bitte")]
        if before in COURTESIES or (after and after[0] in COURTESIES):
            continue
        if PERSONS[word] != last:
            yield PERSONS[word]
        last = PERSONS[word]


_SYNONYMS: dict[str, int] = {}
for _spelled, _line in SYNONYMS.items():
    _SYNONYMS.setdefault(stem(_spelled), _line)
