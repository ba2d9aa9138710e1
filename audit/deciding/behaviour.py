"""How often a model refuses or fails, today and as a candidate: what an average of acceptable answers can hide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.deciding.units import TrialKey, Unit
from audit.scorers import Answer
from audit.scorers._guards import finish_state
from audit.store import Store

_CANDIDATES = "SELECT replay_id, text, tool_calls, finish_reason FROM replay WHERE status = 'ok'"
_LOGGED = """
SELECT s.request_id, c.text, r.finish_reason
FROM segment AS s
JOIN content AS c ON c.content_hash = s.content_hash
JOIN request AS r ON r.request_id = s.request_id
WHERE s.direction = 'output' AND s.kind = 'answer' AND c.text IS NOT NULL
  AND s.request_id IN (SELECT request_id FROM replay)
"""
_ERRORS = """
SELECT workflow_id, COALESCE(response_model, request_model) AS model,
       SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed, COUNT(*) AS calls
FROM request
WHERE status IN ('failed', 'billable') AND workflow_id IN (SELECT workflow_id FROM replay)
GROUP BY workflow_id, COALESCE(response_model, request_model)
"""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Refusals among the answers compared, and shares of calls without an answer; None where the log can't tell."""

    refused: int
    current_refused: int
    error_share: float | None
    current_error_share: float | None


class Behaviours:
    """What the audit file holds of refusals and failures, read once for all trials."""

    def __init__(self, store: Store) -> None:
        self._candidate = {
            row["replay_id"]
            for row in store.rows(_CANDIDATES)
            if not row["tool_calls"] and _refuses(row["text"], row["finish_reason"])
        }
        self._logged = {row["request_id"] for row in store.rows(_LOGGED) if _refuses(row["text"], row["finish_reason"])}
        self._errors = {
            (row["workflow_id"], row["model"]): int(row["failed"]) / row["calls"] for row in store.rows(_ERRORS)
        }

    def of(self, key: TrialKey, units: Sequence[Unit]) -> Behaviour:
        """The behaviour of one candidate on its counted units, beside that of today's model."""
        answered = [unit for unit in units if unit.state != "no_answer"]
        return Behaviour(
            sum(unit.replay_id in self._candidate for unit in answered),
            sum(unit.request_id in self._logged for unit in answered),
            1 - len(answered) / len(units) if units else None,
            self._errors.get((key.workflow_id, key.current_model)),
        )


def _refuses(text: str | None, finish_reason: str | None) -> bool:
    return finish_state(Answer(text or "", (), finish_reason)) == "refused"
