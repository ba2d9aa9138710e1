"""Answer a request that was asked before, word for word, from a cache of your own."""

from __future__ import annotations

from audit.levers import Lever, Settings
from audit.levers._response_cache import find_hits
from audit.store import Store


def _prepare(store: Store, settings: Settings) -> None:
    find_hits(store, settings, key="prompt_key", table="exact_cache_hit")


LEVER = Lever(
    name="exact_cache",
    title="Response cache, exact",
    stage="CACHE",
    order=10,
    evidence="B",
    rewrite="""
SELECT m.* FROM remaining AS m
LEFT JOIN exact_cache_hit AS h ON h.request_id = m.request_id
WHERE h.request_id IS NULL
""",
    effort_days=5,
    risk="low",
    needs=("text", "time"),
    settings={"ttl_s": 86_400, "creative_temperature": 0.7},
    prepare=_prepare,
    conditions=(
        "an entry lives {ttl_s} s from its write and is shared inside one organization",
        "no tools, no words such as 'today', no creative work at temperature {creative_temperature} or more",
        "the cost of running the cache itself is not deducted",
    ),
    fix="Put a key-value cache keyed by model, messages, tools, format and decoding parameters before the client.",
)
