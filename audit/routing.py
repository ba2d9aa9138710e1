"""The decision as a routing table: which workflow may go to which cheaper model, on what certificate, until when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from audit.statistics.verdicts import FAMILY_DELTA, VALID_DAYS
from audit.store import Store

_DAY_US = 86_400_000_000

_VERDICTS = """
SELECT v.*, COALESCE(w.name, '(none)') AS workflow
FROM verdict AS v LEFT JOIN workflow AS w ON w.workflow_id = v.workflow_id
WHERE v.variant = ''
ORDER BY workflow, v.current_model, v.cost_ratio, v.endpoint, v.model
"""

# every part that was tried, with the verdict on the whole
_POLICIES = """
SELECT p.*, COALESCE(w.name, '(none)') AS workflow, v.n_effective, v.floor, v.rated, v.judge,
       v.tried AS pairs_tried
FROM policy AS p
JOIN verdict AS v ON v.workflow_id = p.workflow_id AND v.current_model = p.current_model
    AND v.endpoint = p.endpoint AND v.model = p.model AND v.variant = ''
LEFT JOIN workflow AS w ON w.workflow_id = p.workflow_id
ORDER BY workflow, p.current_model, p.endpoint, p.model, CASE p.step WHEN 'rule' THEN 1 WHEN 'router' THEN 2 ELSE 3 END,
         p.name
"""

# what a candidate was asked, and as which models it answered
_TESTED = """
SELECT p.workflow_id, p.current_model, p.endpoint, p.model, MIN(p.started_at_us) AS first_us,
       MAX(p.started_at_us) AS last_us, MAX(r.input_tokens) AS input_tokens,
       MIN(r.started_at_us) AS traffic_first_us, MAX(r.started_at_us) AS traffic_last_us,
       COUNT(DISTINCT p.response_model) AS snapshots, MIN(p.response_model) AS one_snapshot,
       MAX(p.response_model) AS other_snapshot
FROM replay AS p JOIN request AS r ON r.request_id = p.request_id
WHERE p.status = 'ok' AND COALESCE(p.attempt, 1) = 1 AND COALESCE(p.variant, '') = ''
GROUP BY p.workflow_id, p.current_model, p.endpoint, p.model
"""
_PROVIDERS = """
SELECT COALESCE(response_model, request_model) AS model, MIN(COALESCE(provider_name, price_provider)) AS provider
FROM request GROUP BY COALESCE(response_model, request_model)
"""
_DECIDED = "SELECT hash, settings FROM event WHERE command = 'decide' ORDER BY event_id DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What stands behind one route; times are UTC epoch microseconds.

    `loss_upper_bound` holds with family-wise error `delta`: for whole workflows over the `tried` pairs of workflow and
    candidate, for parts over the policies of each pair as well (`policies_tried` here, 0 for a whole). `event` is the
    hash of the decision in the audit file's chain. It expires 30 days after the last replayed answer.
    """

    loss_upper_bound: float
    alpha: float
    delta: float
    tried: int
    policies_tried: int
    n: int
    n_effective: float
    floor: float | None
    rated: int
    judge: str | None
    seeds: tuple[int, ...]
    snapshot: str | None
    traffic_us: tuple[int, int]
    replayed_us: tuple[int, int]
    decided_at_us: int
    expires_at_us: int
    event: str


