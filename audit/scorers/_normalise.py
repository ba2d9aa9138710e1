"""Forms in which two answers that mean the same read the same: text, numbers, dates, JSON."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from audit.wire.text import read_json

# NFKC would turn 10² into 102 and 1½ into 11⁄2
_KEEP_APART = str.maketrans(
    {
        **{digit: f"^{value}" for value, digit in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
        **{part: f" {part}" for part in "½⅓⅔¼¾⅛⅜⅝⅞"},
        "−": "-",
        "–": "-",
        "—": "-",
    }
)
_FENCE_HEAD = re.compile(r"[\w+#.-]*")
_INNER_FENCE = re.compile(r"```[\w+#.-]*[ \t]*\n(.*?)```", re.DOTALL)
_ARTICLES = re.compile(r"\b(?:an?|the)\s+(?=\w)")
_MARKS = re.compile(r"(?<!\d)[.,:]|[.,:](?!\d)|[;!?\"'`´‘’“”„«»()\[\]{}*…¿¡。、「」]|(?<!\w)_+|_+(?!\w)|\\(?=\W)")


def word_set(text: str) -> frozenset[str]:
    """The words of a list written as one line."""
    return frozenset(text.split())


def normalise(text: str) -> str:
    """Text with Unicode form, case, white space, articles, code fence and decorative punctuation taken away.

    Signs that carry meaning stay: those between digits, and + - # % / @ & < = > and currency signs.
    """
    folded = unicodedata.normalize("NFKC", text.translate(_KEEP_APART)).casefold().strip()
    inner = unfenced(folded)
    folded = folded if inner is None else inner
    plain = " ".join(_MARKS.sub(" ", folded).split())
    return _ARTICLES.sub("", plain)


def unfenced(text: str) -> str | None:
    """What a text that is one fenced block holds, None when it is not fenced. No pattern: those backtrack on blanks."""
    plain = text.strip()
    if len(plain) < 6 or not (plain.startswith("```") and plain.endswith("```")):
        return None
    inner = plain[3:-3]
    head, line_break, rest = inner.partition("\n")
    return rest if line_break and _FENCE_HEAD.fullmatch(head.strip()) else inner


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON value found in an answer, and what stood around it: nothing, a code fence, or other text."""

    value: Any
    wrapped: str


def find_json(text: str) -> Json | None:
    """The JSON document an answer is, or carries in its only code fence; None when there is none."""
    found, value = _load(text)
    if found:
        return Json(value, "bare")
    inner = unfenced(text)
    if inner is not None:
        found, value = _load(inner)
        if found:
            return Json(value, "fence")
    blocks = _INNER_FENCE.findall(text)
    if len(blocks) == 1:
        found, value = _load(blocks[0])
        if found:
            return Json(value, "text")
    return None


def given_json(text: str) -> Json | None:
    """As `find_json`, but also the one object or list inside a sentence: for answers that had to be JSON."""
    found = find_json(text)
    start = next((place for place, sign in enumerate(text) if sign in "{["), None)
    if found is not None or start is None:
        return found
    try:
        value, end = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return None if any(sign in text[end:] for sign in "{}[]") else Json(value, "text")


def is_document(value: Any) -> bool:
    """Whether a JSON value is an object or a list, not a bare word or number that also reads as JSON."""
    return isinstance(value, dict | list)


