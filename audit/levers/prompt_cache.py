"""Use the provider's prompt cache where it pays, beyond what already hits, and stop paying for writes nobody reads.

Every way to mark the prompts is played over the log in time order: the end of tools and system prompt (`head`), of
the first message too (`first`), of every prompt (`turns`, for growing conversations), the marks of today with the
other life, no marks at all; for models that cache by themselves, keeping entries for a day. Per workflow and model
the cheapest is taken, today's way included. Every miss pays its write.
"""

from __future__ import annotations

from typing import Any

from audit.figures import money
from audit.levers import Lever, Settings
from audit.levers._prompt_cache_choice import choose, explained, keep, options
from audit.levers._prompt_cache_plan import gains, plan_table, reliability_draws, rewrite
from audit.levers._prompt_cache_words import missed_hits, sentence
from audit.promptcache import OTHERS, calibrate, traffic
from audit.promptcache.bill import bill_of
from audit.store import Store

_GAINS = """
SELECT g.*, COALESCE(w.name, 'unnamed workflow') AS workflow
FROM prompt_cache_gain AS g LEFT JOIN workflow AS w ON w.workflow_id = g.workflow_id
ORDER BY g.saving_pico DESC, g.workflow_id, g.model
"""
_SHOWN = 6


def _prepare(store: Store, settings: Settings) -> None:
    found = traffic(store)
    calibration = calibrate(found)
    bill = bill_of(store, found, "prompt_cache_kind")
    known = explained(found, calibration, bill)
    only = {policy.name: known for policy in OTHERS if policy.covers != "nothing"}
    choice = choose(found, bill, options(found, calibration, bill), float(settings["min_share"]), only)
    keep(found, bill, choice)
    store.replace("prompt_cache_plan", plan_table(found, bill, choice))
    store.replace("prompt_cache_gain", gains(found, bill, choice))


def _blocked(store: Store, settings: Settings) -> str | None:
    del settings
    if not store.value("SELECT COUNT(*) FROM cache_rule"):
        return "no model in this log has a prompt cache whose rules are known"
    return None


def _shares(store: Store, settings: Settings, draws: int, seed: int) -> Any:
    del settings
    rows = store.rows("SELECT * FROM prompt_cache_gain ORDER BY workflow_id, provider_name, model")
    return reliability_draws(rows, calibrate(traffic(store)), draws, seed)


def _findings(store: Store, settings: Settings) -> list[str]:
    del settings
    rows = store.rows(_GAINS)
    lines = [sentence(row) for row in rows[:_SHOWN]]
    if len(rows) > _SHOWN:
        rest = sum(row["saving_pico"] for row in rows[_SHOWN:])
        lines.append(f"{len(rows) - _SHOWN} more workflows together {money(rest)}")
    found = traffic(store)
    return lines + missed_hits(store, found, calibrate(found), bill_of(store, found, "prompt_cache_kind"))


LEVER = Lever(
    name="prompt_cache",
    title="Provider prompt cache",
    stage="REPRICE",
    order=10,
    evidence="B",
    rewrite=rewrite("prompt_cache_plan"),
    effort_days=1,
    risk="low",
    needs=("text", "time", "usage"),
    settings={"min_share": 0.01},
    prepare=_prepare,
    blocked=_blocked,
    shares=_shares,
    findings=_findings,
    conditions=(
        "beyond what already hits; hits are counted at the rate the log itself shows for the model, else at the "
        "documented one, and every miss pays its write",
        "prefixes are compared inside one organization and API key; an entry can be read once its writer has answered",
    ),
    fix="Set the provider's cache marks (cache_control, prompt_cache_breakpoint) or retention as each finding says.",
)
