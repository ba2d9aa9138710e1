"""The distinct questions of a log: what was asked last, and everything else of the prompt that must be equal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from audit.similarity.words import Ints
from audit.store import Store

LONGEST = 4_000
"""Characters; longer texts are documents, and sharing most of one does not make two questions alike."""

_AT_ONCE = 400_000

# a question is asked inside a frame: model, parameters, and every segment but the last one of the user
_QUESTIONS = f"""
CREATE OR REPLACE TEMP TABLE similar_question AS
WITH asked AS (
    SELECT request_id, COALESCE(normalised_key, prompt_key) AS question, started_at_us,
           ROW_NUMBER() OVER (
               PARTITION BY COALESCE(normalised_key, prompt_key) ORDER BY started_at_us, request_id
           ) AS place
    FROM request
    WHERE status = 'billable' AND prompt_key IS NOT NULL AND COALESCE(operation_name, 'chat') <> 'embeddings'
),
first_of AS (SELECT request_id, question, COALESCE(started_at_us, 0) AS at_us FROM asked WHERE place = 1),
last_user AS (
    SELECT s.request_id, MAX(s.position) AS position FROM first_of AS f
    JOIN segment AS s ON s.request_id = f.request_id
    WHERE s.direction = 'input' AND s.kind = 'user' GROUP BY s.request_id
),
tail AS (
    SELECT s.request_id, COUNT(*) AS parts, MIN(s.content_hash) AS low, MAX(s.content_hash) AS high
    FROM last_user AS l JOIN segment AS s ON s.request_id = l.request_id
    WHERE s.direction = 'input' AND s.position > l.position GROUP BY s.request_id
),
framed AS (
    SELECT f.request_id, f.question, f.at_us, s.content_hash,
           MIN(f.request_id) OVER (
               PARTITION BY COALESCE(r.request_model, r.response_model), r.parameters, COALESCE(b.chain_hash, 0),
                            COALESCE(t.parts, 0), COALESCE(t.low, 0), COALESCE(t.high, 0)
           ) AS frame
    FROM first_of AS f
    JOIN request AS r ON r.request_id = f.request_id
    JOIN last_user AS l ON l.request_id = f.request_id
    JOIN segment AS s ON s.request_id = l.request_id AND s.position = l.position
    LEFT JOIN segment AS b ON b.request_id = l.request_id AND b.position = l.position - 1 AND b.direction = 'input'
    LEFT JOIN tail AS t ON t.request_id = f.request_id
    WHERE COALESCE(t.parts, 0) <= 2
),
shared AS (SELECT frame, COUNT(*) AS questions FROM framed GROUP BY frame HAVING COUNT(*) > 1)
SELECT q.request_id, q.question, q.at_us, q.frame, q.content_hash
FROM framed AS q
JOIN shared AS d ON d.frame = q.frame
JOIN content AS c ON c.content_hash = q.content_hash
WHERE c.text IS NOT NULL AND LENGTH(c.text) <= {LONGEST}
"""

_FRAMES = "SELECT frame, COUNT(*) AS questions FROM similar_question GROUP BY frame HAVING COUNT(*) > 1 ORDER BY frame"

_TEXTS = """
SELECT q.request_id, q.frame, c.text
FROM similar_question AS q JOIN content AS c ON c.content_hash = q.content_hash
WHERE q.frame BETWEEN $low AND $high
ORDER BY q.at_us, q.request_id
"""


@dataclass(frozen=True, eq=False)
class Questions:
    """Distinct questions in time order: the first request that asked each, its frame, and its words."""

    requests: Ints
    frames: Ints
    texts: list[str]


def questions(store: Store) -> Iterator[Questions]:
    """Yield the distinct questions that share a frame with another one, whole frames at a time."""
    store.run(_QUESTIONS)
    frames = pl.DataFrame(store.query(_FRAMES))
    if frames.is_empty():
        return
    firsts = frames["frame"].to_numpy()
    part = np.cumsum(frames["questions"].to_numpy()) // _AT_ONCE
    starts = np.flatnonzero(np.append(True, part[1:] != part[:-1]))
    for low, high in zip(starts, [*starts[1:], firsts.size], strict=True):
        rows = pl.DataFrame(store.query(_TEXTS, low=int(firsts[low]), high=int(firsts[high - 1])))
        yield Questions(rows["request_id"].to_numpy(), rows["frame"].to_numpy(), rows["text"].to_list())
