"""Answer a request that differs from an earlier one only in case, white space or closing punctuation."""

from __future__ import annotations

from audit.levers import Lever, Risk, Settings
from audit.levers._response_cache import REWRITE, SETTINGS, find_hits
from audit.levers._response_cache_findings import doubt, findings, headers
from audit.store import Store


def _prepare(store: Store, settings: Settings) -> None:
    find_hits(store, settings, key="normalised", table="normalised_cache_hit")


def _findings(store: Store, settings: Settings) -> list[str]:
    return [*findings(store, settings, "normalised"), *headers(store)]


def _doubt(store: Store, settings: Settings) -> tuple[Risk, str]:
    return doubt(store, settings, "normalised")


LEVER = Lever(
    name="normalised_cache",
    title="Response cache, normalised text",
    stage="CACHE",
    order=20,
    evidence="B",
    rewrite=REWRITE.format(table="normalised_cache_hit"),
    effort_days=2,
    risk="low",
    needs=("text", "time"),
    settings=SETTINGS,
    prepare=_prepare,
    findings=_findings,
    doubt=_doubt,
    conditions=(
        "case, white space, Unicode form and closing punctuation of user text are folded in the key; clocks and request"
        " ids at the ends of a prompt only where answers are proven to agree without them",
        "the same limits as the exact cache: scope {scope}, life {ttl_s}, entries kept {capacity}",
    ),
    fix="Fold case, white space and Unicode form of the user's text when the cache key is built.",
)
