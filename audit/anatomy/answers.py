"""Words that answers need not have: phrases they all begin or end with, prose around a label, layout of JSON."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence

from audit.similarity._lexicon import LETTER
from audit.wire.text import read_json

_LEAST_ANSWERS = 20
_LEAST_DISTINCT = 5
_LEAST_TIMES = 5
_SHARED = 0.8
_LEAST_WORDS = 4
_LABELS = 25
_LABELLED = 0.95
_LABEL_END = re.compile(r"[.,;:\n(]|\s[–—-]\s")
_KEY = re.compile(
    r"label|category|class|intent|sentiment|priority|severity|topic|verdict|answer|result|classification|type|kategorie",
    re.IGNORECASE,
)
_ASKS_REASON = re.compile(
    r"\b(reasons?|why|explain\w*|explanation|justif\w+|rationale|because|comments?|notes?|sentences?|grund|begründ\w+)\b",
    re.IGNORECASE,
)


def are_letters(answers: Sequence[str]) -> bool:
    """Whether half of the answers are letters or mails: how those begin and end belongs to them."""
    return 2 * sum(LETTER.search(answer.strip()) is not None for answer in answers) >= max(1, len(answers))


def shared_phrases(answers: Sequence[str]) -> tuple[str, str]:
    """The phrase at least four fifths of the distinct answers begin with, and the one they end with; empty when
    shorter than four words, or when there are too few answers to tell: fewer than 20, or fewer than five distinct ones
    unless each of these came five times, as labels in a sentence do."""
    times = Counter(" ".join(answer.split()) for answer in answers if answer.strip())
    distinct = list(times)
    enough = len(distinct) >= _LEAST_DISTINCT or (len(distinct) > 1 and min(times.values()) >= _LEAST_TIMES)
    if len(answers) < _LEAST_ANSWERS or not enough or _are_json(distinct):
        return "", ""
    words = [answer.split(" ") for answer in distinct]
    head = _common(words)
    tail = _common([each[len(head) :][::-1] for each in words])[::-1]
    return " ".join(head) if len(head) >= _LEAST_WORDS else "", " ".join(tail) if len(tail) >= _LEAST_WORDS else ""


def _common(words: Sequence[Sequence[str]]) -> list[str]:
    """The longest beginning that four fifths have, word by word; an answer never is its own phrase."""
    alive = [each for each in words if each]
    least = _SHARED * len(words)
    common: list[str] = []
    while True:
        place = len(common)
        following = Counter(each[place] for each in alive if len(each) > place + 1)
        if not following:
            return common
        word, times = following.most_common(1)[0]
        if times < least:
            return common
        common.append(word)
        alive = [each for each in alive if len(each) > place + 1 and each[place] == word]


def without(answer: str, head: str, tail: str) -> str:
    """An answer without the phrases it begins and ends with."""
    plain = " ".join(answer.split())
    if head and plain.startswith(head):
        plain = plain[len(head) :]
    if tail and plain.endswith(tail):
        plain = plain[: -len(tail)]
    return plain.strip()


def labels_before_prose(answers: Sequence[str], instructions: str) -> frozenset[str]:
    """The labels that answers open with when prose follows them, though nobody asked for prose.

    Two labels or more, at most 25, that cover 95 % of at least 50 answers; all of them named in the instructions, which
    do not ask for a reason.
    """
    if len(answers) < 2 * _LABELS or _are_json(answers) or _ASKS_REASON.search(instructions):
        return frozenset()
    opened = Counter(label for answer in answers if (label := opening(answer)))
    common = opened.most_common(_LABELS)
    if len(common) < 2 or sum(times for _, times in common) < _LABELLED * len(answers):
        return frozenset()
    known = instructions.casefold()
    named = frozenset(label for label, _ in common if re.search(rf"(?<!\w){re.escape(label)}(?!\w)", known))
    return named if len(named) == len(common) else frozenset()


def opening(answer: str) -> str:
    """What stands before the first full stop, comma, colon, dash or line break, if it is at most four words; else
    empty. `Label: billing` opens with what follows its key."""
    parts = _LABEL_END.split(answer.replace("**", "").strip("\"'` \n"), maxsplit=2)
    first = parts[1] if len(parts) == 3 and _KEY.fullmatch(parts[0].strip(" *")) else parts[0]
    word = first.strip(" *\"'`").casefold()
    return word if 0 < len(word.split()) <= 4 else ""


def compact(answer: str) -> str:
    """A JSON answer without the layout nobody parses; anything else unchanged."""
    text = answer.strip()
    fenced = re.fullmatch(r"```(?:json)?\s*\n(.*)\n```", text, re.DOTALL)
    body = fenced[1] if fenced else text
    if body[:1] not in "{[" or not body:
        return answer
    try:
        return json.dumps(read_json(body), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return answer


def _are_json(answers: Sequence[str]) -> bool:
    return sum(answer.lstrip()[:1] in ("{", "[", "`") for answer in answers) > len(answers) / 2
