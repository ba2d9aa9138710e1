"""Think less where the task is easy: reasoning tokens spent on labels, extraction and short answers."""

from __future__ import annotations

from audit.figures import money, share, things
from audit.levers import Lever, Settings
from audit.levers._outputs import found, rewrite
from audit.levers._places import instance, spared
from audit.store import Store

_NAME = "reasoning_effort"
_CUT = """
CREATE OR REPLACE TEMP TABLE reasoning_effort_cut AS
SELECT r.request_id, CAST(ROUND(r.reasoning_output_tokens * (1.0 - $kept_share)) AS BIGINT) AS cut
FROM request AS r LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
WHERE r.status = 'billable' AND r.reasoning_output_tokens > 0
  AND r.task_kind IN ('classification', 'extraction', 'short_answer', 'rewrite')
  AND COALESCE(w.difficulty, 0.0) <= $most_difficulty
  AND LOWER(COALESCE(r.reasoning_effort, '')) NOT IN ('none', 'minimal')
"""
_OUTPUT = """
SELECT r.workflow_id, CAST(SUM(r.reasoning_output_tokens) AS DOUBLE) / CAST(SUM(r.output_tokens) AS DOUBLE) AS thought
FROM request AS r JOIN reasoning_effort_cut AS c ON c.request_id = r.request_id
WHERE r.output_tokens > 0 GROUP BY r.workflow_id
"""


def _prepare(store: Store, settings: Settings) -> None:
    values = {name: float(settings[name]) for name in ("kept_share", "most_difficulty")}
    store.run(_CUT, **values)


def _blocked(store: Store, settings: Settings) -> str | None:
    del settings
    if store.value("SELECT COUNT(*) FROM request WHERE reasoning_output_tokens > 0"):
        return None
    return "no request of this log reports reasoning tokens"


def _findings(store: Store, settings: Settings) -> list[str]:
    del settings
    thought = {row["workflow_id"]: row["thought"] for row in store.rows(_OUTPUT)}
    example = {place.workflow_id: place.example for place in spared(store, f"{_NAME}_cut")}
    return [
        f"{row['workflow']}: {share(thought.get(row['workflow_id']), 0)} of its output tokens are reasoning in "
        f"{things(row['requests'], 'request')} ({money(row['saving_pico'])})"
        f"{instance(example.get(row['workflow_id']))}"
        for row in found(store, _NAME)[:6]
    ]


LEVER = Lever(
    name=_NAME,
    title="Less reasoning on easy tasks",
    stage="SCENARIO",
    order=40,
    evidence="D",
    rewrite=rewrite(_NAME),
    effort_days=1,
    risk="medium",
    needs=("usage",),
    settings={"kept_share": 0.2, "most_difficulty": 0.6},
    prepare=_prepare,
    blocked=_blocked,
    findings=_findings,
    conditions=(
        "assumed, not measured: {kept_share} of the reasoning tokens stay at a lower effort, and answers do not change",
        "classification, extraction, short answers and rewriting of difficulty {most_difficulty} or less, where the "
        "effort is not minimal already; some models can't switch reasoning off",
        "never in the sum; replay the workflow at a lower effort to measure it",
    ),
    fix="Set the reasoning effort of these workflows to low or minimal, after a replay on a sample.",
    never_costs=True,
)
