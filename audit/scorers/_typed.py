"""Short answers of a known type: a quantity, a day, yes or no; alone or carried by a sentence."""

from __future__ import annotations

import re

from audit.scorers._amounts import amount, compare_amounts
from audit.scorers._facts import differences
from audit.scorers._normalise import normalise, whole_date, word_set, words

_YES = word_set("yes ja oui sí si sim true correct yep да はい 是")
_NO = word_set("no nein non não nao false incorrect nope nee нет いいえ 否")
_COPULA = re.compile(
    r"(?:[:=]|\b(?:is|are|was|were|equals|be|ist|sind|est|sont|es|son|é|è|sono|zijn)(?:\s+(?:in|at|on|by|called))?"
    r"|\b(?:it|that|this|there|he|she)['’]s)\s*$",
    re.IGNORECASE,
)
CARRIERS = word_set(
    "answer final result correct it that this these those they there he she we you i so here in to of for on at by and"
    " as with from today our your their its value total date name is are was were be does do did has have can will"
    " would s die der das le la les el los il lo"
)
_HEDGES = word_set(
    "or either maybe perhaps possibly probably might could but however although except rather instead unless"
    " approximately about around oder vielleicht aber ou peut-être mais o quizás pero forse ma nearly almost roughly"
)
_MODALS = word_set("could might")
_DOUBTS = _HEDGES - {"about", "around"}
_NEARLY = re.compile(r"\b(?:about|around)\s+\W?\d", re.IGNORECASE)
_SENTENCE = re.compile(
    r"(?P<before>[^\n.!?]{1,200}?\s(?:is|was|are|were|would be|ist|est|es|è|é))\s+(?P<said>[^\n]{1,80})", re.IGNORECASE
)
_LONGEST_CARRIER = 30
# what may part an answer from its explanation; a comma between digits belongs to a number
_EXPLANATION = re.compile(r"\s*(?:\n+|[,;:.]\s+|\s[-–—]+\s|\s?\()\W{0,3}(?=\w)")
_IS = re.compile(r"\s+(?:is|was|are|were|ist|war|sind|est|sont|es|è|é)\s", re.IGNORECASE)
# "A, B or C" offers options, it does not explain the first
_LETTER_NEXT = re.compile(r"\W*(?:and|or)?\W*[A-J](?!\w)")
# "Mara Lindt, Jonas Feld" are two
_WHO = re.compile(r"\b(?:who|whom|whose)\b", re.IGNORECASE)
_NAME_NEXT = re.compile(r"\s*,\s*[A-Z][\w'’.-]{0,40}(?:\s+[A-Z][\w'’.-]{0,40}){1,3}[.!]?\s*")
_FIRST_CLAUSE = re.compile(r"[.!?\n;]")


def truth(text: str) -> bool | None:
    """Yes or no in a few languages, None for anything else."""
    plain = normalise(text)
    return True if plain in _YES else False if plain in _NO else None


def compare_typed(reference: str, candidate: str, prompt: str = "") -> bool | None:
    """Equality of two answers that are wholly a quantity, a day, or yes/no; None for others.

    A unit only one of them writes counts as understood where the prompt names it.
    """
    left, right = amount(reference), amount(candidate)
    if left and right:
        return compare_amounts(left, right, prompt)
    ours, theirs = whole_date(reference), whole_date(candidate)
    if ours and theirs:
        return ours == theirs
    yes, also = truth(reference), truth(candidate)
    return yes == also if yes is not None and also is not None else None


def hedged(text: str, prompt: str = "") -> bool:
    """Whether a text offers alternatives, doubts or exceptions; "about" is a doubt only before a number.

    A "could" or "might" of the prompt is the question's, not the answer's.
    """
    doubts = _DOUBTS - _MODALS.intersection(words(prompt)) if prompt else _DOUBTS
    return not doubts.isdisjoint(words(text)) or _NEARLY.search(text) is not None


def told(candidate: str, prompt: str) -> str | None:
    """What a sentence says in the prompt's own words: "The capital of France is Paris." tells "Paris"."""
    plain = candidate.strip().rstrip(".!*_` ")
    match = _SENTENCE.fullmatch(plain)
    if match is None or not CARRIERS.union(words(prompt)).issuperset(words(match["before"])):
        return None
    return match["said"].strip("*_`\"' ")


def carried(reference: str, candidate: str, prompt: str) -> bool:
    """Whether a candidate is the reference in a plain sentence, or with an explanation behind it, and not hedged.

    "The capital of France is Paris." carries "Paris" when the prompt asked for the capital of France: the words
    around the answer come from the prompt or are mere grammar, and a copula sets the answer apart. Behind the answer
    a comma, a bracket or a new line may begin an explanation.
    """
    around = _before(reference, candidate)
    if around is None:
        return _explained(reference, candidate, prompt)
    rest = words(around)
    known = CARRIERS.union(words(prompt))
    if len(rest) > _LONGEST_CARRIER or not known.issuperset(rest) or not _HEDGES.isdisjoint(rest):
        return False
    return not differences(prompt, f"{prompt} {around}")


def _before(reference: str, candidate: str) -> str | None:
    """The words before the reference at the end of a candidate, None when it is not clearly set apart."""
    inner, text = reference.strip().rstrip(".!"), candidate.strip().rstrip(".!*_` ")
    if not inner or not text.casefold().endswith(inner.casefold()):
        return None
    before = text[: -len(inner)].rstrip("*_` \"'")
    return before if _COPULA.search(before) else None


def _explained(reference: str, candidate: str, prompt: str) -> bool:
    """Whether a candidate opens with the reference and goes on to say why, in a clause that takes nothing back.

    Or it makes the prompt's question a sentence about it: "Paris is the capital of France."
    """
    inner, text = reference.strip().strip("*_`\"'").rstrip(".!"), candidate.strip().lstrip("*_`\"'")
    if not inner or not text.casefold().startswith(inner.casefold()):
        return False
    rest = text[len(inner) :].lstrip("*_`\"'")
    verb = _IS.match(rest)
    if verb and CARRIERS.union(words(prompt)).issuperset(words(rest[verb.end() :])) and words(rest[verb.end() :]):
        return not hedged(rest)
    follows = _EXPLANATION.match(rest)
    if (
        follows is None
        or _offers_more(inner, rest, prompt)
        or hedged(_FIRST_CLAUSE.split(rest[follows.end() :], maxsplit=1)[0])
    ):
        return False
    return truth(inner) is not None or not rest[follows.end() :][:1].isdigit()


def _offers_more(inner: str, rest: str, prompt: str) -> bool:
    """Whether what follows an answer is another option, or another person where one is asked for."""
    if len(inner) == 1 and _LETTER_NEXT.match(rest):
        return True
    return _WHO.search(prompt) is not None and _NAME_NEXT.fullmatch(rest) is not None
