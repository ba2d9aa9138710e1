"""Prompts of the log a candidate was not asked yet: how far a larger sample of a workflow can still go."""

from __future__ import annotations

from collections.abc import Sequence

from audit.deciding.rule import Trial
from audit.deciding.units import TrialKey
from audit.store import Store

_PROMPTS = """
SELECT COALESCE(r.workflow_id, 0) AS workflow_id, COALESCE(r.response_model, r.request_model, '') AS model,
       COUNT(DISTINCT r.prompt_key) AS prompts
FROM request AS r
WHERE r.status = 'billable' AND r.text_status = 'full' AND r.output_hash IS NOT NULL
GROUP BY COALESCE(r.workflow_id, 0), COALESCE(r.response_model, r.request_model, '')
"""


def unasked(store: Store, trials: Sequence[Trial]) -> dict[TrialKey, int]:
    """Distinct prompts of each trial's workflow and today's model, with text and answer, that tell nothing of it yet.

    It is the most a larger sample could add: some may hold what can't be sent again, such as audio.
    """
    logged = {(row["workflow_id"], row["model"]): row["prompts"] for row in store.rows(_PROMPTS)}
    return {trial.key: max(0, logged.get(trial.key[:2], 0) - len(trial.units)) for trial in trials}
