"""What the prompt-cache lever found, as sentences a developer can act on."""

from __future__ import annotations

from typing import Any

import numpy as np

from audit.figures import count, money, things
from audit.levers._places import instance
from audit.promptcache import Calibration, Traffic
from audit.promptcache.bill import Bill
from audit.store import Store
from audit.store.naming import REQUEST_NAME

_MISSED = 0.85
_REQUEST = f"""
SELECT COALESCE(w.name, '(none)') AS workflow,
       {REQUEST_NAME} AS example
FROM request AS r LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id WHERE r.request_id = $request_id
"""
_OPENAI = ("openai", "azure")
_ADVICE = {
    "retain": "keep entries for 24 hours (prompt_cache_retention='24h')",
    "head": "mark the end of tools and system prompt",
    "first": "mark the end of the first message, too",
    "turns": "mark the end of the system prompt and of every turn",
    "marks_short": "let the marks live 5 minutes instead of an hour, whose writes cost more",
    "marks_long": "let the marks live an hour (ttl '1h') instead of 5 minutes",
}


_HELPS = {
    True: "send the same prompt_cache_key with requests that share a prefix",
    False: "send requests that share a prefix close together, and nothing before it that the log does not show",
}


def sentence(row: dict[str, Any]) -> str:
    """One group's finding: workflow, model, what to do, what it moves and saves."""
    saved = money(row["saving_pico"])
    where = f"{row['workflow']} on {row['model']} ({row['requests']:,} requests)"
    written, read = f"{row['written_before']:,}", f"{row['read_before']:,}"
    if row["policy"] == "none":
        how = "prompt_cache_options.mode 'explicit'" if row["provider_name"] in _OPENAI else "leave out cache_control"
        return (
            f"{where}: {written} tokens were written to the cache at a premium and {read} read; without marks it costs "
            f"{saved} less ({how}), unless the prefix is made stable"
        )
    advice = _ADVICE.get(row["policy"]) or f"{_ADVICE[row['policy'].removesuffix('_long')]} with the one-hour life"
    marked = f", about {row['marked_tokens']:,} tokens" if row["policy"] != "retain" else ""
    moved = f"{row['read_after']:,} instead of {read} tokens read{_overcharge(row)}"
    return f"{where}: {advice}{marked}; {moved}: {saved}"


def _overcharge(row: dict[str, Any]) -> str:
    """The write premium that was paid for next to no reads, when that is part of the finding."""
    if row["written_before"] <= 0 or row["read_before"] > 0.1 * row["written_before"]:
        return ""
    return f", {row['written_after']:,} instead of {row['written_before']:,} written"


def missed_hits(store: Store, found: Traffic, calibration: Calibration, bill: Bill) -> list[str]:
    """Models that hit less often than their rules allow: a routing key may help where there is one, not in the sum."""
    lines = []
    names = sorted({(rule.provider_name, rule.model) for rule in found.rules})
    short = np.where(found.read >= 0, np.maximum(0, calibration.today.read.astype(np.int64) - found.read), 0)
    dearer = np.nan_to_num(bill.price["input"] - bill.price["cache_read"])
    for each in calibration.models:
        if not each.measured or each.reliability >= _MISSED or each.billed is None:
            continue
        lost = np.where(calibration.model == names.index((each.provider_name, each.model)), short * dearer, 0.0)
        worst = int(found.request_id[int(np.argmax(lost))])
        (row,) = store.rows(_REQUEST, request_id=worst)
        lines.append(
            f"{each.model}: {count(each.billed)} of {things(each.predicted, 'token')} that the rules promise were "
            f"billed as cached ({100 * each.reliability:.0f} %), in {count(int((lost > 0).sum()))} requests too few, "
            f"most of all in {row['workflow']}; {_HELPS[each.provider_name in _OPENAI]}: up to "
            f"{money(int(lost.sum()))}, not counted here because why they missed is not in the log"
            f"{instance(row['example'])}"
        )
    return lines
