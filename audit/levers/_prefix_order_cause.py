"""Name what breaks a prompt's prefix, with a short excerpt in which the changing part is masked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from audit.levers._prefix_order_text import Break, Static

_EXCERPT = 90
_CONTEXT = 300
_SHORT = 60
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_FOREIGN_MONTH = (
    r"(?:januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember|enero|febrero|marzo|abril|mayo"
    r"|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|janvier|février|mars|avril|juin|juillet|août|septembre"
    r"|octobre|novembre|décembre)"
)
_DAY = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|lunes"
    r"|martes|miércoles|jueves|viernes|sábado|domingo|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)"
)
_VALUES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("a UUID", r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"),
        ("an e-mail address", r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{2,63}"),
        ("a time", r"\d{4}-\d{2}-\d{2}[t ]\d{2}:\d{2}|\b\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?\s?(?:am|pm|z|utc)?\b"
                   r"|\d{1,2}[時时点點]\d{1,2}分"),
        ("a date", rf"\d{{4}}-\d{{2}}-\d{{2}}|\b\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}\b|\b{_MONTH}\.? \d{{1,2}}\b"
                   rf"|\b\d{{1,2}}\.? {_MONTH}\b|\b\d{{1,2}}\.? (?:de )?{_FOREIGN_MONTH}\b|\b{_DAY}\b"
                   r"|\d{1,2}月\d{1,2}[日号]|[月火水木金土日]曜日|星期[一二三四五六日天]"),
        ("an id", r"\b(?=[a-z_-]*\d)[a-z]{1,12}[-_]\w*\d[\w-]*|\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b|\b\d{5,}\b"),
        ("a number", r"\b\d[\d.,]*\b"),
    )
)  # fmt: skip
_NAME_BEFORE = re.compile(
    r"\b(?:user|name|customer|client|hello|hi|hey|dear|called|assisting|helping|agent|author|employee|member)\b\W*$",
    re.IGNORECASE,
)
_NAMES = re.compile(r"(?:[A-ZÀ-Þ][\w'’-]+)(?:\s+[A-ZÀ-Þ][\w'’-]+){0,3}[.,!?;:]*$")
_EXAMPLE = re.compile(r"^\W*(?:example|beispiel|exemple|ejemplo|q|question)\b.{0,12}:", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True)
class Cause:
    """What breaks the prefix, in words, in how many of the prompts, and where it stands (masked).

    `before` and `behind` are the static tokens on either side of it, at the median of those prompts.
    """

    name: str
    prompts: int
    excerpt: str
    before: int
    behind: int


def cause(static: Static) -> Cause:
    """The cause that keeps most static tokens from being cached, among the first breaks of the prompts."""
    breaks = static.breaks
    named: dict[tuple[str, str], list[tuple[Break, tuple[int, int]]]] = defaultdict(list)
    for each, span in zip(breaks, _spans(breaks), strict=True):
        opening = each.piece.text.split()[0] if span[0] > 0 and not each.moved else ""
        named[_name(each, span), opening].append((each, span))
    chosen = max(named, key=lambda each: (sum(static.tokens - found.before for found, _ in named[each]), each))
    found, name = named[chosen], chosen[0]
    shown = min(found, key=lambda each: (len(each[0].piece.text), each[0].piece.text))
    before = round(median(each.before for each, _ in found))
    return Cause(name, len(found), _excerpt(*shown), before, static.tokens - before)


def _spans(breaks: Sequence[Break]) -> list[tuple[int, int]]:
    """The words of each piece that differ from a like piece of another prompt: first and one past the last."""
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    words = [each.piece.text.split() for each in breaks]
    for place, text in enumerate(words):
        alike[(breaks[place].piece.kind, *text[:1])].append(place)
    everyone = list(range(len(breaks)))
    found = []
    for place, text in enumerate(words):
        family = alike[(breaks[place].piece.kind, *text[:1])]
        others = [other for other in (family if len(family) > 1 else everyone) if words[other] != text]
        found.append(_difference(text, words[others[0]]) if others else (0, len(text)))
    return found


def _difference(text: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    """The range of words left when the words both begin and end with are taken off."""
    most = min(len(text), len(other))
    start = next((place for place in range(most) if text[place] != other[place]), most)
    end = next((back for back in range(most - start) if text[-1 - back] != other[-1 - back]), most - start)
    return start, max(start + 1, len(text) - end)


def _name(each: Break, span: tuple[int, int]) -> str:
    piece = each.piece
    if each.moved:
        return _order(piece.kind, piece.text)
    if piece.kind == "tools":
        return "a tool definition that changes"
    if piece.kind == "history" or (len(piece.text) > _SHORT and _EXAMPLE.search(piece.text[:_CONTEXT])):
        return "examples that change"
    words = piece.text.split()
    changing, before = " ".join(words[slice(*span)]), " ".join(words[max(0, span[0] - 5) : span[0]])[-_CONTEXT:]
    if _NAMES.fullmatch(changing) and _NAME_BEFORE.search(before):
        return "a name"
    if len(changing) > _CONTEXT:
        return "text that changes"
    start = len(before) + 1 if before else 0
    around = " ".join(filter(None, (before, changing, " ".join(words[span[1] : span[1] + 4])[:_CONTEXT])))
    for name, pattern in _VALUES:
        if any(found.start() < start + len(changing) and found.end() > start for found in pattern.finditer(around)):
            return name
    return "text that changes"


def _order(kind: str, text: str) -> str:
    if kind == "tools":
        return "tool definitions in changing order"
    if text.startswith(("{", "[", '"')):
        return "JSON in changing order"
    if kind == "history" or _EXAMPLE.search(text[:_CONTEXT]):
        return "examples in changing order"
    return "lines in changing order"


def _excerpt(each: Break, span: tuple[int, int]) -> str:
    """The piece with its changing words, and every value that could be someone's, masked."""
    words = each.piece.text.split()
    if each.moved:
        shown = " ".join(words)
    else:
        shown = " ".join([*words[max(0, span[0] - 8) : span[0]], "⟨…⟩", *words[span[1] : span[1] + 4]])
    shown = shown[:_CONTEXT]
    for _, pattern in _VALUES:
        shown = pattern.sub("⟨…⟩", shown)
    shown = re.sub(r"⟨…⟩(?:\W*⟨…⟩)+", "⟨…⟩", _UNSAFE.sub(" ", shown))
    return shown if len(shown) <= _EXCERPT else shown[: _EXCERPT - 1] + "…"
