"""What could be replayed: distinct prompts of billable requests with their text, and the dollars left out and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from audit.replay.pictures import NOT_PICTURES, PLACEHOLDER, at_hand
from audit.statistics.arrays import FloatArray, IntArray
from audit.store import Store

# requests with media, and what keeps them from being replayed: empty where all of it is pictures that are at hand
_MEDIA = f"""
CREATE OR REPLACE TEMP TABLE replay_media AS
SELECT s.request_id,
       MAX(CASE WHEN s.role <> 'user' OR NOT regexp_full_match(c.text, '{PLACEHOLDER}')
                THEN '{NOT_PICTURES}'
                WHEN r.source_id NOT IN (SELECT source_id FROM replay_source)
                THEN 'it holds images, and the log they are in is no longer where it was'
                ELSE '' END) AS reason
FROM segment AS s
JOIN content AS c ON c.content_hash = s.content_hash
JOIN request AS r ON r.request_id = s.request_id
WHERE s.direction = 'input' AND s.kind = 'media' GROUP BY s.request_id
"""
_HAS_MEDIA = "SELECT COUNT(*) FROM segment WHERE direction = 'input' AND kind = 'media'"

_TEXTLESS = """
CREATE OR REPLACE TEMP TABLE replay_textless AS
SELECT DISTINCT s.request_id
FROM segment AS s JOIN content AS c ON c.content_hash = s.content_hash
WHERE c.text IS NULL
"""

# every billable request with its cost, and why it can't be replayed (empty = it can)
_REQUESTS = """
CREATE OR REPLACE TEMP TABLE replay_request AS
WITH cost AS (
    SELECT request_id, CAST(SUM(cost_pico) AS BIGINT) AS cost_pico FROM charge GROUP BY request_id
)
SELECT r.request_id, r.prompt_key, r.identity, r.workflow_id, r.output_hash,
       COALESCE(r.response_model, r.request_model, '') AS model,
       COALESCE(r.provider_name, r.price_provider, '') AS provider_name,
       COALESCE(c.cost_pico, 0) AS cost_pico,
       CASE WHEN r.text_status = 'absent' THEN 'the log holds no text'
            WHEN r.text_status = 'redacted' THEN 'the text is redacted'
            WHEN r.text_status = 'truncated' THEN 'the text is cut, or a part of it is kept by the provider'
            WHEN t.request_id IS NOT NULL THEN 'the text was not kept'
            WHEN r.prompt_key IS NULL THEN 'the log holds no text'
            WHEN m.reason <> '' THEN m.reason
            WHEN r.output_hash IS NULL THEN 'no logged answer to compare with'
            WHEN COALESCE(w.name, '') IN (SELECT name FROM replay_left_out) THEN 'its workflow is left out on request'
            WHEN COALESCE(w.name, '') NOT IN (SELECT name FROM replay_wanted) AND EXISTS (SELECT * FROM replay_wanted)
            THEN 'its workflow was not asked for'
            ELSE '' END AS reason
FROM request AS r
LEFT JOIN cost AS c ON c.request_id = r.request_id
LEFT JOIN replay_media AS m ON m.request_id = r.request_id
LEFT JOIN replay_textless AS t ON t.request_id = r.request_id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
WHERE r.status = 'billable'
"""

_UNITS = """
CREATE OR REPLACE TEMP TABLE replay_unit AS
WITH ranked AS (
    SELECT prompt_key, request_id, workflow_id, model, provider_name,
           ROW_NUMBER() OVER (PARTITION BY prompt_key ORDER BY identity, request_id) AS place
    FROM replay_request WHERE reason = ''
),
total AS (
    SELECT prompt_key, COUNT(*) AS requests, CAST(SUM(cost_pico) AS BIGINT) AS cost_pico
    FROM replay_request WHERE reason = '' GROUP BY prompt_key
)
SELECT k.prompt_key, k.request_id, COALESCE(k.workflow_id, 0) AS workflow_id, k.model, k.provider_name,
       t.requests, t.cost_pico
FROM ranked AS k JOIN total AS t ON t.prompt_key = k.prompt_key
WHERE k.place = 1
"""

_SHAPES = """
SELECT u.prompt_key,
       COALESCE(r.input_tokens, 0) AS logged_tokens,
       COALESCE(r.output_tokens, 0) - COALESCE(r.reasoning_output_tokens, 0) AS answer_tokens,
       CAST(SUM(COALESCE(s.tokens, 0)) AS BIGINT) AS text_tokens,
       MAX(CASE WHEN s.kind IN ('tools', 'tool_call', 'tool_result') THEN 1 ELSE 0 END) AS tools,
       MAX(CASE WHEN s.kind = 'media' THEN 1 ELSE 0 END) AS images
