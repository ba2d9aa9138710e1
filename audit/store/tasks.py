"""What a task is: the calls that answer one question, whether it succeeded, and which calls were in vain.

A question is asked again when the same prompt comes back within ten minutes from the same user or conversation, or,
where nobody is named, within a minute of a call that failed: retries, fallbacks to another model, regenerated answers.
Calls of one trace that follow each other within ten minutes belong to one task, whatever they ask: an agent's steps.

A task succeeds as its explicit outcome or feedback says; without one, when its last call answered and did not refuse. A
call is in vain when its task failed, when it failed itself or its question was asked again (`retried`; `regenerated`
when that was a minute or more after an answer, which somebody did not like), and when it only reads the error of a tool
(`tool failed`).
"""

from __future__ import annotations

import json

from audit.refusals import LEAD, LONGEST, REFUSAL
from audit.store.database import Store

TASK_GAP_US = 600_000_000
REGENERATED_US = 60_000_000
DISPUTED = (
    "0", "0.0", "-1", "-1.0", "false", "fail", "failed", "failure", "bad", "poor", "negative", "down", "thumbs_down",
    "thumbs-down", "thumbsdown", "👎", "dislike", "disliked", "rejected", "reject", "incorrect", "wrong", "unhelpful",
    "not helpful", "not_helpful",
)  # fmt: skip
"""Outcomes, in lower case, that speak of the answer itself rather than of what became of the task."""
NEGATIVE = (
    *DISPUTED, "no", "n", "error",
    "unresolved", "not resolved", "not_resolved", "escalated", "handed_over", "handed over", "handover", "handoff",
    "transferred", "refused", "abandoned", "cancelled", "canceled", "expired", "unsuccessful", "unsatisfied",
    "dissatisfied", "timeout",
)  # fmt: skip
"""Outcomes that are no success, in lower case. Any other word is one; ratings of up to 5 (10) succeed from 3 (5) on."""
_UNTOLD = (
    "",
    "none",
    "null",
    "n/a",
    "na",
    "nan",
    "unknown",
    "pending",
    "open",
    "in_progress",
    "in progress",
    "neutral",
)


