"""Questions that count as one: each joined to the earliest one it resembles, never through a third."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pyarrow as pa

from audit.store import Store

Accept = Callable[[int, str, float, bool], bool]
"""Whether a pair counts: workflow, method, similarity, and whether both were given the same answer."""

# a question that stands first has no row, so it can only lead
_PAIRS = """
SELECT COALESCE(r.normalised_key, r.prompt_key) AS question, COALESCE(n.normalised_key, n.prompt_key) AS neighbour,
       COALESCE(r.workflow_id, 0) AS workflow_id, p.method, p.similarity,
       COALESCE(r.output_normalised_hash = n.output_normalised_hash, FALSE) AS same
FROM pair AS p
JOIN request AS r ON r.request_id = p.request_id
JOIN request AS n ON n.request_id = p.neighbour_id
WHERE p.method <> 'exact'
ORDER BY COALESCE(r.started_at_us, 0), p.request_id, p.method, p.similarity DESC, p.neighbour_id
"""

_SCHEMA = pa.schema([pa.field("question", pa.int64()), pa.field("leader", pa.int64())])


def join_alike(store: Store, table: str, accept: Accept) -> None:
    """Write the temporary table `table` (question, leader) of the questions that are joined to another one.

    In time order each question is joined to the most similar earlier one that leads its own group, so that every member
    was compared with its leader; chains of small differences do not add up.
    """
    leaders: dict[int, int] = {}
    for question, neighbour, workflow, method, similarity, same in pl.DataFrame(store.query(_PAIRS)).iter_rows():
        if question in leaders or neighbour in leaders or question == neighbour:
            continue
        if accept(workflow, method, similarity, same):
            leaders[question] = neighbour
    store.replace(
        table,
        pa.table(
            {"question": pa.array(leaders.keys(), pa.int64()), "leader": pa.array(leaders.values(), pa.int64())},
            schema=_SCHEMA,
        ),
    )
