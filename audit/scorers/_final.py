"""Do two answers end in the same final answer, however they got there."""

from __future__ import annotations

from typing import NamedTuple

from audit.scorers._amounts import amounts_in, says_amount
from audit.scorers._conclusion import asks_number, last_sentence, same_conclusion
from audit.scorers._doubt import ANOTHER_FINAL
from audit.scorers._normalise import normalise
from audit.scorers._stated import final_answer, same_option
from audit.scorers._typed import carried, compare_typed, truth


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
    if ours is None or theirs is None:
        return _concluding(reference, candidate, prompt)
    # at the end of some working a unit is understood
    understood = f"{prompt} {ours} {theirs}"
    equal = True if normalise(ours) == normalise(theirs) else _same_value(ours, theirs, understood)
    if equal is None:
        return Final(None, "final answers are worded differently")
    return Final(equal, "same final answer" if equal else ANOTHER_FINAL)


def _same_value(ours: str, theirs: str, prompt: str) -> bool | None:
    for compare in (compare_typed, says_amount):
        found = compare(ours, theirs, prompt)
        if found is not None:
            return found
    if says_amount(theirs, ours, prompt) is not None:
        return says_amount(theirs, ours, prompt)
    return True if carried(ours, theirs, prompt) or carried(theirs, ours, prompt) else None


def _concluding(reference: str, candidate: str, prompt: str) -> Final:
    """At most one of them marks a final answer: the other may say the same at its end, or come to the same number."""
    ours, theirs = final_answer(reference), final_answer(candidate)
    stated = ours or theirs or ""
    left, right = ours or last_sentence(reference), theirs or last_sentence(candidate)
    if stated and normalise(left) == normalise(right):
        return Final(True, "same final answer")
    yes, also = truth(left), truth(right)
    if stated and yes is not None and also is not None:
        return Final(yes == also, "same final answer" if yes == also else "another final answer")
    if amounts_in(stated) or asks_number(prompt):
        equal = same_conclusion(reference, candidate, prompt)
        if equal is not None:
            return Final(equal, "comes to the same number" if equal else "comes to another number")
    return Final(None, "only one of them states a final answer" if stated else "no final answer stated")
