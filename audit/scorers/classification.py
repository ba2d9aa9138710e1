"""Classification: the candidate gives the same label, alone or set apart in a sentence."""

from __future__ import annotations

import re
from collections.abc import Collection

from audit.scorers import Answer, Context, Score, Scorer
from audit.scorers._normalise import find_json, given_json, is_document, normalise, overlap
from audit.scorers._schema import violation
from audit.scorers._stated import final_answer, option, options, same_option
from audit.scorers._trees import difference, leaf_match
from audit.scorers._typed import compare_typed, hedged, truth
from audit.scorers.extraction import wrapped

_FIELD = re.compile(r"^\W{0,4}[^\W\d_]+(?:[ \t][^\W\d_]+){0,2}[*_`]{0,3}[ \t]*[:=][*_`]{0,3}[ \t]*(?P<value>[^\n]+)")
_COPULA = re.compile(r"\b(?:(?:is|are|as|ist|als|est|es|è|é|:)\W{1,6}|it['’ ]s\W{1,6})$", re.IGNORECASE)
_BEHIND = re.compile(r"\s*(?:$|\n|[,;:.!?(]|[-–—]+\s)|\s+(?:because|since|as|weil|da|denn|car|porque|perché)\b")
_NEGATED = re.compile(r"\b(?:not|no|never|neither|nor|nicht|kein\w*|pas|ni|non|\w+n['’ ]t)\b", re.IGNORECASE)
_OPEN = re.compile(
    rf"{_NEGATED.pattern}|\b(?:cannot|can ?not|whether|if|unable|unsure|unclear|uncertain|ob|unklar|unsicher|incapable"
    r"|incerto|incierto)\b",
    re.IGNORECASE,
)
_MODAL = re.compile(r"\b(?:could|might)\b", re.IGNORECASE)
_MENU = re.compile(r"\([^()\n]{1,80}\)")
_PAUSE = re.compile(r"[.!?;:,\n]")
_CLAUSE = re.compile(r"[.!?\n]")
_JOINED = re.compile(r"(?<=\w)[_\-/]+(?=\w)")
_DENYING = r"[,;:\s*_`(]{0,6}\b(?:not|nicht|rather than|instead of|as opposed to|statt)\s+(?:an?\s+|the\s+)?[*_`\"']*"
_DENIED_END = r"(?![\w-])[*_`\"')]*(?:\s*[,;]?\s*(?:but|sondern)\b|\s*[,;](?=\s))?"
_SENTENCE_WORDS = 40
_PREFACE = re.compile(
    r"(?:based on|according to|given|judging by|laut|gemäß|selon|según)\s[^,\n]{1,80},\s+(?=\w)", re.IGNORECASE
)


def _judge(reference: Answer, candidate: Answer, context: Context) -> Score:
    logged = find_json(reference.text)
    if logged is not None and is_document(logged.value):
        return _judge_json(logged.value, reference, candidate, context)
    expected, found = normalise(reference.text), normalise(candidate.text)
    if expected == found or _folded(expected) == _folded(found):
        return Score(1.0, True, "same label")
    labels = context.labels or frozenset()
    if found in labels and not options(context.user):
        return Score(0.0, False, "another label of the set")
    chosen = same_option(reference.text, candidate.text, context.user)
    if chosen is not None:
        return Score(float(chosen), chosen, "same label" if chosen else "another option")
    if options(context.user) and option(reference.text, context.user) is not None:
        return Score(overlap(expected, found), None, "no option can be read off it")
    read = _read(candidate.text, {*labels, expected}, closed=bool(labels))
    if read == expected:
        return Score(1.0, True, "same label (among other words)")
    if read is not None:
        return Score(0.0, False, "another label of the set")
    equal = _same_value(reference.text, candidate.text, context.user)
    if equal is not None:
        return Score(float(equal), equal, "same label" if equal else "another label")
    return _unread(expected, found, reference, candidate, context)


def _same_value(reference: str, candidate: str, prompt: str) -> bool | None:
    """Whether both come to one number, day, yes or no: few answers of a small log may look like labels."""
    equal = compare_typed(reference, candidate, prompt)
    ours, theirs = final_answer(reference) or reference, final_answer(candidate)
    return compare_typed(ours, theirs, prompt) if equal is None and theirs is not None else equal


def _unread(expected: str, found: str, reference: Answer, candidate: Answer, context: Context) -> Score:
    """No label could be read off the candidate."""
    labels = context.labels
    if labels is None:
        return _open_set(expected, found, reference, candidate, context)
    # the labels in brackets are the question's: "The answer (Yes or No) is not known."
    plain = _MENU.sub(lambda menu: " " if len(_named(normalise(menu[0]), labels)) > 1 else menu[0], candidate.text)
    found = normalise(plain)
    if _names(found, expected):
        others = [each for each in _named(found, labels) if each != expected]
        if others and hedged(found):
            return Score(0.0, False, "names several labels")
        return Score(overlap(expected, found), None, "names the label among other words")
    return Score(0.0, False, "not a label of the set")


