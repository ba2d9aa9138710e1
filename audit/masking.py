"""Instructions with what changes from request to request taken out: ids, dates, numbers, quotations."""

from __future__ import annotations

import re

MASKED_CHARACTERS = 2_000
"""Characters of a text that are looked at."""

_UUID = re.compile(r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b", re.IGNORECASE)
_HEX = re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,}\b", re.IGNORECASE)
_QUOTED = re.compile(
    r'"[^"\n]{0,400}"|“[^”\n]{0,400}”|‘[^’\n]{0,400}’|«[^»\n]{0,400}»|`[^`\n]{1,400}`'
    r"|(?<!\w)'[^'\n]{1,400}'(?!\w)"
)
_MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAYS = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?"
_DATE = re.compile(
    rf"\b(?:{_DAYS}\s+)?(?:\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTHS}(?:,?\s+\d{{2,4}})?"
    rf"|{_MONTHS}\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{2,4}})?|{_MONTHS}\s+\d{{4}})",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,:/\-T]\d+)*(?:Z|(?:\.\d+)?[ap]\.?m\.?\b)?", re.IGNORECASE)
_WEEKDAY = re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b", re.IGNORECASE)


def masked(text: str) -> str:
    """A prompt's first 2,000 characters with quoted strings, ids, dates and numbers replaced by marks."""
    text = text[:MASKED_CHARACTERS]
    text = _UUID.sub("‹id›", text)
    text = _QUOTED.sub("‹quoted›", text)
    text = _HEX.sub("‹id›", text)
    text = _DATE.sub("‹date›", text)
    text = _WEEKDAY.sub("‹date›", text)
    text = _NUMBER.sub("‹n›", text)
    return " ".join(text.split())