def _load(text: str) -> tuple[bool, Any]:
    try:
        return True, read_json(text)
    except ValueError:
        return False, None


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit: %, a currency sign, or nothing."""

    value: Decimal
    unit: str = ""


CURRENCIES = {
    "usd": "$", "us$": "$", "$": "$", "dollar": "$", "dollars": "$", "eur": "€", "€": "€", "euro": "€", "euros": "€",
    "gbp": "£", "£": "£", "jpy": "¥", "¥": "¥", "inr": "₹", "₹": "₹", "chf": "chf",
}  # fmt: skip
_UNIT = "|".join(sorted((re.escape(name) for name in CURRENCIES), key=len, reverse=True))
_DIGITS = r"(?:\d{1,3}(?:['’ \u00a0\u202f]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)*)"
AMOUNT = re.compile(
    rf"(?<![\w.,])(?:(?P<before>{_UNIT})\s?)?(?P<sign>-)?(?:(?P<between>{_UNIT})\s?)?(?P<digits>{_DIGITS})"
    rf"(?:\s?(?P<after>%|percent\b|(?:{_UNIT})(?!\w)))?(?![\w])",
    re.IGNORECASE,
)


def decimal(digits: str) -> Decimal | None:
    """Value of digits with thousands and decimal marks of any locale; None for codes such as 007 or 1.2.3."""
    text = re.sub(r"['’ \u00a0\u202f]", "", digits)
    dots, commas = text.count("."), text.count(",")
    if dots and commas:
        point = "." if text.rfind(".") > text.rfind(",") else ","
        text = text.replace("," if point == "." else ".", "").replace(",", ".")
    elif commas:
        grouped = re.fullmatch(r"[1-9]\d{0,2}(?:,\d{3})+", text)
        text = text.replace(",", "") if grouped else text.replace(",", ".")
    elif dots > 1 and re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+", text):
        text = text.replace(".", "")
    if re.match(r"0\d", text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def quantity(match: re.Match[str]) -> Quantity | None:
    """The quantity an `AMOUNT` match stands for."""
    value = decimal(match["digits"])
    if value is None:
        return None
    unit = (match["before"] or match["between"] or match["after"] or "").casefold()
    unit = "%" if unit == "percent" else CURRENCIES.get(unit, unit)
    return Quantity(-value if match["sign"] else value, unit)


def whole_quantity(text: str) -> Quantity | None:
    """The quantity a text consists of, None when there is anything else in it."""
    plain = text.strip().strip("*_`\"'").rstrip(".!").strip().replace("−", "-")
    match = AMOUNT.fullmatch(plain)
    return quantity(match) if match else None


def same_number(left: Decimal | float, right: Decimal | float) -> bool:
    """Equality of numbers: exact for whole ones, else within a millionth and half a cent."""
    if left == right:
        return True
    a, b = float(left), float(right)
    if a.is_integer() and b.is_integer():
        return False
    return abs(a - b) < min(1e-6 * max(abs(a), abs(b)), 0.005)


_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier enero janeiro gennaio", "february feb februar février febrero fevereiro",
            "march mar märz mars marzo março", "april apr avril abril aprile", "may mai mayo maio maggio",
            "june jun juni juin junio junho giugno", "july jul juli juillet julio julho luglio",
            "august aug août agosto", "september sep sept septembre septiembre setembro settembre",
            "october oct oktober okt octobre octubre outubro ottobre", "november nov novembre noviembre novembro",
            "december dec dezember dez décembre diciembre dezembro dicembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
DATE = re.compile(
    r"(?<![\w-])(?:"
    r"(?P<y1>\d{4})[-/.](?P<m1>\d{1,2})[-/.](?P<d1>\d{1,2})(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?"
    rf"|(?P<n2>{_MONTH})\.?\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y2>\d{{4}})"
    rf"|(?P<d3>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+|de\s+)?(?P<n3>{_MONTH})\.?,?\s+(?:de\s+)?(?P<y3>\d{{4}})"
    r"|(?P<p4>\d{1,2})(?P<s4>[/.-])(?P<q4>\d{1,2})(?P=s4)(?P<y4>\d{4})"
    r")(?![\w-])",
    re.IGNORECASE,
)

MONTH_AND_YEAR = re.compile(rf"\b(?:{_MONTH})\.?,?\s+(?:of\s+|de\s+)?\d{{4}}\b", re.IGNORECASE)


def iso_date(match: re.Match[str]) -> str:
    """The day a `DATE` match names as YYYY-MM-DD; its own text where day and month can't be told apart."""
    parts = match.groupdict()
    if parts["y1"]:
        found = (parts["y1"], parts["m1"], parts["d1"])
    elif parts["y2"]:
        found = (parts["y2"], str(_MONTHS[parts["n2"].casefold()]), parts["d2"])
    elif parts["y3"]:
        found = (parts["y3"], str(_MONTHS[parts["n3"].casefold()]), parts["d3"])
    else:
        first, second = int(parts["p4"]), int(parts["q4"])
        if first <= 12 and second <= 12 and first != second and parts["s4"] != ".":
            return match.group(0)
        day, month = (second, first) if second > 12 else (first, second)
        found = (parts["y4"], str(month), str(day))
    try:
        return date(int(found[0]), int(found[1]), int(found[2])).isoformat()
    except ValueError:
        return match.group(0)


def whole_date(text: str) -> str | None:
    """The day a text consists of (ISO), None when it is ambiguous, carries a time, or says anything else."""
    plain = text.strip().strip("*_`\"'").rstrip(".!").strip()
    match = DATE.fullmatch(plain)
    if match is None or "T" in plain[8:12]:
        return None
    day = iso_date(match)
    return day if re.fullmatch(r"\d{4}-\d\d-\d\d", day) else None


@lru_cache(maxsize=512)
def words(text: str) -> tuple[str, ...]:
    """Normalised words of a text, cached because one reference or prompt meets many candidates."""
    return tuple(normalise(text).split())


def overlap(reference: str, candidate: str) -> float:
    """F1 of shared words: a diagnostic for people, which never decides."""
    left, right = words(reference), words(candidate)
    if not left or not right:
        return float(left == right)
    shared = (Counter(left) & Counter(right)).total()
    return 2 * shared / (len(left) + len(right))
