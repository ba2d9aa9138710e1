"""What a correct outcome costs: tasks that succeeded, less those whose answer people found unacceptable."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from audit.outcomes.tasks import outcomes
from audit.statistics.intervals import MIN_N_EFF, Interval, effective_size, jeffreys
from audit.store import Store

ALL = "all rated workflows"

# logged answers drawn alone stand for all requests of the log; those rated beside a candidate for the replayed sample
_RATED = """
WITH requests AS (
    SELECT prompt_key, COUNT(*) AS requests FROM request
    WHERE status = 'billable' AND prompt_key IS NOT NULL GROUP BY prompt_key
),
drawn AS (
    SELECT prompt_key, MAX(inclusion_probability) AS inclusion_probability FROM sample GROUP BY prompt_key
),
latest AS (
    SELECT t.item, t.request_id, t.rater, t.verdict,
           ROW_NUMBER() OVER (PARTITION BY t.item, t.rater ORDER BY t.rated_at_us DESC, t.event_id DESC) AS place
    FROM rating AS t WHERE t.replay_id IS NULL AND t.phase = 'two_phase'
)
SELECT COALESCE(w.name, '(none)') AS workflow, l.item, l.verdict,
       CASE WHEN i.replay_id IS NULL THEN 1 ELSE 0 END AS alone,
       q.requests / (i.inclusion_probability
           * CASE WHEN i.replay_id IS NULL THEN 1.0 ELSE COALESCE(d.inclusion_probability, 1.0) END) AS weight
FROM latest AS l
JOIN review_item AS i ON i.item = l.item
JOIN request AS r ON r.request_id = l.request_id
JOIN requests AS q ON q.prompt_key = r.prompt_key
LEFT JOIN drawn AS d ON d.prompt_key = r.prompt_key
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
WHERE l.place = 1
ORDER BY workflow, l.item, l.rater
"""


@dataclass(frozen=True, slots=True)
class CorrectOutcome:
    """Logged answers of one workflow as people found them; money is pico-USD.

    `share` of its answers is acceptable, with a 90 % interval; what a correct outcome costs follows from it, None
    where no task succeeded, or where fewer than 30 (effective) answers were rated.
    """

    key: str
    rated: int
    share: Interval
    per_success_pico: float | None
    per_correct_pico: float | None
    interval_pico: tuple[int, int] | None


def correct_outcomes(store: Store) -> list[CorrectOutcome]:
    """Every workflow of which people rated logged answers, after all of them together; empty without ratings.

    Answers drawn alone are preferred; without any, those rated beside a candidate count with the chances of both
    draws. Two raters who differ on an answer leave it out.
    """
    votes: dict[tuple[str, int], dict[str, tuple[list[bool], float]]] = {}
    for row in store.rows(_RATED):
        by_item = votes.setdefault((row["workflow"], row["alone"]), {})
        by_item.setdefault(row["item"], ([], float(row["weight"])))[0].append(row["verdict"] == "acceptable")
    if not votes:
        return []
    found = {each.name: each for each in outcomes(store).by_workflow}
    names = sorted({name for name, _ in votes})
    rated = {name: votes.get((name, 1)) or votes[name, 0] for name in names}
    made = [_outcome(name, rated[name], found[name].per_success_pico if name in found else None) for name in names]
    if len(names) < 2:
        return made
    known = [found[name] for name in names if name in found]
    successes = sum(each.successes for each in known)
    together = {item: vote for name in names for item, vote in rated[name].items()}
    return [_outcome(ALL, together, sum(each.cost_pico for each in known) / successes if successes else None), *made]


def _outcome(name: str, items: dict[str, tuple[list[bool], float]], per_success: float | None) -> CorrectOutcome:
    values, weights = [], []
    for said, weight in items.values():
        counts = Counter(said)
        if counts[True] != counts[False]:
            values.append(float(counts[True] > counts[False]))
            weights.append(weight)
    share, effective = Interval(float("nan"), 0.0, 1.0, 0.9), 0.0
    if values:
        ok = sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
        effective = effective_size(values, weights)
        share = jeffreys(ok * effective, effective)
    known = per_success is not None and effective >= MIN_N_EFF and share.estimate > 0
    return CorrectOutcome(
        name,
        len(values),
        share,
        per_success,
        per_success / share.estimate if known and per_success is not None else None,
        (round(per_success / share.high), round(per_success / share.low))
        if known and per_success is not None and share.low > 0
        else None,
    )
