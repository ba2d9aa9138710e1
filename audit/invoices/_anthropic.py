"""What Anthropic's cost and usage reports share, whether they come as a table or from the API."""

from __future__ import annotations

from audit.invoices import Record
from audit.invoices._cells import text
from audit.invoices._meters import tier_of, write_meter

_TOKENS = {
    "inputnocache": "input",
    "uncachedinputtokens": "input",
    "input": "input",
    "inputcacheread": "cache_read",
    "cachereadinputtokens": "cache_read",
    "output": "output",
    "outputtokens": "output",
}


def meter(token_type: str, cost_type: str) -> str:
    """The meter of a cost row, "" for one that is not split by kind of token."""
    plain = token_type.strip().lower()
    found = _TOKENS.get(plain.replace("_", ""))
    if found:
        return found
    if "cache_w" in plain or "cache_creation" in plain or "cache write" in plain:
        return write_meter(plain)
    tool = cost_type.strip().lower().replace(" ", "_")
    return "web_search" if "web_search" in tool else ""


def tier(row: Record) -> str:
    """The tier, with the suffix of a surcharged place of inference (`standard+us`); "" where it is not told."""
    named = f"{text(row, 'servicetier')} {text(row, 'usagetype')} {text(row, 'speed')}".lower()
    served = "fast" if "fast" in named.split() else tier_of(named)
    if not served and any(word in named for word in ("standard", "message")):
        served = "standard"
    place = text(row, "inferencegeo").lower()
    if place not in ("", "global", "not_available", "none", "null"):
        return f"{served or 'standard'}+{place[:16]}"
    return served
