"""A cost as logs write it, in dollars; what can't be told apart is flagged rather than guessed."""

from __future__ import annotations

import re
from typing import Any

from audit.wire.times import number

_NOTHING = frozenset({"", "-", "–", "n/a", "na", "none", "null", "nan", "unknown", "undefined", "\\n"})
_DOLLARS = re.compile(r"^(?:us\s?\$|\$|usd)\s*|\s*(?:us\s?\$|\$|usd)$", re.IGNORECASE)
_CURRENCY = re.compile(r"[€£¥₹₽₩]|\b(?:eur|gbp|jpy|cny|rmb|inr|chf|cad|aud|brl|krw|sek|nok|dkk|pln)\b", re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:[,.' \u00a0\u202f]\d{3})+")


def dollars(value: Any, flags: list[str], currency: Any = None) -> float | None:
    """US dollars of a cost cell, `0.0123`, `$0.0123` or `0,0123`; None where it holds none.

    A cell in another currency leaves `cost_not_in_dollars` in `flags`; one that can be read in two ways (`1,234`) or in
    none leaves `cost_unreadable`.
    """
    found = number(value)
    if found is None:
        if type(value) is not str or value.strip().lower() in _NOTHING:
            return None
        found = _written(value.strip(), flags)
    if found is not None and isinstance(currency, str) and currency.strip().upper() not in ("", "USD", "US$", "$"):
        flags.append("cost_not_in_dollars")
        return None
    return found


def _written(text: str, flags: list[str]) -> float | None:
    if _CURRENCY.search(text):
        flags.append("cost_not_in_dollars")
        return None
    plain = _DOLLARS.sub("", text).strip()
    if "," in plain and "." in plain:
        # the later of the two is the decimal sign
        decimal, group = (",", ".") if plain.rfind(",") > plain.rfind(".") else (".", ",")
        whole = plain.rpartition(decimal)[0]
        plain = plain.replace(group, "").replace(decimal, ".") if _GROUPED.fullmatch(whole) else ""
    elif "," in plain:
        ambiguous = _GROUPED.fullmatch(plain) and not plain.lstrip("+-").startswith("0")
        plain = "" if ambiguous or plain.count(",") > 1 else plain.replace(",", ".")
    found = number(plain)
    if found is None:
        flags.append("cost_unreadable")
    return found
