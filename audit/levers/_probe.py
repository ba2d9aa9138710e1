"""A sample of whole prompts with their texts, gathered once per opened audit file for every lever that reads text.

Up to 500 requests of each of the dearest workflows, those with the smallest identity hashes: the same ones every time.
All of them together hold at most some ten million tokens, however many workflows there are and however long their
prompts: half of that is shared out evenly, half by spend, and a workflow beyond its share is read in fewer requests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from audit.levers import Settings
from audit.store import Store

SAMPLE = 500
_WORKFLOWS = 100
_LEAST_SHARE = 0.001
_CHUNK = 200
TOKENS = 10_000_000

_CHOSEN = """
CREATE OR REPLACE TEMP TABLE prompt_probe_choice AS
WITH spent AS (
    SELECT r.workflow_id, SUM(CAST(COALESCE(c.cost_pico, 0) + COALESCE(c.estimated_cost_pico, 0) AS DOUBLE)) AS cost
    FROM request AS r JOIN request_cost AS c ON c.request_id = r.request_id
    WHERE r.status = 'billable' AND r.workflow_id IS NOT NULL GROUP BY r.workflow_id
),
ranked AS (
    SELECT workflow_id, cost, SUM(cost) OVER () AS whole,
           ROW_NUMBER() OVER (ORDER BY cost DESC, workflow_id) AS place
    FROM spent
),
dear AS (SELECT workflow_id FROM ranked WHERE place <= $workflows AND cost >= $least * whole),
ordered AS (
    SELECT r.workflow_id, r.request_id,
           ROW_NUMBER() OVER (PARTITION BY r.workflow_id ORDER BY r.identity, r.request_id) AS place
    FROM request AS r JOIN dear AS d ON d.workflow_id = r.workflow_id
    WHERE r.status = 'billable' AND r.text_status = 'full'
)
SELECT o.workflow_id, o.request_id, o.place, k.cost / CASE WHEN k.whole > 0 THEN k.whole ELSE 1.0 END AS share
FROM ordered AS o JOIN ranked AS k ON k.workflow_id = o.workflow_id WHERE o.place <= $sample
"""
_PIECES = """
CREATE OR REPLACE TEMP TABLE prompt_probe_piece AS
WITH pieces AS (
    SELECT p.workflow_id, p.request_id, p.place, p.share, s.position, s.direction, s.role, s.kind, s.content_hash,
           s.tokens
    FROM prompt_probe_choice AS p JOIN segment AS s ON s.request_id = p.request_id
),
sized AS (
    SELECT workflow_id, request_id, place, MIN(share) AS share, SUM(COALESCE(tokens, 0)) AS tokens
    FROM pieces GROUP BY workflow_id, request_id, place
),
summed AS (
    SELECT *, SUM(tokens) OVER (PARTITION BY workflow_id ORDER BY place
                                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS upto
    FROM sized
),
shared AS (
    SELECT COUNT(*) AS workflows, CASE WHEN SUM(share) > 0 THEN SUM(share) ELSE 1.0 END AS whole
    FROM (SELECT workflow_id, MIN(share) AS share FROM sized GROUP BY workflow_id) AS w
),
numbered AS (
    SELECT s.request_id, ROW_NUMBER() OVER (ORDER BY s.workflow_id, s.place) - 1 AS number
    FROM summed AS s CROSS JOIN shared AS w
    WHERE s.place = 1
       OR CAST(s.upto AS DOUBLE) <= $tokens * (0.5 / CAST(w.workflows AS DOUBLE) + 0.5 * s.share / w.whole)
)
SELECT n.number, p.place, p.workflow_id, p.request_id, p.position, p.direction, p.role, p.kind, p.content_hash, p.tokens
FROM pieces AS p JOIN numbered AS n ON n.request_id = p.request_id
"""
_TEXTS = """
CREATE OR REPLACE TEMP TABLE prompt_probe_text AS
SELECT c.content_hash, c.text FROM content AS c
JOIN (SELECT DISTINCT content_hash FROM prompt_probe_piece) AS k ON k.content_hash = c.content_hash
WHERE c.text IS NOT NULL
"""
_SEGMENTS = """
SELECT p.workflow_id, p.request_id, p.position, p.direction, p.role, p.kind, p.content_hash, p.tokens, t.text
FROM prompt_probe_piece AS p JOIN prompt_probe_text AS t ON t.content_hash = p.content_hash
WHERE p.number >= $first AND p.number < $last AND p.place <= $most
ORDER BY p.number, p.position
"""


@dataclass(slots=True)
class Piece:
    """One segment of a sampled prompt or answer with its text and its counted tokens."""

    position: int
    direction: str
    role: str
    kind: str
    content_hash: int
    tokens: int
    text: str


@dataclass(slots=True)
class Prompt:
    """One sampled request."""

    workflow_id: int
    request_id: int
    pieces: list[Piece] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """The text of the answer, tool calls included."""
        return "\n".join(
            piece.text for piece in self.pieces if piece.direction == "output" and piece.kind != "reasoning"
        )


def prompts(store: Store, most: int = SAMPLE) -> Iterator[Prompt]:
    """The sampled requests with their texts, workflow by workflow, at most so many of each."""
    if not fresh(store, "prompt_probe", {}):
        store.run(_CHOSEN, workflows=_WORKFLOWS, least=_LEAST_SHARE, sample=SAMPLE)
        store.run(_PIECES, tokens=TOKENS)
        store.run(_TEXTS)
        remember(store, "prompt_probe", {})
    chosen = int(store.value("SELECT COALESCE(MAX(number) + 1, 0) FROM prompt_probe_piece"))
    for first in range(0, chosen, _CHUNK):
        prompt: Prompt | None = None
        for row in store.rows(_SEGMENTS, first=first, last=first + _CHUNK, most=most):
            if prompt is None or prompt.request_id != row["request_id"]:
                if prompt is not None:
                    yield prompt
                prompt = Prompt(row["workflow_id"], row["request_id"])
            prompt.pieces.append(
                Piece(
                    row["position"], row["direction"], row["role"], row["kind"], row["content_hash"],
                    row["tokens"] or 0, row["text"],
                )
            )  # fmt: skip
        if prompt is not None:
            yield prompt


def fresh(store: Store, name: str, settings: Settings) -> bool:
    """Whether `remember` was called for this name, these settings and this very log: texts do not change in between."""
    if f"{name}_mark" not in store.tables():
        return False
    return bool(store.value(f"SELECT mark FROM {name}_mark") == _mark(store, settings))


def remember(store: Store, name: str, settings: Settings) -> None:
    """Note that what was computed under this name is there."""
    store.run(f"CREATE OR REPLACE TEMP TABLE {name}_mark AS SELECT $mark AS mark", mark=_mark(store, settings))


def _mark(store: Store, settings: Settings) -> str:
    row = store.rows("SELECT COUNT(*) AS requests, MAX(request_id) AS last FROM request")[0]
    return json.dumps([row["requests"], row["last"], dict(settings)], sort_keys=True, default=str)
