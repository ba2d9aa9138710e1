"""Short answers: equal once normalised, or equal in value, or the answer in a plain sentence; else a judge."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from audit.scorers import Answer, Context, Score, Scorer
from audit.scorers._amounts import amount, amounts_in, says_amount
from audit.scorers._beyond import same_beyond
from audit.scorers._conclusion import rounded
from audit.scorers._doubt import ANOTHER_NAME, ANOTHER_VALUE, OTHER_FIGURES, with_doubt
from audit.scorers._expression import with_signs
from audit.scorers._facts import differences, facts
from audit.scorers._final import Final, same_final
from audit.scorers._named import named_alone
from audit.scorers._normalise import normalise, overlap
from audit.scorers._stated import final_answer, same_option
from audit.scorers._typed import carried, compare_typed, hedged, told, truth

_SAME, _CARRIED = "same answer", "the answer in a sentence"
_NAMED, _BEYOND = "the only thing a sentence names", "the same beyond the question"
_BY_WORDS = frozenset({_SAME, _CARRIED, _NAMED, _BEYOND})
_NAME_WORDS = 4
_ALIKE = 0.6
_ASKS_STRING = re.compile(
    r"\b(?:concatenate|spell|anagrams?|unscramble|decode|decipher|encode|reverse the (?:word|string|letters)"
    r"|(?:first|last) letters?|letters in order)\b",
    re.IGNORECASE,
)
_ASKS_NAME = re.compile(
    r"\b(?:who|whom|whose|where|capital|city|country|continent|river|author|president|inventor|composer|company|name"
    r"|wer|wen|wo|wohin|hauptstadt|stadt|land|name|qui|où|capitale|ville|pays|quién|dónde|ciudad|país|chi|dove|città)\b|[谁誰哪]|什么|どこ|だれ",
    re.IGNORECASE,
)


def _judge(reference: Answer, candidate: Answer, context: Context) -> Score:
    ours, theirs = reference.text, candidate.text
    found = with_doubt(_compared(ours, theirs, context.user), ours, context)
    return with_signs(found, ours, theirs) if found.reason in _BY_WORDS else found


def _compared(ours: str, theirs: str, prompt: str) -> Score:
    if normalise(ours) == normalise(theirs):
        return Score(1.0, True, _SAME)
    chosen = same_option(ours, theirs, prompt)
    if chosen is not None:
        return Score(float(chosen), chosen, "same option" if chosen else "another option")
    equal = compare_typed(ours, theirs, prompt)
    if equal is not None:
        return Score(float(equal), equal, "same value" if equal else ANOTHER_VALUE)
    stated = final_answer(theirs) or told(theirs, prompt) or theirs
    if carried(ours, theirs, prompt) or normalise(ours) == normalise(stated) or carried(ours, stated, prompt):
        return Score(1.0, True, _CARRIED)
    if named_alone(ours, theirs, prompt):
        return Score(1.0, True, _NAMED)
    equal = compare_typed(ours, stated, prompt)
    if equal is not None:
        return Score(float(equal), equal, "the value in a sentence" if equal else ANOTHER_VALUE)
    value = overlap(ours, theirs)
    wrong = _another(ours, theirs, stated, prompt)
    if wrong:
        return Score(value, False, wrong)
    said = says_amount(ours, stated, prompt)
    if said is not None:
        return Score(float(said), said, "the value in a sentence" if said else ANOTHER_VALUE)
    return _by_conclusion(ours, theirs, prompt, value)


def _by_conclusion(ours: str, theirs: str, prompt: str, value: float) -> Score:
    """What both come to, where today's answer is an explanation as well."""
    found = same_final(ours, theirs, prompt) if amount(ours) is None else Final(None, "")
    if found.equal is not None:
        return Score(float(found.equal), found.equal, found.reason)
    added = same_beyond(ours, theirs, prompt)
    if added is not None:
        return Score(float(added), added, _BEYOND if added else ANOTHER_NAME)
    changed = differences(ours, theirs)
    note = f"; {', '.join(changed)}" if changed else ""
    return Score(value, None, f"worded differently: needs a judge or a person{note}")


