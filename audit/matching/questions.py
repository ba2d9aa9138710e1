"""The distinct questions of a log: what was asked last, and everything else of the prompt that must be equal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from audit.similarity.words import Ints
from audit.store import Store
from audit.store.ranges import request_ranges

LONGEST = 4_000
"""Characters; longer texts are documents, and sharing most of one does not make two questions alike."""

MOST = 200_000
"""Questions that are compared at most; comparing them takes longer than all other analyses together."""
LEFT_OUT = "questions_left_out"
"""Key of `meta`: how many questions beyond that were not compared."""

_AT_ONCE = 400_000

_FIRST = """
CREATE OR REPLACE TEMP TABLE similar_first AS
WITH asked AS (
    SELECT request_id, COALESCE(normalised_key, prompt_key) AS question, COALESCE(started_at_us, 0) AS at_us
    FROM request
    WHERE status = 'billable' AND prompt_key IS NOT NULL AND COALESCE(operation_name, 'chat') <> 'embeddings'
),
earliest AS (SELECT question, MIN(at_us) AS at_us FROM asked GROUP BY question)
SELECT MIN(a.request_id) AS request_id, a.question, a.at_us
FROM asked AS a JOIN earliest AS e ON e.question = a.question AND e.at_us = a.at_us
GROUP BY a.question, a.at_us
"""
_SETTINGS = """
CREATE OR REPLACE TEMP TABLE similar_setting AS
WITH settings AS (
    SELECT DISTINCT COALESCE(request_model, response_model, '') AS model, COALESCE(parameters, '') AS parameters
    FROM request WHERE status = 'billable' AND prompt_key IS NOT NULL
)
SELECT model, parameters, ROW_NUMBER() OVER (ORDER BY model, parameters) AS setting FROM settings
"""
_PLACES = """
CREATE OR REPLACE TEMP TABLE similar_place (
    request_id BIGINT, question BIGINT, at_us BIGINT, content_hash BIGINT, setting BIGINT, chain_hash BIGINT,
    parts BIGINT, low BIGINT, high BIGINT
)
"""
# a question is asked inside a frame: model, parameters, and every segment but the last one of the user
_PLACED = """
INSERT INTO similar_place
WITH firsts AS (SELECT * FROM similar_first WHERE request_id >= $first AND request_id < $last),
last_user AS (
    SELECT s.request_id, MAX(s.position) AS position FROM firsts AS f
    JOIN segment AS s ON s.request_id = f.request_id
    WHERE s.direction = 'input' AND s.kind = 'user' GROUP BY s.request_id
),
tail AS (
    SELECT s.request_id, COUNT(*) AS parts, MIN(s.content_hash) AS low, MAX(s.content_hash) AS high
    FROM last_user AS l JOIN segment AS s ON s.request_id = l.request_id
    WHERE s.direction = 'input' AND s.position > l.position GROUP BY s.request_id
)
SELECT f.request_id, f.question, f.at_us, s.content_hash, t.setting, COALESCE(b.chain_hash, 0) AS chain_hash,
       COALESCE(e.parts, 0) AS parts, COALESCE(e.low, 0) AS low, COALESCE(e.high, 0) AS high
FROM firsts AS f
JOIN request AS r ON r.request_id = f.request_id
JOIN similar_setting AS t ON t.model = COALESCE(r.request_model, r.response_model, '')
    AND t.parameters = COALESCE(r.parameters, '')
JOIN last_user AS l ON l.request_id = f.request_id
JOIN segment AS s ON s.request_id = l.request_id AND s.position = l.position
LEFT JOIN segment AS b ON b.request_id = l.request_id AND b.position = l.position - 1 AND b.direction = 'input'
LEFT JOIN tail AS e ON e.request_id = f.request_id
WHERE COALESCE(e.parts, 0) <= 2
"""
_QUESTIONS = f"""
CREATE OR REPLACE TEMP TABLE similar_question AS
WITH shared AS (
    SELECT setting, chain_hash, parts, low, high, MIN(request_id) AS frame FROM similar_place
    GROUP BY setting, chain_hash, parts, low, high HAVING COUNT(*) > 1
)
SELECT q.request_id, q.question, q.at_us, d.frame, q.content_hash
FROM similar_place AS q
JOIN shared AS d ON d.setting = q.setting AND d.chain_hash = q.chain_hash AND d.parts = q.parts AND d.low = q.low
    AND d.high = q.high
JOIN content AS c ON c.content_hash = q.content_hash
WHERE c.text IS NOT NULL AND COALESCE(c.characters, 0) <= {LONGEST}
"""
# the busiest frames first, and of the one that is too large its first questions
_CAPPED = """
CREATE OR REPLACE TEMP TABLE similar_question AS
WITH sized AS (SELECT frame, COUNT(*) AS questions FROM similar_question GROUP BY frame),
summed AS (
    SELECT frame, questions, SUM(questions) OVER (ORDER BY questions DESC, frame
                                                  ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS upto
    FROM sized
),
placed AS (
    SELECT q.request_id, q.question, q.at_us, q.frame, q.content_hash, s.upto - s.questions AS before,
           ROW_NUMBER() OVER (PARTITION BY q.frame ORDER BY q.at_us, q.request_id) AS place
    FROM similar_question AS q JOIN summed AS s ON s.frame = q.frame WHERE s.upto - s.questions < $most
)
SELECT request_id, question, at_us, frame, content_hash FROM placed WHERE before + place <= $most
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
    """Yield the distinct questions that share a frame with another one, whole frames at a time.

    At most `MOST` of them, the busiest frames first; how many were left out is recorded in the audit file.
    """
    store.run(_FIRST)
    store.run(_SETTINGS)
    store.run(_PLACES)
    for first, last in request_ranges(store):
        store.run(_PLACED, first=first, last=last)
    store.run(_QUESTIONS)
    for table in ("similar_first", "similar_setting", "similar_place"):
        store.run(f"DROP TABLE {table}")
    found = int(store.value("SELECT COUNT(*) FROM similar_question"))
    if found > MOST:
        store.run(_CAPPED, most=MOST)
    store.set_meta(LEFT_OUT, str(max(0, found - MOST)))
    frames = pl.DataFrame(store.query(_FRAMES))
    if frames.is_empty():
        return
    firsts = frames["frame"].to_numpy()
    part = np.cumsum(frames["questions"].to_numpy()) // _AT_ONCE
    starts = np.flatnonzero(np.append(True, part[1:] != part[:-1]))
    for low, high in zip(starts, [*starts[1:], firsts.size], strict=True):
        rows = pl.DataFrame(store.query(_TEXTS, low=int(firsts[low]), high=int(firsts[high - 1])))
        yield Questions(rows["request_id"].to_numpy(), rows["frame"].to_numpy(), rows["text"].to_list())
