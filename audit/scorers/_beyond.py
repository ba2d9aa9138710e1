"""What two answers say beyond their question: names and words that neither the prompt nor mere grammar holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from audit.scorers._facts import facts
from audit.scorers._normalise import word_set
from audit.scorers._typed import hedged, truth

_LONGEST, _LONGEST_SENTENCE = 60, 600
_ALIKE, _SPELLED = 0.6, 0.75
_MARKS = str.maketrans("’“”„", '\'"""')
_GRAMMAR = word_set(
    "a an the is are was were be been being has have had do does did will would can it its it's this that these those"
    " there here he she they his her their them who whom which what when where how of in on at by for from to into as"
    " with and also first name named names called known answer located situated found based born set took takes place"
    " played plays portrayed written wrote sung sang performed recorded composed directed produced released painted"
    " designed invented discovered founded created made won starred starring featured star stars titled entitled"
    " film movie song novel book actor actress singer author"
    " traditionally commonly usually generally officially originally"
)
_JOINING = word_set("und oder y e o et ou i och og en")
_PARTICLES = word_set("de da di del van von der den la le bin al el y")
_SENTENCE = re.compile(r"(?<=[^\W\d_]{2})[.!?](?=\s+\W{0,3}[A-ZÄÖÜ])|(?<=[\"”’)\d])[.!?](?=\s+\W{0,3}[A-ZÄÖÜ])|\n")
_VERB = re.compile(r"\b(?:is|are|was|were|by|won|wrote|sang|played|in|at)\b", re.IGNORECASE)
_ASIDE = re.compile(r"[,;(]|\s[-–—]+\s")
_LIST = re.compile(r"\s(?:and|or|&)\s+(?:(?:the|a|an)\s+)?\W?(?P<next>[^\W\d_]+)", re.IGNORECASE)
_RELATED = re.compile(
    r"\b(?:of|with|after|before|under|against|to|for|about|like|behind)\s+(?:the\s+)?$", re.IGNORECASE
)
_MODIFIER = re.compile(r"['\"]?(?:'s)?\s+(?:of|in|from|at|for|during|as)\s", re.IGNORECASE)
_DATED = re.compile(r"\s(?:released\s)?(?:in|on|since|during)\s(?:the\s)?(?:\w+\s)?\d{4}s?\b", re.IGNORECASE)
_CHOICE = re.compile(r"\b(?:or|oder|ou|which of|between|compare)\b", re.IGNORECASE)
_WHEN = re.compile(
    r"^\W*when\b|\bwhen (?:did|do|does|is|was|were|will|has)\b|\bwhat (?:year|date|day|time)\b|\bhow (?:long|old)\b",
    re.IGNORECASE,
)
_WHO = re.compile(r"\b(?:who|whom|whose)\b", re.IGNORECASE)
_WHERE = re.compile(r"\b(?:where|what (?:city|country|state|continent|place)|which (?:city|country|state))\b", re.I)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_QUOTED = re.compile(r"\"[^\"\n]{2,80}\"|(?<!\w)'[^'\n]{2,80}'(?!\w)")
_DOUBT = re.compile(
    r"\b(?:however|alternatively|maybe|perhaps|possibly|unclear|not sure|some (?:say|sources))\b", re.IGNORECASE
)


class Beyond(NamedTuple):
    """What an answer adds to its question: `said` where it answers, in order, `all` in its whole text.

    `name` when what is said is capitalised or stands in quotation marks, `several` when it is more than one name;
    `lower` are the words of it in small letters, `years` those an answer dates itself with.
    """

    said: tuple[str, ...]
    all: frozenset[str]
    name: bool = False
    several: bool = False
    lower: frozenset[str] = frozenset()
    years: frozenset[str] = frozenset()


def same_beyond(reference: str, candidate: str, prompt: str) -> bool | None:
    """Whether two answers add the same to the question they were asked; None where that can't be told.

    True where they add the same words ("Hamlet was written by Shakespeare." and "Shakespeare wrote Hamlet in 1600."),
    or where a name stands there in full or by its end. False where each adds a name, and neither a word of the other's.
    Choices the prompt itself holds, times, places, denials, doubts and lists are left open.
    """
    if _CHOICE.search(prompt) or _WHEN.search(prompt) or truth(reference) is not None:
        return None
    if any(_DOUBT.search(text) or facts(text).refusal for text in (reference, candidate)):
        return None
    who = _WHO.search(prompt) is not None
    ours, theirs = beyond(reference, prompt), beyond(candidate, prompt)
    if not ours.said or not theirs.said or not any(map(str.isalpha, ours.said)):
        return None
    if not ours.several and not theirs.several and _says_same(ours, theirs, who):
        return None if ours.years and theirs.years and ours.years != theirs.years else True
    other = ours.name and theirs.name and not _WHERE.search(prompt) and ours.all.isdisjoint(theirs.all)
    titles = any(_QUOTED.search(text.translate(_MARKS)) for text in (reference, candidate))
    return False if other and (who or titles) and not _alike(ours.said, theirs.said) else None


def _says_same(ours: Beyond, theirs: Beyond, who: bool) -> bool:
    """The same words, or two spellings of a name, or one of them with a description or given names before it."""
    if ours.said == theirs.said or "".join(ours.said) == "".join(theirs.said):
        return True
    if who and _spelled_alike(ours.said, theirs.said):
        return True
    short, long = sorted((ours, theirs), key=lambda each: len(each.said))
    before = long.said[: -len(short.said)]
    if long.said[-len(short.said) :] != short.said or len(short.said[-1]) < 3 or not _JOINING.isdisjoint(before):
        return False
    described = long.lower.issuperset(before) and len(short.said) > 1
    return described or (who and long.lower.isdisjoint(before)) or (who and long.lower.issuperset(before))


