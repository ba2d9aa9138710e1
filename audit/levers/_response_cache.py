"""The cache played over the bill that is left: which requests an exact or normalised response cache answers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from audit.levers import Settings
from audit.levers._response_cache_lives import lives_of
from audit.levers._response_cache_play import play
from audit.levers._response_cache_study import study
from audit.levers._response_cache_traffic import REMAINING, span, traffic
from audit.store import Store

SETTINGS: dict[str, object] = {
    "ttl_s": "auto",
    "capacity": "auto",
    "scope": "tenant",
    "unproven_ttl_s": 86_400,
    "stale_share": 0.02,
    "creative_temperature": 0.7,
}
"""Defaults of every response cache; `docs/configuration.md` says what each means."""

REWRITE = """
SELECT m.* FROM remaining AS m
LEFT JOIN {table} AS h ON h.request_id = m.request_id
WHERE h.request_id IS NULL
"""


def find_hits(store: Store, settings: Settings, *, key: str, table: str) -> None:
    """Write the requests a response cache would have answered to the temporary table `table` (request_id).

    `key` (`exact` or `normalised`) is what "same question" means. The cache of the study is played in time order over
    the requests that still cost something: an entry lives from its write, and can be read once its writer has answered.
    """
    chosen = study(store, settings, key)
    found = traffic(store, settings, key, REMAINING)
    per_user = np.array(chosen.per_user, dtype=np.int64)
    found = found.without(per_user, "per_user")
    limit = chosen.capacity
    accesses = found.accesses(found.fit, None if limit is None else span(store, found, per_user))
    ttl_us = lives_of(chosen.lives, found.workflow[accesses.rows], float(settings["unproven_ttl_s"]))
    if limit is not None and limit >= accesses.entries:
        limit = None
    hits = found.ids[accesses.rows[play(accesses, ttl_us, limit).hit]]
    store.replace(table, pa.table({"request_id": pa.array(hits, pa.int64())}))
