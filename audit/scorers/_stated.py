"""What an answer comes to: the option, label or value it states at its end, alone, or after some working."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from audit.scorers._normalise import normalise

_NOUN = (
    r"(?:answer|answers|option|choice|result|solution|endergebnis|ergebnis|antwort|lösung|réponse|résultat|respuesta"
    r"|resultado|risposta|risultato|resposta|antwoord|ответ)"
)
_MARKER = re.compile(
    rf"\b{_NOUN}(?:[ \t]+(?:choice|option|letter|finale?|final|correcta|correcte|corretta|correta))?"
    r"(?:[ \t]+\([^()\n]{1,60}\))?"
    r"(?:[ \t]+(?:to|of|for|auf|à|de|a)[ \t][^.:=\n]{1,80}?)?[*_`\"']{0,4}"
    r"(?:[ \t]*[:=：]|[ \t]+(?:is|are|would be|should be|must be|ist|lautet|est|es|è|é))[*_`\"']{0,4}[ \t]*[:：]?"
    r"(?:[ \t]*\b(?:therefore|thus|then|also|daher|donc|option|choice|indeed|(?:most[ \t]+)?likely|probably)\b)?"
    r"[ \t]*\n{0,2}[ \t]*(?P<a>[^\n]+)"
    r"|#{4}[ \t]*(?P<b>[^\n]+)|\nA:[ \t]{0,4}(?P<d>[^\n]{1,120})\s{0,4}\Z"
    r"|(?:【答案】[ \t]*[:：]?|答案(?:应该?|應該?)?(?:是|为|為|：|:)|答え(?:は|：|:))\s{0,3}(?P<c>[^\n。<【]+)"
    r"|(?:故选|故選|所以选|应选|應選)[:：]?[ \t]*(?P<e>[A-J])(?![A-Za-z])",
    re.IGNORECASE,
)
_BOXED = re.compile(r"\\boxed\{(?P<c>(?:[^{}]|\{[^{}]*\})+)\}")
_LATEX = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\{([^{}]*)\}")
_LONGEST = 120
_SENTENCE = re.compile(r"(?<=[^\W\d_]{3})[.!?](?=\s)|(?<=[\d)\]\"'*$%])[.!?](?=\s+\W{0,3}[A-ZÄÖÜ])|[。！]")
_ALONE = re.compile(r"[\W_]{0,6}(?:option|choice|answer)?[\W_]{0,6}(?P<letter>[A-J])[\W_]{0,6}", re.IGNORECASE)
_LEADING = re.compile(
    r"(?:option|choice)?[\s*_`(\[\"']{0,5}(?P<letter>[A-J])(?:[*_`]{0,2}[).:\]]|[ \t]+[-–—])[*_`]{0,2}\s*\S"
)
# "D, countryside", "B \"melted\"", "C because …": a letter with its wording or a reason behind it, and no other letter
_WORDED = re.compile(r"[\W_]{0,4}(?P<letter>[A-J])[)\]*_`]{0,4}(?:[ \t]*,|(?=[ \t]*[\"“‘'(]))[ \t]*(?P<rest>\S[^\n]*)")
_SEVERAL = re.compile(
    r"(?:[,/]|\b(?:or|and|oder|und|ou|et)\b)[\s(*_`\[\"']{0,5}(?:or\s+|and\s+)?\(?[A-J](?=[).,]|\s*$)"
)
_LISTED = re.compile(r"(?<!\S)[(\[]?(?P<letter>[A-J])[).:\]][ \t]+(?=\S)")
_LISTED_TEXT = 200
_LONGEST_CHOICE = 30
# a letter that stands alone; "A" before most words in lower case is an article
_LETTER = re.compile(
    r"(?<![\w'’.-])(?:[B-HJ]|A(?![ \t]+(?!(?:and|or|is|was|would|because|since|as|und|oder|ist|weil|et|ou|est|y|o)\b)"
    r"[a-zäöüß]))(?![\w'’-])"
)
_DENIED = re.compile(r"\b(?:no|not|never|neither|nor|none|except|nicht|kein\w*|pas|non|\w+n['’]t)\b", re.IGNORECASE)


def final_answer(text: str) -> str | None:
    """The last final answer a text states (`\\boxed{…}`, `#### …`, `the answer is …`), None when there is none."""
    boxed = [match["c"] for match in _BOXED.finditer(text)]
    if boxed:
        return _LATEX.sub(r"\1", boxed[-1]).strip()
    found = [match["a"] or match["b"] or match["c"] or match["d"] or match["e"] for match in _MARKER.finditer(text)]
    answer = _bare(_LATEX.sub(r"\1", found[-1])) if found else ""
    return answer if 0 < len(answer) <= _LONGEST else None


def _bare(text: str) -> str:
    """The first sentence without its marks; a dollar sign at both ends is mathematics."""
    end = _SENTENCE.search(text, 1)
    plain = (text[: end.start()] if end else text).strip().rstrip(".!").strip("*`_ ").rstrip(".!")
    return plain.strip("$ ") if len(plain) > 1 and plain[0] == plain[-1] == "$" else plain.strip("*`_ ")


@lru_cache(maxsize=256)
def options(prompt: str) -> Mapping[str, str]:
    """The options a prompt lists by letter, normalised; empty unless they run from A without a gap."""
    marks = list(_LISTED.finditer(prompt))
    found: dict[str, str] = {}
    for place, mark in enumerate(marks):
        following = marks[place + 1].start() if place + 1 < len(marks) else len(prompt)
        wording = prompt[mark.end() : min(following, mark.end() + _LISTED_TEXT)].split("\n", 1)[0]
        found[mark["letter"]] = normalise(wording)
    return found if len(found) > 1 and sorted(found) == list("ABCDEFGHIJ"[: len(found)]) else {}


def option(text: str, prompt: str) -> str | None:
    """The letter of the option an answer chooses, None when it chooses none.

    "B", "(b)", "B) Paris", "Option B", "The answer is B.", "I would go with B", and "Paris" or "It is Paris" where the
    prompt lists it as B.
    """
    plain = text.strip()
    listed = options(prompt)
    for part in filter(None, (final_answer(text), plain, _last_line(plain), _first_line(plain))):
        letter = _letter(part, listed)
        if letter is not None and (not listed or letter in listed):
            return letter
        said = normalise(part)
        named = [each for each, wording in listed.items() if wording == said]
        if len(named) == 1:
            return named[0]
    return _named_option(plain, listed) if listed else None


def _named_option(text: str, listed: Mapping[str, str]) -> str | None:
    """The only option a short sentence names, by letter or by wording, unless it denies something."""
    said = f" {normalise(text)} "
    if "\n" in text or len(said.split()) > _LONGEST_CHOICE or _DENIED.search(text):
        return None
    letters = {match.group(0) for match in _LETTER.finditer(text)} & set(listed)
    worded = {each for each, wording in listed.items() if len(wording) > 2 and f" {wording} " in said}
    worded -= {each for each in worded if any(listed[each] in listed[other] for other in worded - {each})}
    short = {each for each, wording in listed.items() if said in f" {wording} " and 2 * len(said) > len(wording) + 2}
    found = letters | worded or short
    return found.pop() if len(found) == 1 else None


def same_option(reference: str, candidate: str, prompt: str) -> bool | None:
    """Whether two answers choose one option; None where the logged one is no choice, or the other can't be read."""
    if not options(prompt) and not _ALONE.fullmatch(final_answer(reference) or reference.strip()):
        return None
    ours, theirs = option(reference, prompt), option(candidate, prompt)
    if ours is not None and theirs is None:
        offered = _offered(candidate, options(prompt))
        return False if offered and ours not in offered else None
    return None if ours is None else ours == theirs


