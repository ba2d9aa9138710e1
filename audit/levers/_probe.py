"""A sample of whole prompts with their texts, gathered once per opened audit file for every lever that reads text.

Up to 500 requests of each of the dearest workflows, those with the smallest identity hashes: the same ones every time.
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

_CHOSEN = """
CREATE OR REPLACE TEMP TABLE prompt_probe AS
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
SELECT workflow_id, request_id, place, ROW_NUMBER() OVER (ORDER BY workflow_id, place) - 1 AS number
FROM ordered WHERE place <= $sample
"""
_TEXTS = """
CREATE OR REPLACE TEMP TABLE prompt_probe_text AS
SELECT c.content_hash, c.text FROM content AS c
JOIN (SELECT DISTINCT s.content_hash FROM segment AS s JOIN prompt_probe AS p ON p.request_id = s.request_id) AS k
    ON k.content_hash = c.content_hash
WHERE c.text IS NOT NULL
"""
_SEGMENTS = """
SELECT p.workflow_id, p.request_id, s.position, s.direction, s.role, s.kind, s.content_hash, s.tokens, t.text
FROM prompt_probe AS p
JOIN segment AS s ON s.request_id = p.request_id
JOIN prompt_probe_text AS t ON t.content_hash = s.content_hash
WHERE p.number >= $first AND p.number < $last AND p.place <= $most
ORDER BY p.number, s.position
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
        store.run(_TEXTS)
        remember(store, "prompt_probe", {})
    chosen = int(store.value("SELECT COUNT(*) FROM prompt_probe"))
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
