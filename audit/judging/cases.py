"""The answers a judge is asked about: those no program could decide, or failed with doubt, and what it has to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.hashes import folded
from audit.judging.protocol import RUBRICS, USUAL_RUBRIC
from audit.scoring import answer_text, transcripts
from audit.store import Store
from audit.store.tasks import DISPUTED

_CHUNK = 256

# a program's word is final unless it doubts it; where several programs spoke, none of them may have been sure
_OPEN = """
WITH open_answer AS (
    SELECT s.replay_id, MIN(s.task_kind) AS task_kind, COUNT(s.passed) > 0 AS doubtful
    FROM score AS s WHERE s.scorer NOT LIKE 'judge%'
    GROUP BY s.replay_id
    HAVING SUM(CASE WHEN s.passed OR (NOT s.passed AND NOT COALESCE(s.doubtful, FALSE)) THEN 1 ELSE 0 END) = 0
)
SELECT p.replay_id, p.request_id, p.workflow_id, p.current_model, p.endpoint, p.model,
       COALESCE(p.variant, '') AS variant, p.text, p.tool_calls, o.task_kind, o.doubtful,
       COALESCE(w.name, '') AS workflow, COALESCE(r.provider_name, r.price_provider, '') AS provider_name, r.outcome
FROM open_answer AS o
JOIN replay AS p ON p.replay_id = o.replay_id
JOIN request AS r ON r.request_id = p.request_id
LEFT JOIN workflow AS w ON w.workflow_id = p.workflow_id
WHERE p.status = 'ok' AND COALESCE(p.text, '') || COALESCE(p.tool_calls, '') <> ''
ORDER BY p.prompt_key, p.replay_id
"""

_GIVEN = """
SELECT workflow_id, current_model, endpoint, model, COALESCE(variant, '') AS variant, text, tool_calls
FROM replay WHERE status = 'ok' AND COALESCE(text, '') || COALESCE(tool_calls, '') <> ''
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One replayed answer to judge; `candidate_key` names the candidate on its workflow.

    `doubtful`: programs failed it with doubt; of others they could tell nothing. `disputed`: the log itself marks the
    logged answer as bad.
    """

    replay_id: int
    request_id: int
    workflow_id: int | None
    workflow: str
    provider_name: str
    candidate_key: tuple[object, ...]
    task_kind: str
    turns: tuple[tuple[str, str], ...]
    logged: str
    candidate: str
    rubric: str
    doubtful: bool = False
    disputed: bool = False


def cases(store: Store, rubrics: Mapping[str, str], workflows: Sequence[str] = ()) -> list[Case]:
    """Every open or doubtful answer whose logged counterpart has text, in an order of chance (of the prompts' hashes).

    `rubrics` says by workflow name what makes an answer acceptable; others get that of their task kind.
    """
    rows = [row for row in store.rows(_OPEN) if not workflows or row["workflow"] in workflows]
    made: list[Case] = []
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        found = transcripts(store, [row["request_id"] for row in part])
        for row in part:
            transcript = found[row["request_id"]]
            if not transcript.answer.strip():
                continue
            kind = row["task_kind"] or ""
            made.append(
                Case(
                    row["replay_id"], row["request_id"], row["workflow_id"], row["workflow"], row["provider_name"],
                    _candidate(row),
                    kind, tuple(transcript.turns), transcript.answer, answer_text(row["text"], row["tool_calls"]),
                    rubrics.get(row["workflow"]) or RUBRICS.get(kind, USUAL_RUBRIC), row["doubtful"],
                    (row["outcome"] or "").strip().casefold() in DISPUTED,
                )
            )  # fmt: skip
    return made


def given(store: Store) -> Counter[tuple[object, str]]:
    """How often each candidate on a workflow (`Case.candidate_key`) gave each text, folded, to whatever prompt."""
    return Counter((_candidate(row), folded(answer_text(row["text"], row["tool_calls"]))) for row in store.rows(_GIVEN))


def _candidate(row: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(row[name] for name in ("workflow_id", "current_model", "endpoint", "model", "variant"))
