"""Which requests a response cache must not answer, and why: one reason each, the first that applies."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from audit.errors import ConfigError
from audit.levers import Settings
from audit.levers._response_cache_masks import MASKED, mask_headers
from audit.levers._response_cache_once import once
from audit.levers._response_cache_words import PERSONAL, TIME, acts, holding, tool_name
from audit.store import Store

REASONS = {
    "failed": "the answer failed, was refused or cut off",
    "tools": "tools that may change something are offered or called, or an agent is in the middle of its work",
    "time": "the right answer changes with time (today, latest, weather, prices, stock)",
    "personal": "the question holds personal data; a cache of one user's own answers (scope user) would be fit",
    "creative": "creative work: every user would get the same text",
    "rated": "the logged answer was rated bad",
    "again": "asked again in the same conversation within ten minutes: the first answer did not serve",
    "no_user": "the log names no user for it, so a cache per user cannot hold it",
    "per_user": "users get different answers to the same question; a cache per user (scope user) would be fit",
}
"""Why a request must not be answered from a cache."""

SCOPES = {
    "tenant": "COALESCE(r.organization, '')",
    "user": "CONCAT(COALESCE(r.organization, ''), '|', COALESCE(r.user_id, ''))",
    "global": "''",
}
"""Who shares an entry, as SQL over `request` r."""

_AGAIN_US = 600_000_000

QUESTION = "COALESCE(m.masked_key, r.normalised_key, r.prompt_key)"

# what looks at texts is done for one request of each question
_CANDIDATES = f"""
CREATE OR REPLACE TEMP TABLE response_cache_candidate AS
WITH known AS (
    SELECT r.request_id, {QUESTION} AS question
    FROM request AS r LEFT JOIN {MASKED} AS m ON m.request_id = r.request_id
    WHERE r.status = 'billable' AND r.prompt_key IS NOT NULL AND r.started_at_us IS NOT NULL
      AND COALESCE(r.operation_name, 'chat') <> 'embeddings'
),
paired AS (SELECT request_id FROM pair UNION SELECT neighbour_id AS request_id FROM pair),
wanted AS (
    SELECT question FROM known GROUP BY question HAVING COUNT(*) > 1
    UNION
    SELECT k.question FROM known AS k JOIN paired AS p ON p.request_id = k.request_id
),
first_of AS (SELECT question, MIN(request_id) AS first_id FROM known GROUP BY question)
SELECT k.request_id, k.question, f.first_id
FROM known AS k
JOIN wanted AS w ON w.question = k.question
JOIN first_of AS f ON f.question = k.question
"""

_TEXTS = """
WITH first_of AS (SELECT DISTINCT first_id FROM response_cache_candidate),
used AS (
    SELECT DISTINCT s.content_hash FROM first_of AS f
    JOIN segment AS s ON s.request_id = f.first_id
    WHERE s.direction = 'input' AND (s.role = 'user' OR s.kind = 'user')
)
SELECT u.content_hash, c.text FROM used AS u JOIN content AS c ON c.content_hash = u.content_hash
WHERE c.text IS NOT NULL
"""

_TOOLS = """
WITH used AS (
    SELECT DISTINCT s.content_hash FROM response_cache_candidate AS k
    JOIN segment AS s ON s.request_id = k.request_id
    WHERE s.kind = 'tools' OR (s.kind = 'tool_call' AND s.direction = 'output')
)
SELECT u.content_hash, c.text FROM used AS u JOIN content AS c ON c.content_hash = u.content_hash
"""

_REASON = f"""
CREATE OR REPLACE TEMP TABLE response_cache_reason AS
WITH by_text AS (
    SELECT k.question, MAX(CASE WHEN w.is_time THEN 1 ELSE 0 END) AS is_time,
           MAX(CASE WHEN w.is_personal THEN 1 ELSE 0 END) AS is_personal
    FROM (SELECT DISTINCT question, first_id FROM response_cache_candidate) AS k
    JOIN segment AS s ON s.request_id = k.first_id
    JOIN response_cache_word AS w ON w.content_hash = s.content_hash
    WHERE s.direction = 'input' AND (s.role = 'user' OR s.kind = 'user')
    GROUP BY k.question
),
by_tool AS (
    SELECT DISTINCT k.request_id FROM response_cache_candidate AS k
    JOIN segment AS s ON s.request_id = k.request_id
    LEFT JOIN response_cache_tool AS t ON t.content_hash = s.content_hash
    WHERE s.kind = 'tool_result' OR (s.kind = 'tool_call' AND s.direction = 'input')
       OR (s.kind IN ('tools', 'tool_call') AND COALESCE(t.acts, TRUE))
),
asked AS (
    SELECT r.request_id, r.workflow_id, COALESCE(r.conversation_id, r.trace_id) AS talk, r.started_at_us,
           r.output_normalised_hash AS answer,
           LAG(r.output_normalised_hash) OVER (
               PARTITION BY k.question ORDER BY r.started_at_us, r.request_id
           ) AS answer_before,
           LAG(r.started_at_us) OVER (
               PARTITION BY k.question, COALESCE(r.conversation_id, r.trace_id) ORDER BY r.started_at_us, r.request_id
           ) AS before_us
    FROM response_cache_candidate AS k JOIN request AS r ON r.request_id = k.request_id
),
varied AS (
    SELECT workflow_id, COUNT(*) AS compared, SUM(CASE WHEN answer <> answer_before THEN 1 ELSE 0 END) AS differing
    FROM asked WHERE answer IS NOT NULL AND answer_before IS NOT NULL GROUP BY workflow_id
)
SELECT r.request_id,
       CASE WHEN LOWER(COALESCE(r.finish_reason, 'stop')) IN (
                'length', 'max_tokens', 'max_output_tokens', 'content_filter', 'refusal', 'safety', 'recitation',
                'error') OR r.error_type IS NOT NULL THEN 'failed'
            WHEN t.request_id IS NOT NULL THEN 'tools'
            WHEN COALESCE(x.is_time, 0) = 1 THEN 'time'
            WHEN COALESCE(x.is_personal, 0) = 1 AND $scope <> 'user' THEN 'personal'
            WHEN COALESCE(r.request_temperature, 1.0) >= $creative_temperature AND (
                r.task_kind = 'drafting' OR (r.task_kind = 'open' AND r.request_temperature IS NOT NULL)
                OR (r.task_kind IN ('rewrite', 'mixed', 'short_answer') AND r.request_temperature IS NOT NULL
                    AND v.differing * 2 > v.compared)) THEN 'creative'
            WHEN LOWER(COALESCE(r.outcome, '')) IN (
                '-1', 'bad', 'down', 'thumbs_down', 'dislike', 'negative', 'rejected', 'incorrect', 'wrong')
                THEN 'rated'
            WHEN a.talk IS NOT NULL AND a.started_at_us - a.before_us <= {_AGAIN_US} THEN 'again'
            WHEN $scope = 'user' AND r.user_id IS NULL THEN 'no_user'
            ELSE '' END AS reason
