"""A short logged answer inside a sentence that names nothing else: "Hamlet was written by William Shakespeare." """

from __future__ import annotations

import re
from collections.abc import Sequence

from audit.scorers._amounts import amount
from audit.scorers._normalise import normalise, word_set, words
from audit.scorers._typed import CARRIERS, hedged, truth

_LONGEST_ANSWER, _LONGEST_SENTENCE = 5, 30
_BRACKETS = re.compile(r"\([^()\n]{0,60}\)\W{0,4}$")
_SEVERAL_SENTENCES = re.compile(r"[.!?;:]\s+\W{0,3}[^\W\d_]{2,}|\n")
_DENIES = re.compile(
    r"\b(?:no|not|never|neither|nor|without|nicht|kein\w*|nie|pas|jamais|non|nunca|ni|\w+n['’]t)\b", re.IGNORECASE
)
_ARTICLES = word_set("the a an der die das den dem ein eine le la les l un une el los las il lo gli o os as de het een")
_LISTS = word_set("and or with from und oder et ou y o e than like called")
_BEFORE = (
    CARRIERS | _ARTICLES | word_set("called named known using likely usually mostly only just simply eat eats use uses")
)
_PARTS = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def named_alone(reference: str, candidate: str, prompt: str) -> bool:
    """Whether a one-sentence answer gives the logged one and names nothing else that the prompt does not.

    The logged answer stands at its end, or, if it is a name, at its beginning. A denial, a doubt, a list, another name,
    another figure, or an answer the prompt itself holds leaves it open.
    """
    text = _BRACKETS.sub("", candidate.strip().strip("*_`\"' ").rstrip(".!")).rstrip()
    answer, said = _answer(reference), _PARTS.findall(text)
    if not answer or not len(answer) < len(said) <= _LONGEST_SENTENCE or _SEVERAL_SENTENCES.search(text):
        return False
    known = set(words(prompt))
    if hedged(text, prompt) or _DENIES.search(text) or known.issuperset(answer):
        return False
    rest = _around(answer, said, reference, prompt)
    return bool(rest) and not known.isdisjoint(map(str.casefold, rest)) and not _rivals(rest, said, answer, prompt)


def _answer(reference: str) -> list[str]:
    """The words of a short logged answer without its article; none where it is a yes, a no or an amount."""
    if truth(reference) is not None or amount(reference) is not None:
        return []
    found = [word.casefold() for word in _PARTS.findall(normalise(reference))]
    found = found[1:] if len(found) > 1 and found[0] in _ARTICLES else found
    return found if len(found) <= _LONGEST_ANSWER and any(map(str.isalpha, "".join(found))) else []


def _around(answer: Sequence[str], said: Sequence[str], reference: str, prompt: str) -> list[str]:
    """The other words of the sentence, none where the answer does not stand apart at one of its ends."""
    folded, n = [word.casefold() for word in said], len(answer)
    if folded[-n:] == list(answer) and folded[-n - 1] not in _LISTS and not _described(said, n, prompt):
        return list(said[:-n])
    start = 1 if folded[0] in _ARTICLES else 0
    name = any(word[0].isupper() for word in _PARTS.findall(reference) if word.casefold() in answer)
    if name and folded[start : start + n] == list(answer) and folded[start + n : start + n + 1] not in ([], ["s"]):
        return [] if folded[start + n] in _LISTS else list(said[start + n :])
    return []


def _described(said: Sequence[str], n: int, prompt: str) -> bool:
    """Whether a word in small letters that is neither grammar nor the prompt's stands right before the answer.

    "Salt water" is not "water".
    """
    before, first = said[-n - 1], said[-n]
    return first.islower() and before.islower() and before not in _BEFORE and before not in words(prompt)


def _rivals(rest: Sequence[str], said: Sequence[str], answer: Sequence[str], prompt: str) -> list[str]:
    """Names and figures of the sentence that neither the prompt nor the answer holds.

    A name beside a word of the prompt belongs to it (Abraham Lincoln where Lincoln was asked for), and so does one
    the prompt shortens to its initials.
    """
    known = {*map(str.casefold, _PARTS.findall(prompt)), *answer}
    found = []
    for group in _groups(rest, said[0]):
        initials = "".join(word[0] for word in group).casefold()
        if initials not in known and not known.intersection(map(str.casefold, group)):
            found.append(" ".join(group))
    return found


def _groups(rest: Sequence[str], first: str) -> list[list[str]]:
    """Neighbouring words that are names or figures; the first word of a sentence is capitalised anyway."""
    groups: list[list[str]] = [[]]
    for place, word in enumerate(rest):
        if (word[0].isupper() or any(map(str.isdigit, word))) and not (place == 0 and word == first):
            groups[-1].append(word)
        elif groups[-1]:
            groups.append([])
    return [group for group in groups if group]
