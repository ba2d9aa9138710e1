"""Put the text that never changes first: find what breaks the prefix a provider could cache, and price moving it.

It stands after `prompt_cache` because marking a prompt changes no answer and moving its text may: this lever is
credited only with what marks alone cannot reach, and its own marks are set behind the static part.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from audit.levers import Lever, Settings
from audit.levers._prefix_order_play import reordered
from audit.levers._prefix_order_read import Broken, broken_prefixes
from audit.levers._prompt_cache_choice import before_choice, choose
from audit.levers._prompt_cache_plan import gains, plan_table, reliability_draws, rewrite
from audit.promptcache import Traffic, calibrate, traffic
from audit.promptcache.bill import bill_of
from audit.store import Store

_GAINS = """
SELECT g.*, COALESCE(w.name, 'unnamed workflow') AS workflow
FROM prefix_order_gain AS g LEFT JOIN workflow AS w ON w.workflow_id = g.workflow_id
ORDER BY g.saving_pico DESC, g.workflow_id, g.model
"""
_SHOWN = 6
_WAYS = {
    "static": "", "static_retain": " and kept for 24 hours", "static_mark": " and marked",
    "static_mark_long": " and marked for an hour", "static_turns": " and marked, every turn too",
    "static_turns_long": " and marked for an hour, every turn too",
}  # fmt: skip


def _broken(store: Store, found: Traffic) -> list[Broken]:
    broken: list[Broken] = found.once("prefix_order", make=lambda: broken_prefixes(store, found))
    return broken


def _prepare(store: Store, settings: Settings) -> None:
    found = traffic(store)
    calibration = calibrate(found)
    bill = bill_of(store, found, "prefix_order_kind")
    broken = [each for each in _broken(store, found) if len(each.ranks)]
    base = replace(bill, quantity=before_choice(found, bill))
    choice = choose(found, bill, reordered(found, calibration, bill, base, broken), float(settings["min_share"]))
    store.replace("prefix_order_plan", plan_table(found, bill, choice))
    store.replace("prefix_order_gain", gains(found, bill, choice))


def _shares(store: Store, settings: Settings, draws: int, seed: int) -> Any:
    del settings
    rows = store.rows("SELECT * FROM prefix_order_gain ORDER BY workflow_id, provider_name, model")
    return reliability_draws(rows, calibrate(traffic(store)), draws, seed)


def _findings(store: Store, settings: Settings) -> list[str]:
    del settings
    found = traffic(store)
    causes: dict[tuple[int, str, str], Broken] = {}
    for each in _broken(store, found):
        known = causes.get(found.groups[each.group])
        if known is None or len(each.ranks) > len(known.ranks):
            causes[found.groups[each.group]] = each
    lines = []
    for row in store.rows(_GAINS)[:_SHOWN]:
        each = causes[(row["workflow_id"], row["provider_name"], row["model"])]
        lines.append(_sentence(row, each))
    return lines


def _sentence(row: dict[str, Any], each: Broken) -> str:
    named = each.cause
    where = f"{row['workflow']} on {row['model']} ({row['requests']:,} requests)"
    return (
        f"{where}: {named.name} breaks the prefix after about {named.before:,} tokens, "
        f"in {named.prompts} of {each.static.prompts} distinct prompts compared "
        f"(“{named.excerpt}”); {named.behind:,} tokens of unchanging text stand behind it. "
        f"With it first{_WAYS[row['policy']]}: "
        f"{row['read_after']:,} instead of {row['read_before']:,} tokens read, ${row['saving_pico'] / 1e12:,.2f}"
    )


def _blocked(store: Store, settings: Settings) -> str | None:
    del settings
    if not store.value("SELECT COUNT(*) FROM cache_rule"):
        return "no model in this log has a prompt cache whose rules are known"
    if not store.value("SELECT COUNT(*) FROM content WHERE text IS NOT NULL"):
        return "the audit file keeps no text: ingest without --no-content"
    return None


LEVER = Lever(
    name="prefix_order",
    title="Unchanging text first",
    stage="REPRICE",
    order=15,
    evidence="B",
    rewrite=rewrite("prefix_order_plan"),
    effort_days=1,
    risk="medium",
    needs=("text", "time", "usage"),
    settings={"min_share": 0.01},
    prepare=_prepare,
    blocked=_blocked,
    shares=_shares,
    findings=_findings,
    conditions=(
        "moving text can alter answers: replay a sample of the new order before it goes live",
        "hits are counted at the rate the log shows for the model, else at the documented one; the mark a provider "
        "needs stands behind the static part, and every miss pays its write",
    ),
    fix="Move what changes (dates, ids, names, examples) behind the instructions; sort tools and JSON keys.",
)