def _words(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _ratings(low: int, high: int) -> str:
    return _words(tuple(text for value in range(low, high + 1) for text in (str(value), f"{value}.0")))


# what an answer says, where its finish reason does not; in a step of its own, so that only short texts are read
_REFUSED = f"""
CREATE OR REPLACE TEMP TABLE task_refusal AS
WITH short AS (
    SELECT DISTINCT s.content_hash FROM segment AS s
    JOIN (SELECT content_hash FROM content WHERE characters <= {LONGEST}) AS c ON c.content_hash = s.content_hash
    WHERE s.direction = 'output' AND s.kind = 'answer'
),
declined AS (
    SELECT c.content_hash FROM content AS c JOIN short AS s ON s.content_hash = c.content_hash
    WHERE regexp_matches(SUBSTR(c.text, 1, {LEAD}), $refusal)
)
SELECT s.request_id FROM segment AS s LEFT JOIN declined AS d ON d.content_hash = s.content_hash
WHERE s.direction = 'output' AND s.kind IN ('answer', 'tool_call')
GROUP BY s.request_id HAVING COUNT(*) = COUNT(d.content_hash)
"""
_CALLS = f"""
CREATE OR REPLACE TEMP TABLE task_call AS
WITH rated AS (
    SELECT MAX(CASE WHEN outcome IN ({_ratings(6, 10)}) THEN 10 WHEN outcome IN ({_ratings(2, 5)}) THEN 5 ELSE 0 END)
               AS scale FROM request
),
calls AS (
    SELECT r.request_id, r.workflow_id, r.started_at_us, r.conversation_id, LOWER(COALESCE(r.outcome, '')) AS outcome,
           CASE WHEN r.started_at_us IS NULL THEN NULL ELSE r.question_key END AS question_key,
           COALESCE(r.user_id, '') AS who,
           COALESCE(r.conversation_id, CASE WHEN r.user_id IS NULL THEN r.trace_id ELSE NULL END, '') AS place,
           CASE WHEN r.started_at_us IS NULL THEN NULL ELSE COALESCE(r.trace_id, r.parent_id) END AS thread,
           CASE WHEN r.status = 'billable' AND f.request_id IS NULL AND LOWER(COALESCE(r.finish_reason, 'stop'))
                     NOT IN ('refusal', 'content_filter', 'safety', 'error') THEN 1 ELSE 0 END AS answered
    FROM request AS r LEFT JOIN task_refusal AS f ON f.request_id = r.request_id
    WHERE r.status IN ('billable', 'failed')
)
SELECT c.request_id, c.workflow_id, c.started_at_us, c.question_key, c.who, c.place, c.answered,
       CASE WHEN c.thread = c.conversation_id THEN NULL ELSE c.thread END AS thread,
       CASE WHEN c.outcome IN ({_words(_UNTOLD)}) THEN NULL
            WHEN c.outcome IN ({_words(NEGATIVE)}) THEN 0
            WHEN t.scale = 5 AND c.outcome IN ({_ratings(1, 2)}) THEN 0
            WHEN t.scale = 10 AND c.outcome IN ({_ratings(1, 4)}) THEN 0 ELSE 1 END AS told
FROM calls AS c CROSS JOIN rated AS t
"""
# the calls that ask one question, as `run_id`; only questions that were asked more than once by the same
_RUNS = f"""
CREATE OR REPLACE TEMP TABLE task_run AS
WITH again AS (
    SELECT question_key, who, place FROM task_call WHERE question_key IS NOT NULL
    GROUP BY question_key, who, place HAVING COUNT(*) > 1
),
timed AS (
    SELECT c.request_id, c.question_key, c.who, c.place, c.started_at_us,
           c.started_at_us - LAG(c.started_at_us) OVER (
               PARTITION BY c.question_key, c.who, c.place ORDER BY c.started_at_us, c.request_id) AS gap_us,
           LAG(c.answered) OVER (
               PARTITION BY c.question_key, c.who, c.place ORDER BY c.started_at_us, c.request_id) AS answered_before
    FROM task_call AS c
    JOIN again AS a ON a.question_key = c.question_key AND a.who = c.who AND a.place = c.place
),
numbered AS (
    SELECT request_id, question_key, who, place,
           SUM(CASE WHEN (who <> '' OR place <> '') AND gap_us <= {TASK_GAP_US} THEN 0
                    WHEN answered_before = 0 AND gap_us <= {REGENERATED_US} THEN 0 ELSE 1 END)
               OVER (PARTITION BY question_key, who, place ORDER BY started_at_us, request_id
                     ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS number
    FROM timed
)
SELECT request_id, MIN(request_id) OVER (PARTITION BY question_key, who, place, number) AS run_id FROM numbered
"""
_MEMBERS = f"""
CREATE OR REPLACE TEMP TABLE task_member AS
WITH runs AS (
    SELECT c.request_id, c.workflow_id, c.started_at_us, c.answered, c.told, c.thread,
           COALESCE(u.run_id, c.request_id) AS run_id
    FROM task_call AS c LEFT JOIN task_run AS u ON u.request_id = c.request_id
),
wide AS (
    SELECT thread FROM runs WHERE thread IS NOT NULL GROUP BY thread HAVING MIN(run_id) <> MAX(run_id)
),
timed AS (
    SELECT r.request_id, r.thread, r.started_at_us,
           r.started_at_us - LAG(r.started_at_us) OVER (
               PARTITION BY r.thread ORDER BY r.started_at_us, r.request_id) AS gap_us
    FROM runs AS r JOIN wide AS w ON w.thread = r.thread
),
numbered AS (
    SELECT request_id, thread, SUM(CASE WHEN gap_us <= {TASK_GAP_US} THEN 0 ELSE 1 END)
               OVER (PARTITION BY thread ORDER BY started_at_us, request_id
                     ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS number
    FROM timed
),
traced AS (SELECT request_id, MIN(request_id) OVER (PARTITION BY thread, number) AS task_id FROM numbered)
SELECT r.request_id, r.workflow_id, r.started_at_us, r.answered, r.told, r.run_id,
       COALESCE(t.task_id, r.run_id) AS task_id
FROM runs AS r LEFT JOIN traced AS t ON t.request_id = r.request_id
"""
_ERRORS = (
    "error:", "error executing", "traceback (most", "exception:", "<tool_use_error>", '{"error"', '{"is_error":true',
    '{"is_error": true', '{"success":false', '{"success": false', '{"status":"error"', '{"status": "error"',
)  # fmt: skip
_STARTS = " OR ".join(f"start LIKE '{start}%'" for start in _ERRORS)
# in a step of its own: the engine would look at the start of every text of the log
_TOOL_RESULTS = """
CREATE OR REPLACE TEMP TABLE task_tool_result AS
SELECT c.content_hash, LOWER(SUBSTR(LTRIM(c.text), 1, 30)) AS start
FROM content AS c
JOIN (SELECT DISTINCT content_hash FROM segment WHERE direction = 'input' AND kind = 'tool_result') AS k
    ON k.content_hash = c.content_hash
"""
# calls whose newest message is the error of a tool
_TOOL_ERRORS = f"""
CREATE OR REPLACE TEMP TABLE task_tool_error AS
WITH error AS (SELECT content_hash FROM task_tool_result WHERE {_STARTS}),
newest AS (
    SELECT s.request_id, MAX(s.position) AS position FROM segment AS s
    JOIN (SELECT DISTINCT s.request_id FROM segment AS s JOIN error AS e ON e.content_hash = s.content_hash) AS f
        ON f.request_id = s.request_id
    WHERE s.direction = 'input' GROUP BY s.request_id
)
SELECT n.request_id FROM newest AS n
JOIN segment AS s ON s.request_id = n.request_id AND s.position = n.position
JOIN error AS e ON e.content_hash = s.content_hash
WHERE s.kind = 'tool_result'
"""
_ATTEMPTS = f"""
CREATE OR REPLACE TEMP TABLE task_attempt AS
WITH several AS (SELECT task_id FROM task_member GROUP BY task_id HAVING COUNT(*) > 1),
chained AS (
    SELECT m.*, LEAD(m.started_at_us) OVER (
               PARTITION BY m.task_id, m.run_id ORDER BY m.started_at_us, m.request_id) AS next_at_us,
           ROW_NUMBER() OVER (PARTITION BY m.task_id ORDER BY m.started_at_us DESC, m.request_id DESC) AS back,
           COUNT(*) OVER (PARTITION BY m.task_id) AS attempts
    FROM task_member AS m JOIN several AS s ON s.task_id = m.task_id
),
heard AS (
    SELECT *, ROW_NUMBER() OVER (
               PARTITION BY task_id ORDER BY CASE WHEN told IS NULL OR next_at_us IS NOT NULL THEN 1 ELSE 0 END,
                                             started_at_us DESC, request_id DESC) AS hearing
    FROM chained
),
judged AS (
    SELECT request_id, workflow_id, started_at_us, task_id, answered, next_at_us, back, attempts,
           COALESCE(MAX(CASE WHEN hearing = 1 AND next_at_us IS NULL THEN told ELSE NULL END)
                        OVER (PARTITION BY task_id),
                    MAX(CASE WHEN back = 1 THEN answered ELSE 0 END) OVER (PARTITION BY task_id)) AS success
    FROM heard
    UNION ALL
    SELECT m.request_id, m.workflow_id, m.started_at_us, m.task_id, m.answered, NULL AS next_at_us, 1 AS back,
           1 AS attempts, COALESCE(m.told, m.answered) AS success
    FROM task_member AS m LEFT JOIN several AS s ON s.task_id = m.task_id WHERE s.task_id IS NULL
)
SELECT j.request_id, j.workflow_id, j.started_at_us, j.task_id, j.attempts, j.answered, j.success,
       CASE WHEN j.back = 1 THEN 1 ELSE 0 END AS is_last,
       CASE WHEN j.next_at_us IS NOT NULL THEN 1 ELSE 0 END AS repeated,
       CASE WHEN j.success = 0 THEN 'failed'
            WHEN j.next_at_us IS NOT NULL AND j.answered = 1 AND j.next_at_us - j.started_at_us >= {REGENERATED_US}
            THEN 'regenerated'
            WHEN j.next_at_us IS NOT NULL OR j.answered = 0 THEN 'retried'
            WHEN e.request_id IS NOT NULL THEN 'tool failed' ELSE '' END AS waste
FROM judged AS j LEFT JOIN task_tool_error AS e ON e.request_id = j.request_id
"""
_TASKS = """
CREATE OR REPLACE TEMP TABLE task AS
SELECT request_id, workflow_id, attempts, success FROM task_attempt WHERE is_last = 1
"""
_STATE = """
SELECT COUNT(*) AS requests, MAX(request_id) AS last_id, COUNT(DISTINCT workflow_id) AS workflows,
       COUNT(outcome) AS outcomes
FROM request
"""


def tasks(store: Store) -> None:
    """Make the temporary tables `task_attempt` (one row per call) and `task` (one per task), once for this very log.

    Of a task's rows in `task_attempt`, `is_last` marks the last, `repeated` those whose question was
    asked again; `waste` says why a call was in vain, '' for those that were not. `task` has the last call of each task,
    and `success` 1 or 0.
    """
    mark = json.dumps(store.rows(_STATE)[0], default=str)
    if "task_mark" in store.tables() and store.value("SELECT mark FROM task_mark") == mark:
        return
    store.run(_REFUSED, refusal=REFUSAL)
    for sql in (_CALLS, _RUNS, _MEMBERS, _TOOL_RESULTS, _TOOL_ERRORS, _ATTEMPTS, _TASKS):
        store.run(sql)
    for table in ("task_refusal", "task_call", "task_run", "task_member", "task_tool_result", "task_tool_error"):
        store.run(f"DROP TABLE {table}")
    store.run("CREATE OR REPLACE TEMP TABLE task_mark AS SELECT $mark AS mark", mark=mark)