def _offered(text: str, listed: Mapping[str, str]) -> set[str]:
    """The letters a final answer leaves a choice between, none where it has only one: "A, B, or E"."""
    letters = {match.group(0) for match in _LETTER.finditer(final_answer(text) or "")} & set(listed)
    return letters if len(letters) > 1 and not _DENIED.search(final_answer(text) or "") else set()


def _letter(text: str, listed: Mapping[str, str]) -> str | None:
    """The letter a text consists of or opens with, unless others are offered beside it."""
    alone = _ALONE.fullmatch(text)
    if alone:
        return alone["letter"].upper()
    leading = _LEADING.match(text)
    if leading is None or "\n" in text.strip():
        return _worded_letter(text, listed)
    rest = text[leading.end("letter") :]
    several = _SEVERAL.search(rest) and normalise(rest) != listed.get(leading["letter"])
    return None if several else leading["letter"]


def _first_line(text: str) -> str | None:
    first, line_break, _ = text.partition("\n")
    return first.strip() if line_break else None


def _last_line(text: str) -> str | None:
    lines = text.rsplit("\n", 1)
    return lines[1].strip() if len(lines) == 2 else None


def _worded_letter(text: str, listed: Mapping[str, str]) -> str | None:
    """The letter a text opens with and whose wording in the prompt follows: "D, countryside"."""
    match = _WORDED.fullmatch(text)
    wording = listed.get(match["letter"]) if match else None
    if not match or not wording or _LETTER.search(match["rest"]):
        return None
    said = normalise(match["rest"])
    return match["letter"] if said == wording or said.startswith(f"{wording} ") else None
