"""The stage: find the replayed answers no current scorer has seen, judge them, write `score`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from audit.scoring.evidence import Unit, label_sets, units
from audit.scoring.judgement import judge, kind_of, versions
from audit.store import Store

_CHUNK = 256

_UNSCORED = """
CREATE OR REPLACE TEMP TABLE scoring_unit AS
SELECT p.replay_id, p.request_id, ROW_NUMBER() OVER (ORDER BY p.request_id, p.replay_id) AS place
FROM replay AS p
LEFT JOIN (
    SELECT DISTINCT s.replay_id
    FROM score AS s
    JOIN scoring_known AS k ON k.scorer = s.scorer AND k.scorer_version = s.scorer_version
) AS done ON done.replay_id = p.replay_id
WHERE p.status = 'ok' AND done.replay_id IS NULL
"""

# scores of earlier versions give way; judges' and people's verdicts stay
_OUTDATED = """
DELETE FROM score
WHERE scorer IN (SELECT scorer FROM scoring_known)
  AND replay_id IN (SELECT replay_id FROM scoring_unit WHERE place BETWEEN $low AND $high)
"""


@dataclass(frozen=True, slots=True)
class Scored:
    """How many answers were judged now, and how; undecided ones need a judge or a person."""

    scored: int = 0
    passed: int = 0
    failed: int = 0
    undecided: int = 0


def scoring(store: Store, progress: Callable[[int, int], None] | None = None) -> Scored:
    """Judge every replayed answer without a score of the current scorers; run again, it finds nothing to do.

    `progress` is called with (answers judged, answers to judge). What was judged before an interruption stays.
    """
    store.run("CREATE OR REPLACE TEMP TABLE scoring_known (scorer VARCHAR, scorer_version VARCHAR)")
    known = versions()
    store.write_rows("scoring_known", [{"scorer": name, "scorer_version": known[name]} for name in known])
    store.run(_UNSCORED)
    total = store.value("SELECT COUNT(*) FROM scoring_unit") or 0
    counts = {True: 0, False: 0, None: 0}
    labels = label_sets(store) if total else {}
    for low in range(1, total + 1, _CHUNK):
        high = min(low + _CHUNK - 1, total)
        rows = [_row(unit) for unit in units(store, low, high, labels)]
        with store.transaction():
            store.run(_OUTDATED, low=low, high=high)
            store.write_rows("score", rows)
        for row in rows:
            counts[row["passed"]] += 1
        if progress:
            progress(high, total)
    return Scored(total, counts[True], counts[False], counts[None])


def _row(unit: Unit) -> dict[str, Any]:
    kind = kind_of(unit.task_kind, unit.reference)
    found = judge(kind, unit.reference, unit.candidate, unit.context)
    return {
        "replay_id": unit.replay_id,
        "scorer": found.scorer,
        "scorer_version": found.version,
        "score": found.value,
        "passed": found.passed,
        "doubtful": found.doubtful,
        "reason": found.reason,
        "task_kind": kind,
        "scored_at_us": time.time_ns() // 1000,
    }
