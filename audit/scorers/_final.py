"""Do two answers end in the same final answer, however they got there."""

from __future__ import annotations

import re
from typing import NamedTuple

from audit.scorers._amounts import amounts_in, says_amount
from audit.scorers._normalise import normalise, same_number
from audit.scorers._stated import final_answer, same_option
from audit.scorers._typed import carried, compare_typed, truth

_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|long|far|old|tall|fast|often)\b|\bwhat does it cost\b|\bwhat (?:is|was|are) the (?:\w+ ){0,3}"
    r"(?:total|sum|number|cost|price|amount|area|value|average|profit|percentage|probability)\b"
    r"|\b(?:calculate|compute|solve|evaluate)\b|\bwie ?viele?\b|\bcombien\b|\bcuánt|\bquant[oiae]\b|\bberechne",
    re.IGNORECASE,
)
_SENTENCES = re.compile(r"(?<=[^\s\d])[.!?]\s+|(?<=\d)[.!?]\s+(?=\W{0,3}[A-ZÄÖÜ])|\n+")


class Final(NamedTuple):
    """Whether the final answers are equal (None = can't be told), and why."""

    equal: bool | None
    reason: str


def same_final(reference: str, candidate: str, prompt: str) -> Final:
    """Compare what two answers come to: the option, the stated final answer, or the number they end with."""
    chosen = same_option(reference, candidate, prompt)
    ours, theirs = final_answer(reference), final_answer(candidate)
    if chosen is not None and (ours is not None or chosen):
        return Final(chosen, "same option" if chosen else "another option")
    if ours is None and theirs is None:
        return _concluding(reference, candidate, prompt)
    if ours is None or theirs is None:
        return _one_sided(reference, candidate, prompt)
    # at the end of some working a unit is understood
    understood = f"{prompt} {ours} {theirs}"
    equal = True if normalise(ours) == normalise(theirs) else _same_value(ours, theirs, understood)
    if equal is None:
        return Final(None, "final answers are worded differently")
    return Final(equal, "same final answer" if equal else "another final value")


def _same_value(ours: str, theirs: str, prompt: str) -> bool | None:
    for compare in (compare_typed, says_amount):
        found = compare(ours, theirs, prompt)
        if found is not None:
            return found
    if says_amount(theirs, ours, prompt) is not None:
        return says_amount(theirs, ours, prompt)
    return True if carried(ours, theirs, prompt) or carried(theirs, ours, prompt) else None


def _one_sided(reference: str, candidate: str, prompt: str) -> Final:
    """One of them states a final answer; the other may end with the same value all the same."""
    stated, other = final_answer(reference), candidate
    if stated is None:
        stated, other = final_answer(candidate) or "", reference
    last = _last_sentence(other)
    if amounts_in(stated) or truth(stated) is not None:
        equal = _same_value(stated, last, prompt) or _ends_with(stated, last)
        if equal:
            return Final(True, "same final answer")
        strange = (
            amounts_in(stated)
            and amounts_in(last)
            and not any(same_number(each.value, amounts_in(stated)[0].value) for each in amounts_in(other))
        )
        if equal is False and (strange or len(amounts_in(last)) == 1):
            return Final(False, "another final value")
    return Final(None, "only one of them states a final answer")


def _concluding(reference: str, candidate: str, prompt: str) -> Final:
    """Neither states one: where the prompt asks for a number, the only number of the last sentence is the answer."""
    ours, theirs = amounts_in(_last_sentence(reference)), amounts_in(_last_sentence(candidate))
    if _ASKS_NUMBER.search(prompt) and ours and theirs and ours[-1].unit == theirs[-1].unit:
        if same_number(ours[-1].value, theirs[-1].value):
            return Final(True, "ends with the same number")
        if not any(same_number(ours[-1].value, each.value) for each in amounts_in(candidate)):
            return Final(False, "ends with another number")
    return Final(None, "no final answer stated")


def _ends_with(stated: str, last: str) -> bool:
    ours, theirs = amounts_in(stated), amounts_in(last)
    return (
        len(ours) == 1
        and bool(theirs)
        and theirs[-1].unit in ("", ours[0].unit)
        and same_number(ours[0].value, theirs[-1].value)
    )


def _last_sentence(text: str) -> str:
    return next((part for part in reversed(_SENTENCES.split(text.strip())) if any(map(str.isalnum, part))), "")
