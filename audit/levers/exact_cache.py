"""Answer a request that was asked before, word for word, from a cache of your own."""

from __future__ import annotations

from audit.levers import Lever, Risk, Settings
from audit.levers._response_cache import REWRITE, SETTINGS, find_hits
from audit.levers._response_cache_findings import doubt, findings
from audit.store import Store


def _prepare(store: Store, settings: Settings) -> None:
    find_hits(store, settings, key="exact", table="exact_cache_hit")


def _findings(store: Store, settings: Settings) -> list[str]:
    return findings(store, settings, "exact")


def _doubt(store: Store, settings: Settings) -> tuple[Risk, str]:
    return doubt(store, settings, "exact")


LEVER = Lever(
    name="exact_cache",
    title="Response cache, exact",
    stage="CACHE",
    order=10,
    evidence="B",
    rewrite=REWRITE.format(table="exact_cache_hit"),
    effort_days=5,
    risk="low",
    needs=("text", "time"),
    settings=SETTINGS,
    prepare=_prepare,
    findings=_findings,
    doubt=_doubt,
    conditions=(
        "shared inside one {scope}; life of an entry {ttl_s} (auto: as long as the workflow's own repeated answers"
        " prove fresh, {unproven_ttl_s} s where they can't tell), entries kept {capacity} (auto: the fewest that save"
        " 95 % of what a cache without limit saves)",
        "no tools that act, no time words, no personal data, no creative work at temperature {creative_temperature}"
        " or more; what that leaves out is listed with its dollars",
        "an answer under way can't be read yet; what provider caches lose when fewer requests keep them warm is"
        " deducted (findings by workflow are before that), the cost of running the cache is not",
    ),
    fix="Put a key-value cache keyed by model, messages, tools, format and decoding parameters before the client.",
)
