"""What the response-cache levers share: who may be cached, and the cache played over the log in time order."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Set

import numpy as np
import pyarrow as pa

from audit.levers import Settings
from audit.store import Store

# words whose answer changes with the day; a cached answer would be stale (a language not listed here is not seen)
VOLATILE = re.compile(
    r"\b(today|tonight|tomorrow|yesterday|right now|currently|latest|at the moment|this (?:week|month|year)"
    r"|current (?:date|time|price|weather|status)|heute|morgen|gestern|aktuell|aujourd'hui|demain|hoy|mañana|ahora)\b",
    re.IGNORECASE,
)

_CANDIDATES = """
WITH tooled AS (
    SELECT DISTINCT request_id FROM segment WHERE kind IN ('tools', 'tool_call', 'tool_result')
),
paying AS (SELECT DISTINCT request_id FROM remaining),
eligible AS (
    SELECT r.request_id, r.{key} AS cache_key, COALESCE(r.organization, '') AS scope, r.started_at_us,
           CAST(COALESCE(r.duration, 0) * 1000000 AS BIGINT) AS duration_us
    FROM request AS r
    JOIN paying AS p ON p.request_id = r.request_id
    LEFT JOIN tooled AS t ON t.request_id = r.request_id
    WHERE r.{key} IS NOT NULL AND r.started_at_us IS NOT NULL AND r.status = 'billable' AND t.request_id IS NULL
      AND COALESCE(r.finish_reason, 'stop') NOT IN ('length', 'max_tokens', 'content_filter', 'refusal')
      AND NOT (COALESCE(r.request_temperature, 1.0) >= $creative_temperature
               AND COALESCE(r.task_kind, '') IN ('drafting', 'open') AND r.request_temperature IS NOT NULL)
),
repeated AS (SELECT cache_key FROM eligible GROUP BY cache_key HAVING COUNT(*) > 1)
SELECT e.request_id, e.cache_key, e.scope, e.started_at_us, e.duration_us
FROM eligible AS e JOIN repeated AS d ON d.cache_key = e.cache_key
"""

_LAST_USER_TEXT = """
WITH first_request AS (SELECT cache_key, MIN(request_id) AS request_id FROM {table} GROUP BY cache_key),
last_user AS (
    SELECT f.cache_key, MAX(s.position) AS position, MIN(f.request_id) AS request_id
    FROM first_request AS f JOIN segment AS s ON s.request_id = f.request_id
    WHERE s.kind = 'user' GROUP BY f.cache_key
)
SELECT l.cache_key, c.text
FROM last_user AS l
JOIN segment AS s ON s.request_id = l.request_id AND s.position = l.position
JOIN content AS c ON c.content_hash = s.content_hash
"""


def find_hits(store: Store, settings: Settings, *, key: str, table: str) -> None:
    """Write the requests a response cache would have answered to the temporary table `table` (request_id).

    `key` is the request column whose equality means "same question". Hits are played in time order per scope: an
    entry lives `ttl_s` from its write and can be read once its writer has answered.
    """
    candidates = store.query(_CANDIDATES.format(key=key), creative_temperature=float(settings["creative_temperature"]))
    store.replace(f"{table}_candidate", candidates)
    texts = store.query(_LAST_USER_TEXT.format(table=f"{table}_candidate"))
    volatile = {
        cache_key
        for cache_key, text in zip(texts["cache_key"].to_pylist(), texts["text"].to_pylist(), strict=True)
        if text is not None and VOLATILE.search(text)
    }
    hits = play(candidates, ttl_us=int(settings["ttl_s"] * 1_000_000), excluded=volatile)
    store.replace(table, pa.table({"request_id": pa.array(hits, pa.int64())}))


def play(
    requests: pa.Table, *, ttl_us: int, capacity: int | None = None, excluded: Set[int] = frozenset()
) -> list[int]:
    """Ids of the requests answered from a cache with a fixed life from the write, in time order per scope.

    `requests` has request_id, cache_key, scope, started_at_us, duration_us, in any order. A request that arrives
    before the writer of its entry has answered is a miss and does not write again; with `capacity` entries a scope
    forgets the least recently used one.
    """
    if requests.num_rows == 0:
        return []
    scopes = requests["scope"].to_pylist()
    keys = requests["cache_key"].to_pylist()
    started = requests["started_at_us"].to_numpy()
    durations = requests["duration_us"].to_pylist()
    ids = requests["request_id"].to_numpy()
    caches: dict[str, OrderedDict[int, tuple[int, int]]] = {}
    hits: list[int] = []
    for index in np.lexsort((ids, started)).tolist():
        key, at = keys[index], int(started[index])
        if key in excluded:
            continue
        cache = caches.setdefault(scopes[index], OrderedDict())
        entry = cache.get(key)
        if entry is None or at - entry[0] > ttl_us:
            cache[key] = (at, at + durations[index])
            cache.move_to_end(key)
            if capacity is not None and len(cache) > capacity:
                cache.popitem(last=False)
        elif at >= entry[1]:
            hits.append(int(ids[index]))
            cache.move_to_end(key)
    return hits