def _open_set(expected: str, found: str, reference: Answer, candidate: Answer, context: Context) -> Score:
    """Without a closed set two different labels may still mean the same, unless the prompt tells them apart."""
    other = _read(candidate.text, {*context.seen, expected}, closed=False)
    if other is not None and other != expected:
        return Score(0.0, False, "another label of this log")
    told = normalise(f"{context.system} {context.user}")
    if len(found.split()) <= 3 and _names(told, expected) and _names(told, found):
        return Score(0.0, False, "another label the prompt names")
    return Score(overlap(expected, found), None, "another label, and the set of labels is not known")


def _folded(label: str) -> str:
    return " ".join(_JOINED.sub(" ", label).split())


def _read(text: str, labels: Collection[str], closed: bool) -> str | None:
    """The label an answer gives: stated, behind a field's name or a copula, at its beginning, or the only one named.

    The last counts only where the set is closed, in a sentence that denies and doubts nothing.
    """
    known = {_folded(label): label for label in sorted(labels, reverse=True)}
    first, _, rest = text.strip().partition("\n")
    field = _FIELD.match(first)
    last = rest.strip().rsplit("\n", 1)[-1]
    parts = (final_answer(text), field["value"] if field else None, _PREFACE.sub("", first, count=1), last)
    for part in filter(None, parts):
        said = _folded(normalise(part))
        if said in known:
            return known[said]
        leading = _leading(part, known)
        if leading is not None:
            return leading
    text = _affirmed(text, known)
    said = _folded(normalise(text))
    named = _named(said, known)
    if len(named) != 1 or len(said.split()) > _SENTENCE_WORDS or hedged(said.replace(named[0], " ")):
        return None
    before = said[: said.rfind(named[0])]
    set_apart = said.endswith(named[0]) and _COPULA.search(before) is not None
    if set_apart:
        return None if _OPEN.search(_clause_before(text, named[0])) else known[named[0]]
    return known[named[0]] if closed and not _OPEN.search(before) else None


def _affirmed(text: str, known: Collection[str]) -> str:
    """A sentence without the labels it denies beside the one it gives: "negative, not positive", "not a; it's b"."""
    labels = "|".join(re.escape(label) for label in sorted(known, key=len, reverse=True) if label)
    if not labels or _CLAUSE.search(text.strip().rstrip(".!*_` ")):
        return text
    given = re.sub(rf"{_DENYING}(?:{labels}){_DENIED_END}", " ", text, flags=re.IGNORECASE)
    told = _folded(normalise(given))
    return given if given != text and _set_apart(told, known) else text


def _set_apart(said: str, known: Collection[str]) -> bool:
    """Whether a text names one label, at its end, alone or behind a copula."""
    named = _named(said, known)
    before = said[: -len(named[0])].strip() if len(named) == 1 and said.endswith(named[0]) else None
    return before is not None and (not before or _COPULA.search(f"{before} ") is not None)


def _clause_before(text: str, label: str) -> str:
    """What stands before a label in its clause, where a denial or a doubt would be about it."""
    wording = r"[\W_]+".join(map(re.escape, label.split()))
    before = re.split(rf"(?<!\w){wording}(?!\w)", text.casefold())
    return _PAUSE.split("".join(before[:-1]).rstrip(" :*_`\"'"))[-1] if len(before) > 1 else text


def _leading(text: str, known: Collection[str] | dict[str, str]) -> str | None:
    """The label a text opens with, set apart from what follows."""
    plain = _JOINED.sub(" ", text.casefold().lstrip("*_`\"'([ \t"))
    for label in sorted(known, key=len, reverse=True):
        if label and plain.startswith(label):
            behind = plain[len(label) :].lstrip("*_`\"')]")
            clause = _CLAUSE.split(behind, maxsplit=1)[0]
            if (
                _BEHIND.match(behind)
                and not _doubted(label, clause)
                and not _named(_next(clause), set(known) - {label})
            ):
                return known[label] if isinstance(known, dict) else label
    return None


def _doubted(label: str, clause: str) -> bool:
    """Whether what stands behind a label takes it back; after a yes or a no "could" speaks of the matter."""
    return hedged(_MODAL.sub(" ", clause) if truth(label) is not None else clause)


def _next(clause: str) -> str:
    """The two words behind a label: another label there makes it a list of labels."""
    return " ".join(normalise(clause).split()[:2])


def _named(text: str, labels: Collection[str]) -> list[str]:
    """Labels a normalised text names, longest first; one inside a longer one that is named does not count."""
    found = []
    for label in sorted(labels, key=lambda each: (-len(each), each)):
        if _names(text, label):
            found.append(label)
            text = re.sub(rf"(?<!\w){re.escape(label)}(?!\w)", " ", text)
    return found


def _names(text: str, label: str) -> bool:
    return bool(label) and re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text) is not None


def _judge_json(expected: object, reference: Answer, candidate: Answer, context: Context) -> Score:
    logged, found = find_json(reference.text), given_json(candidate.text)
    if logged is None or found is None:
        return Score(0.0, False, "not JSON")
    value = leaf_match(expected, found.value).f1
    broken = violation(context.schema, found.value) if context.schema else None
    if broken:
        return Score(value, False, f"breaks the schema: {broken}")
    parts = difference(expected, found.value, context.schema)
    if parts.wrong:
        return Score(value, False, "another label")
    if parts.free_text:
        return Score(value, None, "same label, other explanation")
    return wrapped(Score(value, True, "same label"), logged, found)


SCORER = Scorer("classification", "6", ("classification",), _judge)
