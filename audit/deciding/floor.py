"""The noise floor: how often the current model repeats its own acceptable answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from audit.deciding.acceptance import ENOUGH
from audit.deciding.units import Unit
from audit.scoring.logged import exchanged
from audit.store import Store
from audit.taskkind import CHECKED

MOST_COMPARED = 200
"""Repetitions compared of each workflow and model."""
MOST_OPEN = 0.05
"""Share of them that programs may leave undecided for the others to name a floor."""

# each repetition of a prompt against the first answer it got; prompt keys are hashes: their order is as good as chance
_REPEATS = """
WITH answered AS (
    SELECT r.workflow_id, COALESCE(r.response_model, r.request_model) AS model, r.prompt_key, r.request_id,
           r.output_normalised_hash,
           ROW_NUMBER() OVER (PARTITION BY r.prompt_key ORDER BY r.started_at_us, r.request_id) AS place
    FROM request AS r
    WHERE r.status = 'billable' AND r.text_status = 'full' AND r.prompt_key IS NOT NULL
      AND r.output_normalised_hash IS NOT NULL
      AND r.workflow_id IN (SELECT workflow_id FROM replay)
),
repeated AS (
    SELECT a.workflow_id, a.model, f.request_id AS first_id, a.request_id AS again_id,
           CASE WHEN a.output_normalised_hash = f.output_normalised_hash THEN 1 ELSE 0 END AS equal,
           ROW_NUMBER() OVER (PARTITION BY a.workflow_id, a.model ORDER BY a.prompt_key, a.place) AS drawn
    FROM answered AS a
    JOIN answered AS f ON f.prompt_key = a.prompt_key AND f.place = 1
    WHERE a.place > 1
)
SELECT workflow_id, model, first_id, again_id, equal FROM repeated WHERE drawn <= $most
ORDER BY workflow_id, model, drawn
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
    """How often the log's repeated prompts were answered as acceptably as the first time, by workflow and model."""
    rows = store.rows(_REPEATS, most=MOST_COMPARED)
    differing = [(row["first_id"], row["again_id"]) for row in rows if not row["equal"]]
    told = dict(zip(differing, (score.passed for score in exchanged(store, differing)), strict=True))
    seen: dict[tuple[int, str], list[bool | None]] = {}
    for row in rows:
        passed = True if row["equal"] else told[row["first_id"], row["again_id"]]
        seen.setdefault((row["workflow_id"], row["model"]), []).append(passed)
    # the same text is always told and another often not: what is left open would make the share of the rest too high
    counts = {key: Counter(each) for key, each in seen.items()}
    return {
        key: Floor(each[True] / (each[True] + each[False]), each[True] + each[False], False)
        for key, each in counts.items()
        if each[None] <= MOST_OPEN * each.total()
    }


def floor(self_replay: dict[int, Unit], kind: str, logged: Floor | None) -> Floor | None:
    """Self-replay if there is one, else the log's repeated prompts where programs can tell, else None."""
    decided = [unit for unit in self_replay.values() if unit.state in ("passed", "failed")]
    if decided:
        weight = sum(unit.weight for unit in decided)
        passed = sum(unit.weight for unit in decided if unit.state == "passed")
        answered = weight + sum(unit.weight for unit in self_replay.values() if unit.state == "undecided")
        return Floor(passed / weight if weight >= ENOUGH * answered else None, len(decided), True)
    return logged if kind in CHECKED else None