@dataclass(frozen=True, slots=True)
class RouteTo:
    """One workflow's traffic of one model that may go to another, up to prompts as long as those tested.

    `step` is whole, rule, router or cascade, and `apply` what it takes to run it (empty for a whole). `routed` is the
    share of its requests the candidate answers in the end, `saving` that of its dollars saved, `cost_ratio` the
    candidate's cost over today's of what it is asked. `fallback` and `break_even` are a cascade's, the p95s a
    part's: until the whole answer, and until something of it can be shown.
    """

    workflow: str
    current_model: str
    current_provider: str
    endpoint: str
    model: str
    provider: str
    max_input_tokens: int | None
    cost_ratio: float
    routed: float
    certificate: Certificate
    step: str = "whole"
    name: str = ""
    apply: Mapping[str, Any] = field(default_factory=dict)
    saving: float | None = None
    fallback: float | None = None
    break_even: float | None = None
    p95_seconds: float | None = None
    p95_first_chunk_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class NotRouted:
    """A tested pair that stays as it is, and why."""

    workflow: str
    current_model: str
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tried:
    """A part of a workflow that was tried, and what came of it."""

    workflow: str
    current_model: str
    endpoint: str
    model: str
    step: str
    name: str
    outcome: str
    reason: str
    loss_upper_bound: float | None
    saving: float | None
    measures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """Every certified route, the best of each workflow and model, what is left where it was, and every part tried."""

    routes: tuple[RouteTo, ...]
    left_out: tuple[NotRouted, ...]
    made_at_us: int
    tried: tuple[Tried, ...] = ()


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a route's certificate rests on beside its verdict."""

    tested: Mapping[tuple[int, str, str, str], Mapping[str, Any]]
    providers: Mapping[str, str]
    seeds: tuple[int, ...]
    event: str
    now_us: int

    def of(self, row: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What the candidate of a row was asked."""
        return self.tested.get((row["workflow_id"], row["current_model"], row["endpoint"], row["model"]))


def routing(store: Store, now_us: int) -> RoutingTable:
    """The routing table the standing verdicts allow at a moment: what is certified safe, cheaper and not expired.

    An offered part comes before a whole: it is offered only where it saves more.
    """
    facts = _facts(store, now_us)
    policies = store.rows(_POLICIES)
    routes: dict[tuple[str, str], RouteTo] = {}
    for row in policies:
        place = row["workflow"], row["current_model"]
        if row["outcome"] == "offered" and _obstacle({**row, "verdict": "safe"}, facts) is None:
            routes[place] = _part(row, facts)
    left: list[NotRouted] = []
    for row in store.rows(_VERDICTS):
        place = row["workflow"], row["current_model"]
        chosen = routes.get(place)
        if chosen is not None and chosen.step != "whole" and (chosen.endpoint, chosen.model) == _names(row):
            continue
        reason = _obstacle(row, facts)
        if reason is None and chosen is not None:
            reason = f"{chosen.model} is certified as well and {'cheaper' if chosen.step == 'whole' else 'saves more'}"
        if reason is None:
            routes[place] = _whole(row, facts)
        else:
            left.append(NotRouted(*place, row["model"], reason))
    return RoutingTable(tuple(routes.values()), tuple(left), now_us, tuple(map(_tried, policies)))


def _names(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["endpoint"], row["model"]


def _facts(store: Store, now_us: int) -> _Facts:
    decided = store.rows(_DECIDED)
    return _Facts(
        {(row["workflow_id"], row["current_model"], *_names(row)): row for row in store.rows(_TESTED)},
        {row["model"]: row["provider"] or "" for row in store.rows(_PROVIDERS)},
        tuple(json.loads(decided[0]["settings"]).get("seeds") or ()) if decided else (),
        str(decided[0]["hash"]) if decided else "",
        now_us,
    )


def _tried(row: Mapping[str, Any]) -> Tried:
    kept = ("workflow", "current_model", "endpoint", "model", "step", "name", "outcome", "reason")
    return Tried(
        **{name: row[name] for name in kept},
        loss_upper_bound=row["loss_high"],
        saving=row["saving"],
        measures=json.loads(row["measures"] or "{}"),
    )


def _obstacle(row: Mapping[str, Any], known: _Facts) -> str | None:
    """Why a tested pair is not routed; None where nothing stands in the way."""
    facts = known.of(row)
    if row["verdict"] != "safe":
        return f"{str(row['verdict']).replace('_', ' ')}: {row['reason']}"
    if facts is None:
        return "no answer of it is on file"
    if row["endpoint"] == "local":
        return "the model inside this program serves nobody else"
    if row["cost_ratio"] is None:
        return "its cost is not known"
    if row["cost_ratio"] >= 1:
        return f"it would cost {row['cost_ratio']:.2f} times as much"
    if facts["snapshots"] > 1:
        return f"it answered as {facts['one_snapshot']} and as {facts['other_snapshot']}: replay it again"
    if known.now_us >= _expires(facts):
        return f"its certificate is older than {VALID_DAYS} days: replay it again"
    return None


def _expires(facts: Mapping[str, Any]) -> int:
    return int(facts["last_us"]) + VALID_DAYS * _DAY_US


def _whole(row: Mapping[str, Any], known: _Facts) -> RouteTo:
    saving = 1 - row["cost_ratio"]
    return _route(row, known, pairs=row["tried"] or 1, policies=0, routed=1.0, saving=saving)


def _part(row: Mapping[str, Any], known: _Facts) -> RouteTo:
    made = _route(
        row, known, pairs=row["pairs_tried"] or 1, policies=row["tried"], routed=row["routed"], saving=row["saving"]
    )
    return replace(
        made,
        max_input_tokens=row["max_input_tokens"] or made.max_input_tokens,
        step=row["step"],
        name=row["name"],
        apply=json.loads(row["apply"]),
        fallback=row["fallback"],
        break_even=row["break_even"],
        p95_seconds=row["p95_duration"],
        p95_first_chunk_seconds=row["p95_first_chunk"],
    )


def _route(
    row: Mapping[str, Any], known: _Facts, *, pairs: int, policies: int, routed: float, saving: float
) -> RouteTo:
    facts = known.of(row) or {}
    return RouteTo(
        workflow=row["workflow"],
        current_model=row["current_model"],
        current_provider=known.providers.get(row["current_model"], ""),
        endpoint=row["endpoint"],
        model=row["model"],
        provider=known.providers.get(row["model"], "") if row["endpoint"] == "log" else row["endpoint"],
        max_input_tokens=facts["input_tokens"],
        cost_ratio=row["cost_ratio"],
        routed=routed,
        saving=saving,
        certificate=Certificate(
            loss_upper_bound=row["loss_high"],
            alpha=row["alpha"],
            delta=FAMILY_DELTA,
            tried=pairs,
            policies_tried=policies,
            n=row["n"],
            n_effective=row["n_effective"],
            floor=row["floor"],
            rated=row["rated"] or 0,
            judge=row["judge"],
            seeds=known.seeds,
            snapshot=facts["one_snapshot"],
            traffic_us=(facts["traffic_first_us"], facts["traffic_last_us"]),
            replayed_us=(facts["first_us"], facts["last_us"]),
            decided_at_us=row["decided_at_us"],
            expires_at_us=_expires(facts),
            event=known.event,
        ),
    )