FROM response_cache_candidate AS k
JOIN request AS r ON r.request_id = k.request_id
JOIN asked AS a ON a.request_id = k.request_id
LEFT JOIN varied AS v ON v.workflow_id = r.workflow_id
LEFT JOIN by_tool AS t ON t.request_id = k.request_id
LEFT JOIN by_text AS x ON x.question = k.question
"""


_WORD_COLUMNS: dict[str, pa.DataType] = {"content_hash": pa.int64(), "is_time": pa.bool_(), "is_personal": pa.bool_()}
_WORDS = pa.schema(_WORD_COLUMNS)


def find_reasons(store: Store, settings: Settings) -> None:
    """Write the temporary table `response_cache_reason` (request_id, reason), reason empty where a cache may answer.

    It holds every request whose question was asked before, or resembles another one.
    """
    scope = str(settings["scope"])
    if scope not in SCOPES:
        raise ConfigError(f"scope {scope!r} of a response cache is not known", f"one of: {', '.join(SCOPES)}")
    values = {"scope": scope, "creative_temperature": float(settings["creative_temperature"])}
    mask_headers(store)
    once(store, "response_cache_reason", values, lambda: _find(store, values))


def _find(store: Store, values: dict[str, Any]) -> None:
    store.run(_CANDIDATES)
    found = [_WORDS.empty_table(), *(_words(texts) for texts in store.stream(_TEXTS))]
    store.replace("response_cache_word", pa.concat_tables(found))
    tools = store.query(_TOOLS)
    named = [acts(tool_name(text or "")) for text in tools["text"].to_pylist()]
    store.replace(
        "response_cache_tool",
        pa.table({"content_hash": tools["content_hash"], "acts": pa.array(named, pa.bool_())}),
    )
    store.run(_REASON, **values)
    for table in ("response_cache_word", "response_cache_tool"):
        store.run(f"DROP TABLE {table}")


def _words(texts: pa.RecordBatch) -> pa.Table:
    words = texts["text"].to_pylist()
    columns = (texts["content_hash"], pa.array(holding(words, TIME)), pa.array(holding(words, PERSONAL)))
    return pa.table(columns, schema=_WORDS)
