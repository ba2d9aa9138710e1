"""A cache that also answers questions like a stored one, played over requests in time order."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from audit.levers._response_cache_play import Accesses, Flags, Ints, play
from audit.levers._response_cache_traffic import Traffic

Neighbours = Mapping[int, tuple[int, ...]]
"""Question → the questions whose answer may serve it, the most similar first."""


def similar_hits(found: Traffic, rows: Flags, ttl_us: Ints, neighbours: Neighbours) -> Ints:
    """Places of the requests among `rows` that the cache answers: from their own entry, else from the nearest live one.

    `ttl_us` is the life of what each request of `found` writes. A request that is answered writes nothing.
    """
    near = np.isin(found.question, np.array(list(neighbours), dtype=np.int64))
    alone = found.accesses(rows & ~near)
    hits = alone.rows[play(alone, ttl_us[alone.rows]).hit]
    return np.concatenate((hits, _play(found, found.accesses(rows & near), ttl_us, neighbours)))


def _play(found: Traffic, accesses: Accesses, ttl_us: Ints, neighbours: Neighbours) -> Ints:
    """The part whose questions have neighbours: what is stored depends on what was answered, so in time order."""
    order = np.lexsort((accesses.ids, accesses.started))
    rows = accesses.rows[order]
    columns = (
        rows.tolist(), found.question[rows].tolist(), found.scope[rows].tolist(), accesses.started[order].tolist(),
        accesses.ready[order].tolist(), ttl_us[rows].tolist(),
    )  # fmt: skip
    entries: dict[int, tuple[int, int]] = {}
    hits = []
    for row, question, scope, started, ready, life in zip(*columns, strict=True):
        served = False
        for each in (question, *neighbours[question]):
            entry = entries.get(each ^ scope)
            if entry is not None and started <= entry[1]:
                served = True
                if started >= entry[0]:
                    hits.append(row)
                break
        if not served:
            entries[question ^ scope] = (ready, started + life)
    return np.array(hits, dtype=np.int64)
