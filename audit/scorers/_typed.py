"""Short answers of a known type: a quantity, a day, yes or no; alone or carried by a sentence."""

from __future__ import annotations

import re

from audit.scorers._facts import differences
from audit.scorers._normalise import normalise, same_number, whole_date, whole_quantity, word_set, words

_YES = word_set("yes ja oui sí si sim true correct yep да はい 是")
_NO = word_set("no nein non não nao false incorrect nope nee нет いいえ 否")
_COPULA = re.compile(
    r"(?:[:=]|\b(?:is|are|was|were|equals|be|ist|sind|est|sont|es|son|é|è|sono|zijn))\s*$", re.IGNORECASE
)
_CARRIERS = word_set(
    "answer final result correct it that this these those they there he she we you i so here in to of for on at by and"
    " as with from today our your their its value total date name is are was were be does do did has have can will"
    " die der das le la les el los il lo"
)
_HEDGES = word_set(
    "or either maybe perhaps possibly probably might could but however although except rather instead unless"
    " approximately about around oder vielleicht aber ou peut-être mais o quizás pero forse ma nearly almost roughly"
)
_LONGEST_CARRIER = 30


def truth(text: str) -> bool | None:
    """Yes or no in a few languages, None for anything else."""
    plain = normalise(text)
    return True if plain in _YES else False if plain in _NO else None


def compare_typed(reference: str, candidate: str) -> bool | None:
    """Equality of two answers that are wholly a quantity, a day, or yes/no; None for others or other units."""
    left, right = whole_quantity(reference), whole_quantity(candidate)
    if left and right:
        return same_number(left.value, right.value) if left.unit == right.unit else None
    ours, theirs = whole_date(reference), whole_date(candidate)
    if ours and theirs:
        return ours == theirs
    yes, also = truth(reference), truth(candidate)
    return yes == also if yes is not None and also is not None else None


def carried(reference: str, candidate: str, prompt: str) -> bool:
    """Whether a candidate is the reference in a plain sentence: nothing hedged, no fact and no word of its own.

    "The capital of France is Paris." carries "Paris" when the prompt asked for the capital of France: the words
    around the answer come from the prompt or are mere grammar, and a copula sets the answer apart. After yes or no a
    clause may follow.
    """
    around = _around(reference, candidate)
    if around is None:
        return False
    rest = words(around)
    known = _CARRIERS.union(words(prompt))
    if len(rest) > _LONGEST_CARRIER or not known.issuperset(rest) or not _HEDGES.isdisjoint(rest):
        return False
    return not differences(prompt, f"{prompt} {around}")


def _around(reference: str, candidate: str) -> str | None:
    """The words before (after yes or no: behind) the reference, None when it is not clearly set apart."""
    inner, text = reference.strip().rstrip(".!"), candidate.strip().rstrip(".!*_` ")
    if not inner:
        return None
    if text.casefold().endswith(inner.casefold()):
        before = text[: -len(inner)].rstrip("*_` \"'")
        return before if _COPULA.search(before) else None
    if truth(inner) is not None and text.casefold().startswith(inner.casefold()):
        after = text[len(inner) :]
        return after[1:] if after[:1] in (",", ".", ";", ":", "\n") else None
    return None
