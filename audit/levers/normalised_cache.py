"""Answer a request that differs from an earlier one only in case, white space or closing punctuation."""

from __future__ import annotations

from audit.levers import Lever, Settings
from audit.levers._response_cache import find_hits
from audit.store import Store


def _prepare(store: Store, settings: Settings) -> None:
    find_hits(store, settings, key="normalised_key", table="normalised_cache_hit")


LEVER = Lever(
    name="normalised_cache",
    title="Response cache, normalised text",
    stage="CACHE",
    order=20,
    evidence="B",
    rewrite="""
SELECT m.* FROM remaining AS m
LEFT JOIN normalised_cache_hit AS h ON h.request_id = m.request_id
WHERE h.request_id IS NULL
""",
    effort_days=2,
    risk="low",
    needs=("text", "time"),
    settings={"ttl_s": 86_400, "creative_temperature": 0.7},
    prepare=_prepare,
    conditions=(
        "case, white space, Unicode form and closing punctuation of user text are folded in the key",
        "an entry lives {ttl_s} s from its write and is shared inside one organization",
    ),
    fix="Fold case, white space and Unicode form of the user's text when the cache key is built.",
)
