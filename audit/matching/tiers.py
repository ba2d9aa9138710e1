"""How many requests ask what was asked before, in four notions of sameness, and the dearest groups of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from audit.levers._similar_certificate import DEFAULTS, Certificate, certificates, step_of
from audit.matching.alike import join_alike
from audit.matching.questions import LEFT_OUT, MOST
from audit.matching.similar import NEAR, REWORDED, similar
from audit.similarity.embedding import MISSING, model
from audit.store import Store
from audit.store.naming import REQUEST_NAME

_TIER = """
WITH paid AS (
    SELECT r.request_id, {key} AS match_key, COALESCE(r.started_at_us, 0) AS at_us, COALESCE(c.cost_pico, 0) AS cost
    FROM request AS r
    LEFT JOIN request_cost AS c ON c.request_id = r.request_id
    {joined}
    WHERE r.status = 'billable' AND {key} IS NOT NULL
),
placed AS (
    SELECT match_key, cost, request_id,
           ROW_NUMBER() OVER (PARTITION BY match_key ORDER BY at_us, request_id) AS place
    FROM paid
),
grouped AS (
    SELECT match_key, COUNT(*) AS requests,
           CAST(SUM(CASE WHEN place > 1 THEN cost ELSE 0 END) AS DECIMAL(38, 0)) AS cost,
           MIN(CASE WHEN place = 1 THEN request_id ELSE NULL END) AS first_id
    FROM placed GROUP BY match_key HAVING COUNT(*) > 1
)
"""

_TOTALS = (
    _TIER
    + """
SELECT COUNT(*) AS groups, CAST(COALESCE(SUM(requests), 0) AS BIGINT) AS requests,
       CAST(COALESCE(SUM(requests - 1), 0) AS BIGINT) AS avoidable,
       CAST(COALESCE(SUM(cost), 0) AS DECIMAL(38, 0)) AS cost
FROM grouped
"""
)

_TOP = (
    _TIER
    + f"""
, last_user AS (
    SELECT s.request_id, MAX(s.position) AS position FROM segment AS s
    JOIN grouped AS g ON g.first_id = s.request_id
    WHERE s.direction = 'input' AND s.kind IN ('user', 'history', 'tool_result') GROUP BY s.request_id
),
answers AS (
    SELECT {{key}} AS match_key, COUNT(DISTINCT r.output_normalised_hash) AS answers,
           COUNT(DISTINCT {{stricter}}) AS wordings
    FROM request AS r
    {{joined}}
    JOIN grouped AS g ON g.match_key = {{key}}
    WHERE r.status = 'billable' GROUP BY {{key}}
)
SELECT g.requests, g.requests - 1 AS avoidable, g.cost AS cost_pico,
       {REQUEST_NAME} AS external_id,
       COALESCE(w.name, '(none)') AS workflow, COALESCE(r.response_model, r.request_model, 'unknown') AS model,
       COALESCE(a.answers, 0) AS distinct_answers, COALESCE(a.wordings, 1) AS wordings, c.text
