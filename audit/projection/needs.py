"""Whether a log holds what a lever measures on, and which setting would add it."""

from __future__ import annotations

from collections.abc import Collection

from audit import plugins
from audit.levers import Lever, Need
from audit.readers import Reader
from audit.store import Store

_PRESENT: dict[Need, str] = {
    "text": "SELECT COUNT(*) FROM request WHERE status = 'billable' AND prompt_key IS NOT NULL",
    "time": "SELECT COUNT(*) FROM request WHERE status = 'billable' AND started_at_us IS NOT NULL",
    "usage": "SELECT COUNT(*) FROM charge WHERE cost_pico IS NOT NULL",
}
_BILLABLE = "SELECT COUNT(*) FROM request WHERE status = 'billable'"
_ABSENT: dict[Need, str] = {
    "text": "the log holds no prompt text",
    "time": "the log holds no timestamps",
    "usage": "no request could be priced",
}


def missing_need(store: Store, lever: Lever) -> str | None:
    """Why the lever can't be measured on this log, with the setting that would unlock it; None when it can."""
    if lever.needs and not store.value(_BILLABLE):
        return "not measurable on this log: no request was billed"
    for need in lever.needs:
        if not store.value(_PRESENT[need]):
            unlock = unlocks(store, need)
            return f"not measurable on this log: {_ABSENT[need]}" + (f"; to log it: {unlock}" if unlock else "")
    return None


def unlocks(store: Store, need: str) -> str:
    """The settings of the gateways and tracers in use that would add what is missing, `; ` between them."""
    used = {row["reader"] for row in store.rows("SELECT DISTINCT reader FROM request")}
    return "; ".join(
        f"{reader.title}: {reader.unlock[need]}"
        for reader in readers_in_use(used)
        if reader.unlock and need in reader.unlock
    )


def readers_in_use(names: Collection[str | None]) -> list[Reader]:
    """The readers of these names, in the order they are listed."""
    return [reader for reader in plugins.find("readers", "READER") if reader.name in names]
