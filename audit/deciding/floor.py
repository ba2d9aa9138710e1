"""The noise floor: how often the current model repeats its own acceptable answer."""

from __future__ import annotations

from dataclasses import dataclass

from audit.deciding.acceptance import ENOUGH
from audit.deciding.units import Unit
from audit.store import Store
from audit.taskkind import CHECKED

# each repetition of a prompt against the first answer it got
_REPEATS = """
WITH answered AS (
    SELECT r.workflow_id, COALESCE(r.response_model, r.request_model) AS model, r.prompt_key, r.output_normalised_hash,
           ROW_NUMBER() OVER (PARTITION BY r.prompt_key ORDER BY r.started_at_us, r.request_id) AS place
    FROM request AS r
    WHERE r.status = 'billable' AND r.text_status = 'full' AND r.prompt_key IS NOT NULL
      AND r.output_normalised_hash IS NOT NULL
      AND r.workflow_id IN (SELECT workflow_id FROM replay)
)
SELECT a.workflow_id, a.model, COUNT(*) AS repeats,
       SUM(CASE WHEN a.output_normalised_hash = f.output_normalised_hash THEN 1 ELSE 0 END) AS agreeing
FROM answered AS a
JOIN answered AS f ON f.prompt_key = a.prompt_key AND f.place = 1
WHERE a.place > 1
GROUP BY a.workflow_id, a.model
"""


@dataclass(frozen=True, slots=True)
class Floor:
    """Share of acceptable self-answers and how many it rests on; `paired` when it comes from a self-replay.

    No rate is named where fewer than half of the self-answers are decided: the rest could be anything.
    """

    rate: float | None
    n: int
    paired: bool


def repeats(store: Store) -> dict[tuple[int, str], Floor]:
    """Agreement of exact duplicates in the log, by workflow and model."""
    return {
        (row["workflow_id"], row["model"]): Floor(int(row["agreeing"]) / row["repeats"], row["repeats"], False)
        for row in store.rows(_REPEATS)
    }


def floor(self_replay: dict[int, Unit], kind: str, logged: Floor | None) -> Floor | None:
    """Self-replay if there is one, else the log's duplicates where equal text is what acceptable means, else None."""
    decided = [unit for unit in self_replay.values() if unit.state in ("passed", "failed")]
    if decided:
        weight = sum(unit.weight for unit in decided)
        passed = sum(unit.weight for unit in decided if unit.state == "passed")
        answered = weight + sum(unit.weight for unit in self_replay.values() if unit.state == "undecided")
        return Floor(passed / weight if weight >= ENOUGH * answered else None, len(decided), True)
    return logged if kind in CHECKED else None