def beyond(text: str, prompt: str) -> Beyond:
    """What a text adds to a prompt; nothing where that is a list, doubted or denied, or its first sentence is long."""
    plain = text.strip().translate(_MARKS)
    known = {_stem(word) for word in _WORD.findall(prompt.translate(_MARKS))} | _KNOWN
    everything = frozenset(_stem(word) for word in _WORD.findall(plain) if _stem(word) not in known)
    sentence = _SENTENCE.split(plain)[0].strip(".!?*_` ")
    if len(sentence) > _LONGEST_SENTENCE:
        return Beyond((), everything)
    first = _DATED.sub(" ", sentence)
    years = frozenset(re.findall(r"\b\d{4}\b", sentence)) - frozenset(re.findall(r"\b\d{4}\b", first))
    if ";" in first or len(_WORD.findall(first)) > _LONGEST or facts(first).negations or hedged(first, prompt):
        return Beyond((), everything)
    titles = [[word for word in _WORD.findall(title) if _stem(word) not in known] for title in _QUOTED.findall(first)]
    title = next(filter(None, titles), [])
    if title:
        return Beyond(tuple(map(_stem, title)), everything, True, years=years)
    main = _main(first, known)
    if _lists(main, known) or (_WHO.search(prompt) and _names_more(first[len(main) :])):
        return Beyond((), everything)
    said, name, several = _head(main, known, _WHO.search(prompt) is not None)
    lower = frozenset(_stem(word) for word in said if word.islower())
    return Beyond(tuple(map(_stem, said)), everything, name, several, lower, years)


def _main(sentence: str, known: set[str]) -> str:
    """A sentence up to the aside behind what it adds: "It is in Graz, Austria" is "It is in Graz"."""
    verb = _VERB.search(sentence)
    for aside in _ASIDE.finditer(sentence, verb.end() if verb else 0):
        before = sentence[: aside.start()]
        if any(_stem(word) not in known for word in _WORD.findall(before)):
            return sentence if _lists(sentence[aside.start() :], known) else before
    return sentence


def _lists(text: str, known: set[str]) -> bool:
    """Whether an "and" or "or" is followed by something the prompt does not hold."""
    return any(_stem(match["next"]) not in known for match in _LIST.finditer(text))


def _names_more(aside: str) -> bool:
    """Whether what follows a comma is nothing but another name: "Mara Lindt, Jonas Feld"."""
    words = _WORD.findall(aside)
    return len(words) > 1 and _capital(words)


def _head(text: str, known: set[str], who: bool) -> tuple[list[str], bool, bool]:
    """The words a clause adds, whether they are a name, and whether they are several.

    Where a person is asked for: the name that opens the clause before its verb, or the only one, or the one before an
    "of" or "in". The son of somebody is somebody else.
    """
    runs = _runs(text, known)
    names = [name for name in map(_name_of, runs) if name]
    words = [match.group() for run in runs for match in run]
    if not who or not names or any(name[-1].group().endswith("'s") for name in names):
        return words, _capital(words), len(names) > 1
    head, behind = [match.group() for match in names[0]], text[names[0][-1].end() :]
    following = _WORD.match(behind.lstrip()) if behind[:1].isspace() else None
    opens = names[0][0].start() == 0 and following is not None and _stem(following.group()) in known
    related = _RELATED.search(text[: names[0][0].start()]) and runs[0][0] is not names[0][0]
    if not related and (opens or len(names) == 1 or _MODIFIER.match(behind)):
        return head, True, False
    return words, False, True


def _runs(text: str, known: set[str]) -> list[list[re.Match[str]]]:
    """Words a clause adds, neighbours together."""
    runs: list[list[re.Match[str]]] = []
    for match in _WORD.finditer(text):
        if _stem(match.group()) in known:
            continue
        if runs and not text[runs[-1][-1].end() : match.start()].strip(" .-*_`"):
            runs[-1].append(match)
        else:
            runs.append([match])
    return runs


def _name_of(run: Sequence[re.Match[str]]) -> list[re.Match[str]]:
    """The name a run of words ends with: "painter Mara Lindt" ends with "Mara Lindt"; none where one stands before."""
    start = len(run)
    while start and (run[start - 1].group()[0].isupper() or run[start - 1].group() in _PARTICLES):
        start -= 1
    if any(match.group()[0].isupper() for match in run[:start]):
        return []
    return list(run[start:])


def _capital(words: Sequence[str]) -> bool:
    """Whether words are written as a name."""
    return bool(words) and words[0][0].isupper() and all(word[0].isupper() or word in _PARTICLES for word in words)


def _stem(word: str) -> str:
    plain = word.casefold().removesuffix("'s")
    return plain.removesuffix("s") if len(plain) > 3 else plain


_KNOWN = frozenset(map(_stem, _GRAMMAR))


def asks_who(prompt: str) -> bool:
    """Whether a short prompt asks for a person."""
    return _WHO.search(prompt) is not None and len(_WORD.findall(prompt)) <= _LONGEST


def _spelled_alike(left: Sequence[str], right: Sequence[str]) -> bool:
    """Two spellings of one full name: the same end, and every other word nearly the same."""
    return (
        len(left) == len(right) > 1
        and left[-1] == right[-1]
        and all(SequenceMatcher(None, *pair).ratio() >= _SPELLED for pair in zip(left, right, strict=True))
    )


def _alike(left: Sequence[str], right: Sequence[str]) -> bool:
    """Whether two names could be one: spelled alike, or one by its initials."""
    initials = {"".join(word[0] for word in words) for words in (left, right)}
    same = SequenceMatcher(None, " ".join(left), " ".join(right)).ratio() >= _ALIKE
    return same or not initials.isdisjoint({*left, *right})