def _another(ours: str, theirs: str, stated: str, prompt: str) -> str | None:
    """Why a candidate surely says something else; None where that can't be told."""
    found = normalise(theirs)
    if _contradicts(ours, found):
        return "yes against no"
    if _other_figures(ours, theirs):
        return OTHER_FIGURES
    if _other_code(ours, stated):
        return "another number or code"
    if _other_string(ours, stated, prompt):
        return "another string"
    return ANOTHER_NAME if _other_name(ours, stated, prompt) else None


def _contradicts(reference: str, found: str) -> bool:
    """A plain yes or no answered by a sentence that opens with the opposite and never says the other."""
    reference = normalise(reference)
    expected = truth(reference)
    opening = truth(found.split()[0]) if found else None
    return expected is not None and opening is not None and opening != expected and reference not in found.split()


def _other_figures(ours: str, theirs: str) -> bool:
    """Whether two texts differ in nothing but their numbers or days."""
    left, right = facts(ours), facts(theirs)
    counted = amounts_in(ours), amounts_in(theirs)
    if len(counted[0]) == len(counted[1]) and all(rounded(a.value, b.value) for a, b in zip(*counted, strict=True)):
        return False
    changed = (left.numbers or left.dates) and (left.numbers, left.dates) != (right.numbers, right.dates)
    bare = [re.sub(r"[\d.,:]+", "#", normalise(text)) for text in (ours, theirs)]
    return (
        bool(changed)
        and bare[0] == bare[1]
        and any(map(str.isalpha, bare[0]))
        and len(left.numbers) == len(right.numbers)
    )


def _other_code(ours: str, theirs: str) -> bool:
    """Whether both are one code (INV-7) or a number in groups (a telephone's), and differ in more than signs."""
    left, right = (re.sub(r"[\W_]+", "", text).casefold() for text in (ours, theirs))
    codes = all(
        any(map(str.isdigit, text)) and (len(text.split()) == 1 or re.fullmatch(r"[+\d\s().\-/]{7,}", text.strip()))
        for text in (ours, theirs)
    )
    return codes and left != right and amount(ours) is None and amount(theirs) is None


def _other_string(ours: str, theirs: str, prompt: str) -> bool:
    """Whether signs in an order were asked for, and both answers are one word of them, but not the same."""
    left, right = (re.sub(r"[\W_]+", "", text).casefold() for text in (ours, theirs))
    single = all(len(text.split()) == 1 for text in (ours, theirs))
    return single and bool(left and right) and left != right and _ASKS_STRING.search(prompt) is not None


def _other_name(ours: str, theirs: str, prompt: str) -> bool:
    """Whether both are short names without a word, a spelling or initials in common, where a name was asked for."""
    left, right = (normalise(text).split() for text in (ours, theirs))
    if not (0 < len(left) <= _NAME_WORDS and 0 < len(right) <= _NAME_WORDS) or set(left) & set(right) or hedged(theirs):
        return False
    if not (_is_name(ours) and _is_name(theirs) and (_ASKS_NAME.search(prompt) or min(len(left), len(right)) > 1)):
        return False
    for one, other in ((left, right), (right, left)):
        initials = "".join(word[0] for word in other)
        if len(one) == 1 and (initials.startswith(one[0]) or (one[0].startswith(initials) and len(initials) > 1)):
            return False
    return SequenceMatcher(None, " ".join(left), " ".join(right)).ratio() < _ALIKE


def _is_name(text: str) -> bool:
    parts = re.findall(r"[^\W\d_][\w'’-]*", text)
    return (
        bool(parts)
        and not any(map(str.isdigit, text))
        and all(not part[0].islower() or len(part) <= 3 for part in parts)
    )


SCORER = Scorer("short_answer", "7", ("short_answer",), _judge)
