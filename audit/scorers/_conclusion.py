"""The number that an answer with some working comes to, where nothing marks it as the answer."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from audit.scorers._amounts import amount, amounts_in, says_none
from audit.scorers._normalise import AMOUNT, Quantity, quantity, same_number
from audit.scorers._stated import final_answer

_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|long|far|old|tall|fast|often|big|heavy|deep|wide|high|large)\b|\bwhat does it cost\b"
    r"|\bwhat (?:is|was|are|will be|would be) the (?:[\w-]+ ){0,4}(?:total|sum|number|cost|price|amount|area|volume"
    r"|value|average|mean|profit|loss|percent|percentage|probability|ratio|difference|product|distance|speed|length|width"
    r"|height|weight|age|score|time|balance|remainder|perimeter|salary|income|discount)\b"
    r"|\b(?:what|which) (?:percent|percentage|fraction|proportion|number|amount|total|score|age|distance|speed|price)\b"
    r"|\b(?:calculate|compute|solve|evaluate)\b"
    r"|\bfind the (?:[\w-]+ ){0,3}(?:total|sum|number|cost|price|amount|value)\b"
    r"|\bwie ?viele?\b|\bwie (?:lange|weit|alt|hoch|groß|schwer|oft)\b|\bcombien\b|\bcuánt|\bquant[oiae]\b|\bberechne",
    re.IGNORECASE,
)
_SENTENCES = re.compile(r"(?<=[^\s\d])[.!?]\s+|(?<=\d)[.!?]\s+(?=\W{0,3}[A-ZÄÖÜ])|\n+")
_NOTES = re.compile(r"<<[^<>\n]{0,200}>>|\\(?:text|mathrm|mathbf)\{([^{}\n]{0,80})\}|\\[()\[\]!,;]|\\(?=\$)|\*\*")
_BRACKETS = re.compile(r"\([^()\n]{0,80}\)")
_UNFINISHED = re.compile(r"\s*[-+*/×÷^x]\s*[$€£]?\d|\s*(?:\\times|\\div|\\cdot)\b")
_BEHIND = re.compile(r"\s*([^\W\d_]+)")
# what is counted in words above twelve is not read
_IN_WORDS = re.compile(
    r"\b(?:\w+teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand|million|dozens?|half|halves|thirds?"
    r"|quarters?|double|twice|zwanzig|\w+zig|hundert|tausend|halb\w*|viertel|vingt|trente|cent|mille|demi|mitad|cien)\b",
    re.IGNORECASE,
)
_SCALES = tuple(map(Decimal, (7, 12, 24, 52, 60, 100, 365, 1000, 3600, 1_000_000)))
_SO = re.compile(
    r"\b(?:so|thus|therefore|hence|which|making|giving|leaving|total of|altogether|also|somit|donc)\b", re.IGNORECASE
)
_NEAR = 2
_BOLD_END = re.compile(r"\*\*(?P<result>[^*\n]{1,40})\*\*[^\w*]*(?:[^\W\d_]+[^\w*]*){0,2}\Z")
_GETS = re.compile(
    r".*\b(?:gets?|gives?(?: us| you)?|yields?|equals?|results? in|ergibt)\s(?P<result>[^\n]{1,40})", re.IGNORECASE
)


class Comes(NamedTuple):
    """What an answer comes to: `value` None where that can't be told, and the word behind it.

    `near` holds the numbers of its last two sentences with one, `told` all of them. `marked` says whether the answer
    is set apart: named as one, in bold at the end, or all there is.
    """

    value: Quantity | None
    unit: str
    near: tuple[Decimal, ...]
    told: tuple[Decimal, ...]
    marked: bool = False


def asks_number(prompt: str) -> bool:
    """Whether a prompt wants a number."""
    return _ASKS_NUMBER.search(prompt) is not None


def comes_to(text: str, prompt: str) -> Comes:
    """The number a text states as its final answer, or else concludes with.

    Of its last sentence with a number: what stands behind the last equals sign, else the only number the prompt does
    not hold, else the only number; in the clause that draws the conclusion where the sentence has several.
    """
    plain = _plain(text)
    speaking = [part for part in _SENTENCES.split(plain) if amounts_in(part)]
    near = tuple(each.value for part in speaking[-_NEAR:] for each in amounts_in(part))
    told = tuple(each.value for each in amounts_in(plain))
    stated = _marked(text, plain)
    if stated is not None and amounts_in(stated):
        found = _one(amounts_in(_BRACKETS.sub(" ", stated)))
        return Comes(found, _behind(stated, found), near, told, marked=True)
    if not speaking:
        return Comes(None, "", near, told)
    last = speaking[-1]
    result = last.rpartition("=")[2] if "=" in last else _got(last)
    found = _result(result) if amounts_in(result) else _new(last, prompt)
    return Comes(found, _behind(result or last, found), near, told)


def _marked(text: str, plain: str) -> str | None:
    """The answer a text names as such, or sets in bold at its end, or consists of."""
    bold = _BOLD_END.search(text.strip())
    if final_answer(plain) is not None or bold:
        return final_answer(plain) or (bold["result"] if bold else None)
    return plain if amount(plain) is not None else None


def _got(sentence: str) -> str:
    """What a sentence ends with behind the last "to get", where that holds one number."""
    said = _GETS.fullmatch(sentence.rstrip(".! "))
    return said["result"] if said and len(amounts_in(said["result"])) == 1 else ""


def same_conclusion(reference: str, candidate: str, prompt: str) -> bool | None:
    """Whether two answers to a question for a number come to the same one; None where that can't be told.

    A number that is near the other's end, or another only by a usual factor of units or by rounding, is not called
    different.
    """
    ours, theirs = comes_to(reference, prompt), comes_to(candidate, prompt)
    if ours.value is None or (not ours.value.value and says_none(candidate)):
        return None
    wanted, given = ours.value, theirs.value
    if given is not None and same_number(wanted.value, given.value):
        return True if not (wanted.unit and given.unit) or wanted.unit == given.unit else None
    in_words = set(_IN_WORDS.findall(last_sentence(candidate).casefold())) - set(_IN_WORDS.findall(prompt.casefold()))
    return None if in_words or _may_be_same(wanted, ours, theirs) else False


def _may_be_same(logged: Quantity, ours: Comes, theirs: Comes) -> bool:
    """Whether unequal numbers could still be one: rounded, in other units, or not the ones that were meant."""
    wanted, given = logged.value, theirs.value
    if given is None:
        return any(same_number(wanted, each) or rounded(wanted, each) for each in theirs.told)
    scaled = ours.unit != theirs.unit or {logged.unit, given.unit} == {"", "%"}
    return (
        rounded(wanted, given.value)
        or (scaled and _scaled(wanted, given.value))
        or (not (ours.marked and theirs.marked) and (_among(wanted, theirs.near) or _among(given.value, ours.near)))
    )


def last_sentence(text: str) -> str:
    """The last sentence with a letter or a figure in it."""
    return next((part for part in reversed(_SENTENCES.split(text.strip())) if any(map(str.isalnum, part))), "")


def _plain(text: str) -> str:
    """The text without a calculator's notes and without mathematical typesetting."""
    return _NOTES.sub(lambda match: match.group(1) or "", text).replace("{,}", ",")