FROM grouped AS g
JOIN request AS r ON r.request_id = g.first_id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
LEFT JOIN answers AS a ON a.match_key = g.match_key
LEFT JOIN last_user AS l ON l.request_id = g.first_id
LEFT JOIN segment AS s ON s.request_id = l.request_id AND s.position = l.position
LEFT JOIN content AS c ON c.content_hash = s.content_hash
ORDER BY CASE WHEN a.wordings > 1 THEN 0 ELSE 1 END, g.cost DESC, g.requests DESC, g.match_key LIMIT $top
"""
)


QUESTION = "COALESCE(r.normalised_key, r.prompt_key)"
_JOINED = f"LEFT JOIN {{table}} AS a ON a.question = {QUESTION}"
_ALIKE = f"COALESCE(a.leader, {QUESTION})"


@dataclass(frozen=True, slots=True)
class DuplicateTier:
    """Requests that are the same under one notion of sameness; looser tiers include stricter ones.

    `avoidable` is requests minus distinct ones, `cost_pico` what every one after the first cost. `top` holds the
    dearest groups, those first that join several `wordings` a stricter notion keeps apart. `measured` is false when
    this log (or this installation) can't tell; `reason` says why, or what the figures leave out. `workflows` holds how
    alike questions must be for one answer to serve both, and what that rests on, by workflow.
    """

    name: str
    groups: int = 0
    requests: int = 0
    avoidable: int = 0
    cost_pico: int = 0
    top: list[dict[str, Any]] = field(default_factory=list)
    measured: bool = True
    reason: str = ""
    workflows: list[dict[str, Any]] = field(default_factory=list)


TIERS = ("exact", "normalised", "near", "semantic")


def matching(store: Store, *, top: int = 10) -> list[DuplicateTier]:
    """Duplicates of all four kinds over the whole log, with the dearest groups of each; finds similar questions first.

    `near` joins questions that differ in small words, spelling or synonyms, or in a word or two if they were given the
    same answer; `semantic` also those alike in meaning, in the workflows where the logged answers certify that one
    answer serves both. Guards keep numbers, names, negations, opposites and exchanged orders apart in both.
    """
    if not store.value("SELECT COUNT(*) FROM request WHERE status = 'billable' AND prompt_key IS NOT NULL"):
        reason = "the log holds no complete prompt text"
        return [DuplicateTier(name, measured=False, reason=reason) for name in TIERS]
    similar(store)
    found = certificates(store, DEFAULTS)
    join_alike(store, "near_question", lambda workflow, method, similarity, same: _near(method, same))
    return [
        _tier(store, "exact", "r.prompt_key", "r.prompt_key", "", top),
        _tier(store, "normalised", "r.normalised_key", "r.prompt_key", "", top),
        replace(_alike(store, "near", "near_question", top), reason=_left_out(store)),
        _semantic(store, found, top),
    ]


def _alike(store: Store, name: str, table: str, top: int) -> DuplicateTier:
    """Requests whose questions a table of alike ones joins."""
    return _tier(store, name, _ALIKE, QUESTION, _JOINED.format(table=table), top)


def _tier(store: Store, name: str, key: str, stricter: str, joined: str, top: int) -> DuplicateTier:
    totals = store.rows(_TOTALS.format(key=key, joined=joined))[0]
    return DuplicateTier(
        name=name,
        groups=totals["groups"],
        requests=totals["requests"],
        avoidable=totals["avoidable"],
        cost_pico=int(totals["cost"]),
        top=store.rows(_TOP.format(key=key, stricter=stricter, joined=joined), top=top),
    )


def _left_out(store: Store) -> str:
    number = int(store.meta(LEFT_OUT) or 0)
    return f"{number} distinct questions beyond the first {MOST} were not compared" if number else ""


def _near(method: str, same: bool) -> bool:
    """Near copies, and questions with another word in one place that were given the same answer."""
    return method == NEAR or (method == REWORDED and same)


def _semantic(store: Store, found: Mapping[int, Certificate], top: int) -> DuplicateTier:
    if model() is None:
        return DuplicateTier("semantic", measured=False, reason=MISSING)

    def accept(workflow: int, method: str, similarity: float, same: bool) -> bool:
        if _near(method, same):
            return True
        chosen = found[workflow].chosen if workflow in found else None
        step = step_of(method, similarity)
        return chosen is not None and step is not None and step <= chosen

    join_alike(store, "semantic_question", accept)
    tier = _alike(store, "semantic", "semantic_question", top)
    names = {row["workflow_id"]: row["name"] for row in store.rows("SELECT workflow_id, name FROM workflow")}
    ordered = sorted(found.values(), key=lambda each: (-each.last.requests, each.workflow_id))
    return replace(
        tier,
        reason=_left_out(store) if any(each.chosen is not None for each in ordered) else _uncertified(ordered, names),
        workflows=[_curve(each, names.get(each.workflow_id, "(none)")) for each in ordered],
    )


def _uncertified(ordered: list[Certificate], names: Mapping[int, str]) -> str:
    if not ordered:
        return "no question resembles an earlier one in meaning"
    largest = ordered[0]
    return (
        f"near copies only: in no workflow do the logged answers certify that questions alike in meaning may share one;"
        f" in {names.get(largest.workflow_id, '(none)')}, {largest.reason}"
    )


def _curve(each: Certificate, name: str) -> dict[str, Any]:
    """Requests answered against the bound on wrong answers, step by step."""
    steps = [{key: value for key, value in asdict(step).items() if key != "pairs"} for step in each.steps]
    chosen = None if each.chosen is None else {key: steps[each.chosen][key] for key in ("method", "similarity")}
    return {
        "workflow": name, "certified": chosen, "reason": each.reason or None, "floor": each.floor,
        "allowed": each.allowed, "steps": steps,
    }  # fmt: skip
