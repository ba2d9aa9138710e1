"""Answers that are an amount: a number with its unit, alone or in a sentence."""

from __future__ import annotations

import re
from decimal import Decimal

from audit.scorers._facts import spelled_out
from audit.scorers._normalise import (
    AMOUNT,
    CURRENCIES,
    MONTH_AND_YEAR,
    Quantity,
    normalise,
    quantity,
    same_number,
    whole_quantity,
    words,
)

_ALIASES = {
    alias: names.split()[0]
    for names in (
        "km kilometer kilometers kilometre kilometres", "m meter meters metre metres", "cm centimeter centimeters",
        "mm millimeter millimeters", "mi mile miles", "ft foot feet", "in inch inches", "kg kilogram kilograms kilos",
        "g gram grams gramm", "mg milligram milligrams", "lb lbs pound pounds", "oz ounce ounces",
        "l liter liters litre litres", "ml milliliter milliliters", "h hr hrs hour hours stunde stunden",
        "min mins minute minutes minuten", "s sec secs second seconds sekunde sekunden", "d day days tag tage",
        "week weeks woche wochen", "month months monat monate", "year years yr yrs jahr jahre",
        "°c celsius", "°f fahrenheit", "mb megabyte megabytes", "gb gigabyte gigabytes", "kwh", "w watt watts",
    )
    for alias in names.split()
}  # fmt: skip
_MEASURE = re.compile(r"(?P<number>.*?\d)[\s\u00a0-]?(?P<unit>°?[^\W\d_]{1,24}(?:\s[^\W\d_]{1,24})?)")
_GLUED = re.compile(
    rf"(?<=\d)(?=(?:{'|'.join(sorted(map(re.escape, _ALIASES), key=len, reverse=True))})(?!\w))", re.IGNORECASE
)
_NEARLY = re.compile(
    r"\b(?:about|around|approximately|roughly|nearly|almost|or|ungefähr|etwa|environ|unos|circa)\s+\W?\d", re.IGNORECASE
)
_NONE = re.compile(
    r"\b(?:no|none|nobody|nothing|not|never|kein\w*|niemand|nichts|aucune?|ningun\w*|nessun\w*)\b", re.IGNORECASE
)
_MOST = 200
_ERAS = {"ad", "ce"}  # of a year


def amount(text: str) -> Quantity | None:
    """The quantity a text consists of, with its currency, % or unit of measure; None when it says anything else."""
    found = whole_quantity(text)
    if found is not None:
        return found
    plain = text.strip().strip("*_`\"'").rstrip(".!")
    match = _MEASURE.fullmatch(plain[:_MOST])
    inner = whole_quantity(match["number"]) if match else None
    if match is None or inner is None or inner.unit:
        return None
    unit = match["unit"].casefold()
    if unit in _ERAS:
        return inner
    return Quantity(inner.value, _ALIASES.get(unit, unit))


def compare_amounts(left: Quantity, right: Quantity, prompt: str) -> bool | None:
    """Equality of two quantities; None where units may or may not mean the same.

    A unit one side leaves out is understood where the prompt names it. Two currencies, or two units of measure with one
    number, are two values.
    """
    equal = same_number(left.value, right.value)
    if left.unit == right.unit:
        return equal
    if left.unit and right.unit:
        known = {*_ALIASES.values(), *CURRENCIES.values(), "%"}
        return False if equal and {left.unit, right.unit} <= known else None
    unit = left.unit or right.unit
    if equal:
        return True if _named(unit, prompt) else None
    return None if unit == "%" and _ratio(left.value, right.value) in (100, Decimal("0.01")) else False


def _ratio(left: Decimal, right: Decimal) -> Decimal | None:
    return left / right if right else None


def _named(unit: str, prompt: str) -> bool:
    spoken = {
        name for name, sign in {**CURRENCIES, **_ALIASES, "percent": "%", "percentage": "%"}.items() if sign == unit
    }
    asked = prompt.casefold()
    return (
        unit in asked
        if not unit.isalpha() and unit in asked
        else not spoken.isdisjoint(words(prompt)) or all(word in words(prompt) for word in normalise(unit).split())
    )


def amounts_in(text: str) -> list[Quantity]:
    """Every quantity of a text in order, numbers written as words included, and those a unit is glued to (250g)."""
    found = (quantity(match) for match in AMOUNT.finditer(_GLUED.sub(" ", spelled_out(text))))
    return [each for each in found if each is not None]


def says_amount(reference: str, candidate: str, prompt: str) -> bool | None:
    """Whether a sentence says the quantity the logged answer consists of.

    True where the last number of the sentence is that quantity and every other one comes from the prompt; False where
    no number of it is; None where it can't be told, or where the candidate is nothing but a quantity.
    """
    wanted, given = amount(spelled_out(reference)), amounts_in(candidate)
    if (
        wanted is None
        or (not wanted.value and says_none(candidate))
        or not given
        or _NEARLY.search(candidate)
        or MONTH_AND_YEAR.search(candidate)
        or amount(candidate) is not None
    ):
        return None
    equal = [same_number(wanted.value, each.value) for each in given]
    if not any(equal):
        return None if wanted.unit == "%" or any(each.unit == "%" for each in given) else False
    asked = amounts_in(prompt)
    strange = [each for each, same in zip(given, equal, strict=True) if not same and not _among(each, asked)]
    if strange or not equal[-1]:
        return None
    return compare_amounts(wanted, given[-1], f"{prompt} {candidate}")


def says_none(text: str) -> bool:
    """Whether a text may mean nought by a word: none, nobody, no apples."""
    return _NONE.search(text) is not None


def _among(each: Quantity, known: list[Quantity]) -> bool:
    return any(same_number(each.value, other.value) for other in known)