def _result(text: str) -> Quantity | None:
    """The number behind an equals sign, unless it is to be worked on."""
    first = amounts_in(text)[0]
    digits = re.search(r"\d[\d.,]*", text)
    return None if digits and _UNFINISHED.match(text, digits.end()) else first


def _new(sentence: str, prompt: str) -> Quantity | None:
    known = [each.value for each in amounts_in(_plain(prompt))]
    for part in (sentence, _SO.split(sentence)[-1]):
        found = amounts_in(_BRACKETS.sub(" ", part)) or amounts_in(part)
        one = _one([each for each in found if not _among(each.value, known)] or found)
        if one is not None:
            return one
    return None


def _one(found: list[Quantity]) -> Quantity | None:
    """The quantity all of these are; None where there are two."""
    return found[-1] if found and all(same_number(each.value, found[0].value) for each in found) else None


def _behind(text: str, found: Quantity | None) -> str:
    """The word behind a quantity in a text."""
    for match in AMOUNT.finditer(text) if found else ():
        word = _BEHIND.match(text, match.end())
        if word and quantity(match) == found:
            return word[1].casefold()
    return ""


def _among(value: Decimal, known: tuple[Decimal, ...] | list[Decimal]) -> bool:
    return any(same_number(value, each) for each in known)


def _scaled(left: Decimal, right: Decimal) -> bool:
    return bool(left and right) and any(
        same_number(left, right * factor) or same_number(right, left * factor) for factor in _SCALES
    )


def rounded(left: Decimal, right: Decimal) -> bool:
    """Whether one number is the other with fewer decimals."""
    coarse, fine = sorted((left, right), key=_decimals)
    return _decimals(coarse) < _decimals(fine) and abs(coarse - fine) * 10 ** _decimals(coarse) <= Decimal("0.5")


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
