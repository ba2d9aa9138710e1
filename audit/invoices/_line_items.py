"""OpenAI's line items (`priority | gpt-5.6-sol, cached input, long context`) as model, meter and tier."""

from __future__ import annotations

from typing import NamedTuple

from audit.invoices._meters import meter_of, tier_of

_KINDS = {
    "input": "input",
    "input tokens": "input",
    "output": "output",
    "output tokens": "output",
    "cached input": "cache_read",
    "cached input tokens": "cache_read",
    "cache writes": "cache_write_5m",
    "cache write": "cache_write_5m",
}
_TOOLS = (("web search", "web_search"), ("file search", "file_search"), ("code interpreter", "code_execution"))
_MODALITIES = ("text", "audio", "image")


class Item(NamedTuple):
    """What a line item bills; no model and no meter = something no request log holds."""

    model: str
    sku_meter: str
    service_tier: str


def parse(line_item: str) -> Item:
    """Read a line item; unknown words never change the model."""
    *prefixes, last = [piece.strip() for piece in line_item.split("|")]
    tier = tier_of(" ".join(prefixes))
    head, *words = [piece.strip() for piece in last.split(",")]
    if not words or (prefixes and not tier):
        tool = next((meter for name, meter in _TOOLS if name in line_item.lower()), "")
        return Item("", tool, "")
    names = head.split()
    modality = ""
    while len(names) > 1 and (names[-1].lower() in _MODALITIES or tier_of(names[-1])):
        word = names.pop().lower()
        modality = word if word in ("audio", "image") else modality
        tier = tier or tier_of(word)
    tier = tier or tier_of(" ".join(words))
    kind = words[0].lower().replace("_", " ")
    meter = _KINDS.get(kind) or meter_of(kind)
    if modality and meter in ("input", "output", "cache_read"):
        meter = f"{meter}_{modality}"
    return Item(" ".join(names), "" if meter == "other" else meter, tier)
