"""Read distinct prompts of the workflows that pay most for their input, and find what breaks their prefixes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from audit.levers._prefix_order_cause import Cause, cause
from audit.levers._prefix_order_text import Piece, Static, align, pieces
from audit.promptcache import Traffic
from audit.promptcache.play import Ints
from audit.store import Store

_MOST_GROUPS = 60
_PROMPTS = 48
_FEWEST_PROMPTS = 20
_FEWEST_BEHIND = 100
"""Tokens of static text that must stand behind the break for moving it to be worth a word."""
_BROKEN_SHARE = 0.1

# one request per distinct prompt, in an order that has nothing to do with time (Knuth's multiplicative hash)
_SAMPLE = """
WITH distinct_prompt AS (
    SELECT g.place, r.prompt_key, MIN(r.request_id) AS request_id
    FROM request AS r
    JOIN prefix_order_group AS g ON g.workflow_id = r.workflow_id AND g.provider_name = r.price_provider
        AND g.model = r.price_model
    WHERE r.status = 'billable' AND r.prompt_key IS NOT NULL
    GROUP BY g.place, r.prompt_key
),
ordered AS (
    SELECT place, request_id, ROW_NUMBER() OVER (
               PARTITION BY place ORDER BY (request_id * 2654435761) % 4294967296, request_id) AS turn
    FROM distinct_prompt
)
SELECT o.place, o.request_id, s.position, s.kind, SUBSTR(c.text, 1, 32768) AS text
FROM ordered AS o
JOIN segment AS s ON s.request_id = o.request_id AND s.direction = 'input' AND s.position < 64
JOIN content AS c ON c.content_hash = s.content_hash
WHERE o.turn <= $prompts AND c.text IS NOT NULL
ORDER BY o.place, o.request_id, s.position
"""

_MEMBERS = """
SELECT DISTINCT r.request_id
FROM request AS r
JOIN segment AS s ON s.request_id = r.request_id AND s.direction = 'input'
JOIN content AS c ON c.content_hash = s.content_hash
WHERE r.workflow_id = $workflow_id AND r.price_provider = $provider_name AND r.price_model = $model
  AND r.status = 'billable' AND POSITION($anchor IN c.text) > 0
"""


@dataclass(frozen=True, slots=True)
class Broken:
    """A workflow on a model whose static text stands behind something that changes; `ranks` are its requests."""

    group: int
    static: Static
    cause: Cause
    ranks: Ints


def broken_prefixes(store: Store, traffic: Traffic) -> list[Broken]:
    """Every version of a prompt with static text behind a break, among the workflows with the largest input."""
    chosen = _largest(traffic)
    rows = [(place, *traffic.groups[place]) for place in chosen]
    names = ("place", "workflow_id", "provider_name", "model")
    types = (pa.int64(), pa.int64(), pa.string(), pa.string())
    columns = {
        name: pa.array([row[at] for row in rows], kind)
        for at, (name, kind) in enumerate(zip(names, types, strict=True))
    }
    store.replace("prefix_order_group", pa.table(columns))
    found = []
    for place, prompts in _prompts(store).items():
        if len(prompts) < _FEWEST_PROMPTS:
            continue
        for static in align(prompts, traffic.groups[place][2]):
            named = cause(static) if static.breaks else None
            if named and named.behind >= _FEWEST_BEHIND and named.prompts >= _BROKEN_SHARE * static.prompts:
                found.append(Broken(place, static, named, _members(store, traffic, place, static.anchors)))
    return found


def _largest(traffic: Traffic) -> list[int]:
    """The groups with the most input tokens that were not read from the cache."""
    uncached = traffic.input_tokens - np.maximum(traffic.read, 0)
    tokens = np.bincount(traffic.group, weights=uncached, minlength=len(traffic.groups))
    return [int(place) for place in np.argsort(-tokens, kind="stable")[:_MOST_GROUPS]]


def _prompts(store: Store) -> dict[int, list[list[Piece]]]:
    rows = store.query(_SAMPLE, prompts=_PROMPTS)
    texts: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    names = ("place", "request_id", "kind", "text")
    for place, request_id, kind, text in zip(*(rows[name].to_pylist() for name in names), strict=True):
        texts[(int(str(place)), int(str(request_id)))].append((str(kind), str(text)))
    prompts: dict[int, list[list[Piece]]] = defaultdict(list)
    for (place, _), segments in texts.items():
        prompts[place].append(pieces(segments))
    return prompts


def _members(store: Store, traffic: Traffic, place: int, anchors: tuple[str, ...]) -> Ints:
    """Requests of the group whose prompt holds the largest static pieces, as ranks."""
    workflow_id, provider_name, model = traffic.groups[place]
    found: Ints | None = None
    for anchor in anchors:
        rows = store.query(_MEMBERS, workflow_id=workflow_id, provider_name=provider_name, model=model, anchor=anchor)
        ranks = traffic.ranks_of(rows["request_id"].to_numpy())
        found = ranks if found is None else np.intersect1d(found, ranks)
    return np.unique(found[found >= 0]) if found is not None else np.zeros(0, dtype=np.int64)
