"""Natural experiments: prompts that the log already holds answered by two models, as replay rows that cost nothing."""

from __future__ import annotations

from typing import Any

from audit.store import Store
from audit.store.naming import RESPONSE_NAME

ENDPOINT = "log"
MIN_PAIRS = 5
MAX_PAIRS = 2000

# a prompt is known by the chain hash of its last input segment: the same roles and texts whatever the model
_PAIRS = """
CREATE OR REPLACE TEMP TABLE observed_pair AS
WITH prompt AS (
    SELECT s.request_id, s.chain_hash,
           ROW_NUMBER() OVER (PARTITION BY s.request_id ORDER BY s.position DESC) AS place
    FROM segment AS s
    WHERE s.direction = 'input'
),
answered AS (
    SELECT r.request_id, p.chain_hash, r.workflow_id, COALESCE(r.response_model, r.request_model) AS model,
           r.prompt_key, r.started_at_us,
           ROW_NUMBER() OVER (
               PARTITION BY p.chain_hash, r.workflow_id, COALESCE(r.response_model, r.request_model)
               ORDER BY r.started_at_us, r.request_id
           ) AS place
    FROM request AS r
    JOIN prompt AS p ON p.request_id = r.request_id AND p.place = 1
    WHERE r.status = 'billable' AND r.text_status = 'full' AND r.prompt_key IS NOT NULL AND r.output_hash IS NOT NULL
),
cost AS (
    SELECT request_id, SUM(cost_pico) AS cost_pico FROM charge GROUP BY request_id
),
pair AS (
    SELECT a.request_id, a.prompt_key, a.workflow_id, a.model AS current_model, b.request_id AS other_id,
           b.model AS model, ca.cost_pico AS current_cost, cb.cost_pico AS other_cost
    FROM answered AS a
    JOIN answered AS b ON b.chain_hash = a.chain_hash AND b.workflow_id = a.workflow_id AND b.model <> a.model
    JOIN cost AS ca ON ca.request_id = a.request_id
    JOIN cost AS cb ON cb.request_id = b.request_id
    WHERE a.place = 1 AND b.place = 1
),
cheaper AS (
    SELECT workflow_id, current_model, model
    FROM pair
    GROUP BY workflow_id, current_model, model
    HAVING COUNT(*) >= $least AND SUM(other_cost) < SUM(current_cost)
),
-- prompt keys are hashes: their order is as good as chance
ranked AS (
    SELECT p.request_id, p.prompt_key, p.workflow_id, p.current_model, p.model, p.other_id,
           ROW_NUMBER() OVER (
               PARTITION BY p.workflow_id, p.current_model, p.model ORDER BY p.prompt_key, p.request_id
           ) AS rank_in_group
    FROM pair AS p
    JOIN cheaper AS c ON c.workflow_id = p.workflow_id AND c.current_model = p.current_model AND c.model = p.model
)
SELECT k.request_id, k.prompt_key, k.workflow_id, k.current_model, k.model, k.other_id,
       ROW_NUMBER() OVER (ORDER BY k.request_id, k.other_id) AS place
FROM ranked AS k
LEFT JOIN replay AS known ON known.endpoint = 'log' AND known.prompt_key = k.prompt_key AND known.model = k.model
WHERE k.rank_in_group <= $most AND known.replay_id IS NULL
"""

_ROWS = f"""
SELECT p.place, p.request_id, p.prompt_key, p.workflow_id, p.current_model, p.model, p.other_id, r.finish_reason,
       r.input_tokens, r.cache_read_input_tokens, r.output_tokens, r.reasoning_output_tokens, r.duration,
       r.time_to_first_chunk, r.started_at_us, r.response_model,
       {RESPONSE_NAME} AS response_id
FROM observed_pair AS p
JOIN request AS r ON r.request_id = p.other_id
WHERE p.place BETWEEN $low AND $high
ORDER BY p.place
"""

_ANSWERS = """
SELECT p.place, s.kind, c.text
FROM observed_pair AS p
JOIN segment AS s ON s.request_id = p.other_id AND s.direction = 'output' AND s.kind <> 'reasoning'
JOIN content AS c ON c.content_hash = s.content_hash
WHERE p.place BETWEEN $low AND $high AND c.text IS NOT NULL
ORDER BY p.place, s.position
"""
_CHUNK = 256


def observed(store: Store) -> int:
    """Write pairs of logged answers as replay rows of origin `observed` and endpoint `log`; the number written.

    Only where the other model cost less over at least five shared prompts, and at most 2,000 of each pair of models
    in a workflow. Rows written before stay. Their `cost_pico` is 0: nothing was spent. Traffic was not assigned by
    chance (fallbacks, a migration), so verdicts on them say that they were observed.
    """
    store.run(_PAIRS, least=MIN_PAIRS, most=MAX_PAIRS)
    total = store.value("SELECT COUNT(*) FROM observed_pair") or 0
    first = (store.value("SELECT MAX(replay_id) FROM replay") or 0) + 1
    with store.transaction():
        for low in range(1, total + 1, _CHUNK):
            high = min(low + _CHUNK - 1, total)
            answers: dict[int, tuple[str, list[str]]] = {}
            for row in store.rows(_ANSWERS, low=low, high=high):
                text, calls = answers.setdefault(row["place"], ("", []))
                if row["kind"] == "tool_call":
                    calls.append(row["text"])
                else:
                    answers[row["place"]] = (text + row["text"], calls)
            rows = store.rows(_ROWS, low=low, high=high)
            store.write_rows("replay", [_replay(row, first, *answers.get(row["place"], ("", []))) for row in rows])
    return total


def _replay(row: dict[str, Any], first: int, text: str, calls: list[str]) -> dict[str, Any]:
    taken = {name: value for name, value in row.items() if name not in ("place", "other_id")}
    return taken | {
        "replay_id": first + row["place"] - 1,
        "endpoint": ENDPOINT,
        "variant": "",
        "attempt": 1,
        "status": "ok",
        "text": text,
        "tool_calls": f"[{','.join(calls)}]" if calls else None,
        "cost_pico": 0,
        "lossy": "[]",
        "origin": "observed",
    }
