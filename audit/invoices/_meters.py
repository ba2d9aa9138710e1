"""Kinds of tokens and tiers of service in the words of invoices."""

from __future__ import annotations

import re

_STORAGE = re.compile(
    r"storage|\bhours?\b|/hr\b|provisioned|\bptu\b|commit(ment)?\b|custom.?model|training|tuning|hosting"
)
_WRITE = re.compile(r"cache[sd]?[ _.-]*(writ|creat)|cachewrite|caching[ _-]*write")
_READ = re.compile(r"cache[sd]?[ _.-]*(read|hit|in)|cacheread|\bcach|cchd|\bcd\b")
_HOUR = re.compile(r"(?<!\d)1[ _-]?h(?:our|r)?|one[ _-]hour|extended")
_MINUTES = re.compile(r"(?<!\d)5[ _-]?m|five[ _-]min")
_OUTPUT = re.compile(r"outp|output|\bout\b|\bopt\b|completion|response|thinking")
_INPUT = re.compile(r"inp|prompt|\bin\b|context")
_MODALITY = re.compile(
    r"\b(aud|audio|img|image|video)[ _-]+(?:cd[ _-]+|cached[ _-]+)?(?:inp|out|opt|token|input|output|response)"
)
_MODALITIES = {"aud": "audio", "audio": "audio", "img": "image", "image": "image", "video": "video"}
_TIERS = (
    (re.compile(r"\bbatch"), "batch"),
    (re.compile(r"\bflex"), "flex"),
    (re.compile(r"\bpriority|\bpp\b"), "priority"),
)
_WITH_MODALITY = {"input", "output", "cache_read"}
_SEARCH = re.compile(r"web.?search|grounding|search (query|tool)")


def meter_of(words: str) -> str:
    """The meter a description is about; `other` for storage, reserved capacity and training, "" when it says nothing.

    The order matters: what is cached also says input, and Google's `output … short input text` is output.
    """
    plain = words.lower().replace("_", " ")
    if _SEARCH.search(plain):
        return "web_search"
    if _STORAGE.search(plain) and not _HOUR.search(plain):
        return "other"
    if _WRITE.search(plain):
        return write_meter(plain)
    meter = "cache_read" if _READ.search(plain) else ""
    meter = meter or ("output" if _OUTPUT.search(plain) else "input" if _INPUT.search(plain) else "")
    found = _MODALITY.search(plain)
    if found and meter in _WITH_MODALITY:
        modality = _MODALITIES[found[1]]
        return "input_video" if modality == "video" else f"{meter}_{modality}"
    return meter


def write_meter(words: str) -> str:
    """The meter of a cache write by its life; `cache_write` where that is not told."""
    plain = words.lower()
    if _HOUR.search(plain):
        return "cache_write_1h"
    return "cache_write_5m" if _MINUTES.search(plain) else "cache_write"


def tier_of(words: str) -> str:
    """The tier a description names, "" when it names none."""
    plain = words.lower()
    return next((tier for pattern, tier in _TIERS if pattern.search(plain)), "")