FROM replay_unit AS u
JOIN request AS r ON r.request_id = u.request_id
JOIN segment AS s ON s.request_id = u.request_id AND s.direction = 'input'
GROUP BY u.prompt_key, r.input_tokens, r.output_tokens, r.reasoning_output_tokens
ORDER BY u.prompt_key
"""


@dataclass(frozen=True, slots=True)
class Excluded:
    """Billable requests that can't be replayed for one reason, and what they cost."""

    reason: str
    requests: int
    cost_pico: int


@dataclass(frozen=True, eq=False)
class Frame:
    """One row per distinct prompt, ordered by its key; `model` and `provider` are those of its representative request.

    `cost_pico` and `requests` are sums over all requests of the prompt.
    """

    prompt_key: IntArray
    request_id: IntArray
    workflow_id: IntArray
    model: Sequence[str]
    provider: Sequence[str]
    requests: IntArray
    cost_pico: IntArray
    excluded: tuple[Excluded, ...]

    def __len__(self) -> int:
        return int(self.prompt_key.size)

    @property
    def total_pico(self) -> int:
        """Cost of everything billable, replayable or not."""
        return int(self.cost_pico.sum()) + sum(each.cost_pico for each in self.excluded)


def frame(store: Store, left_out: Sequence[str] = (), wanted: Sequence[str] = ()) -> Frame:
    """Read the frame; `left_out` names workflows whose content must not be replayed, `wanted` those that may."""
    _prepare(store, left_out, wanted)
    rows = store.query("SELECT * FROM replay_unit ORDER BY prompt_key")
    lost = store.rows(
        "SELECT reason, COUNT(*) AS requests, CAST(SUM(cost_pico) AS BIGINT) AS cost_pico "
        "FROM replay_request WHERE reason <> '' GROUP BY reason ORDER BY cost_pico DESC, reason"
    )
    return Frame(
        prompt_key=_integers(rows, "prompt_key"),
        request_id=_integers(rows, "request_id"),
        workflow_id=_integers(rows, "workflow_id"),
        model=_texts(rows, "model"),
        provider=_texts(rows, "provider_name"),
        requests=_integers(rows, "requests"),
        cost_pico=_integers(rows, "cost_pico"),
        excluded=tuple(Excluded(row["reason"], row["requests"], row["cost_pico"]) for row in lost),
    )


def _prepare(store: Store, left_out: Sequence[str], wanted: Sequence[str]) -> None:
    store.run("CREATE OR REPLACE TEMP TABLE replay_left_out (name VARCHAR)")
    store.write("replay_left_out", pa.table({"name": pa.array(list(left_out), pa.string())}))
    store.run("CREATE OR REPLACE TEMP TABLE replay_wanted (name VARCHAR)")
    store.write("replay_wanted", pa.table({"name": pa.array(list(wanted), pa.string())}))
    _prepare_media(store)
    # reading every text's presence is only worth it where some are missing
    some_missing = store.value("SELECT COUNT(*) FROM content WHERE text IS NULL")
    store.run(_TEXTLESS if some_missing else "CREATE OR REPLACE TEMP TABLE replay_textless (request_id BIGINT)")
    store.run(_REQUESTS)
    store.run(_UNITS)


def _prepare_media(store: Store) -> None:
    if not store.value(_HAS_MEDIA):
        store.run("CREATE OR REPLACE TEMP TABLE replay_media (request_id BIGINT, reason VARCHAR)")
        return
    store.run("CREATE OR REPLACE TEMP TABLE replay_source (source_id INTEGER)")
    store.write("replay_source", pa.table({"source_id": pa.array(at_hand(store), pa.int32())}))
    store.run(_MEDIA)


@dataclass(frozen=True, eq=False)
class Shapes:
    """The frame's prompts, in its order: input tokens (the larger of logged and counted), answer, tools, images."""

    input_tokens: IntArray
    answer_tokens: IntArray
    tools: IntArray
    images: IntArray


def shapes(store: Store) -> Shapes:
    """Sizes of the prompts of the frame read last."""
    rows = store.query(_SHAPES)
    return Shapes(
        np.maximum(_integers(rows, "logged_tokens"), _integers(rows, "text_tokens")),
        _integers(rows, "answer_tokens"),
        _integers(rows, "tools"),
        _integers(rows, "images"),
    )


def _integers(rows: pa.Table, name: str) -> IntArray:
    values: IntArray = rows[name].to_numpy().astype(np.int64)
    return values


def _texts(rows: pa.Table, name: str) -> list[str]:
    return [str(value) for value in rows[name].to_pylist()]


def dollars(cost_pico: IntArray) -> FloatArray:
    """Costs as floats, for proportions only."""
    values: FloatArray = cost_pico.astype(np.float64)
    return values
