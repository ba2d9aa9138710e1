"""The decision as a routing table: which workflow may go to which cheaper model, on what certificate, until when."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.store import Store

VALID_DAYS = 30
_DAY_US = 86_400_000_000

_VERDICTS = """
SELECT v.*, COALESCE(w.name, '(none)') AS workflow
FROM verdict AS v LEFT JOIN workflow AS w ON w.workflow_id = v.workflow_id
WHERE v.variant = ''
ORDER BY workflow, v.current_model, v.cost_ratio, v.endpoint, v.model
"""

# parts of workflows, the one that saves most first, with the verdict on the whole
_PARTS = """
SELECT v.*, COALESCE(w.name, '(none)') AS workflow, s.max_input_tokens, s.routed, s.loss_high AS part_loss_high,
       s.cost_ratio AS part_cost_ratio, s.delta AS part_delta
FROM split AS s
JOIN verdict AS v ON v.workflow_id = s.workflow_id AND v.current_model = s.current_model
    AND v.endpoint = s.endpoint AND v.model = s.model AND v.variant = ''
LEFT JOIN workflow AS w ON w.workflow_id = s.workflow_id
ORDER BY workflow, s.current_model, s.routed * (1 - s.cost_ratio) DESC, s.endpoint, s.model
"""

# what a candidate was asked, and as which models it answered
_TESTED = """
SELECT p.workflow_id, p.current_model, p.endpoint, p.model, MIN(p.started_at_us) AS first_us,
       MAX(p.started_at_us) AS last_us, MAX(r.input_tokens) AS input_tokens,
       MIN(r.started_at_us) AS traffic_first_us, MAX(r.started_at_us) AS traffic_last_us,
       COUNT(DISTINCT p.response_model) AS snapshots, MIN(p.response_model) AS one_snapshot,
       MAX(p.response_model) AS other_snapshot
FROM replay AS p JOIN request AS r ON r.request_id = p.request_id
WHERE p.status = 'ok' AND COALESCE(p.variant, '') = ''
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

    `loss_upper_bound` holds with family-wise error `delta` over the `tried` pairs of workflow and candidate. `event` is
    the hash of the decision in the audit file's chain. It expires 30 days after the last replayed answer.
    """

    loss_upper_bound: float
    alpha: float
    delta: float
    tried: int
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

    `routed` is the share of its requests that is: 1 for the whole, less where only shorter prompts are certified.
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


@dataclass(frozen=True, slots=True)
class NotRouted:
    """A tested pair that stays as it is, and why."""

    workflow: str
    current_model: str
    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """Every certified route, the cheapest of each workflow and model, and what is left where it was."""

    routes: tuple[RouteTo, ...]
    left_out: tuple[NotRouted, ...]
    made_at_us: int


def routing(store: Store, now_us: int) -> RoutingTable:
    """The routing table the standing verdicts allow at a moment: what is certified safe, cheaper and not expired."""
    tested = {
        (row["workflow_id"], row["current_model"], row["endpoint"], row["model"]): row for row in store.rows(_TESTED)
    }
    providers = {row["model"]: row["provider"] or "" for row in store.rows(_PROVIDERS)}
    decided = store.rows(_DECIDED)
    event = str(decided[0]["hash"]) if decided else ""
    seeds = tuple(json.loads(decided[0]["settings"]).get("seeds") or ()) if decided else ()
    routes: dict[tuple[str, str], RouteTo] = {}
    left: list[NotRouted] = []
    for row in store.rows(_VERDICTS):
        facts = tested.get((row["workflow_id"], row["current_model"], row["endpoint"], row["model"]))
        place = row["workflow"], row["current_model"]
        reason = _obstacle(row, facts, now_us)
        if reason is None and place in routes:
            reason = f"{routes[place].model} is certified as well and cheaper"
        if reason is not None or facts is None:
            left.append(NotRouted(*place, row["model"], reason or "no answer of it is on file"))
            continue
        routes[place] = _route(row, facts, providers, seeds, event)
    for row in store.rows(_PARTS):
        facts = tested.get((row["workflow_id"], row["current_model"], row["endpoint"], row["model"]))
        whole = {**row, "verdict": "safe", "loss_high": row["part_loss_high"], "cost_ratio": row["part_cost_ratio"]}
        place = row["workflow"], row["current_model"]
        if facts is not None and place not in routes and _obstacle(whole, facts, now_us) is None:
            part = {**facts, "input_tokens": row["max_input_tokens"]}
            routes[place] = _route(whole, part, providers, seeds, event, row["routed"])
            left = [each for each in left if (each.workflow, each.current_model, each.model) != (*place, row["model"])]
    return RoutingTable(tuple(routes.values()), tuple(left), now_us)


def _obstacle(row: Mapping[str, Any], facts: Mapping[str, Any] | None, now_us: int) -> str | None:
    """Why a tested pair is not routed; None where nothing stands in the way."""
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
    if now_us >= _expires(facts):
        return f"its certificate is older than {VALID_DAYS} days: replay it again"
    return None


def _expires(facts: Mapping[str, Any]) -> int:
    return int(facts["last_us"]) + VALID_DAYS * _DAY_US


def _route(
    row: Mapping[str, Any],
    facts: Mapping[str, Any],
    providers: Mapping[str, str],
    seeds: Sequence[int],
    event: str,
    routed: float = 1.0,
) -> RouteTo:
    return RouteTo(
        workflow=row["workflow"],
        current_model=row["current_model"],
        current_provider=providers.get(row["current_model"], ""),
        endpoint=row["endpoint"],
        model=row["model"],
        provider=providers.get(row["model"], "") if row["endpoint"] == "log" else row["endpoint"],
        max_input_tokens=facts["input_tokens"],
        cost_ratio=row["cost_ratio"],
        routed=routed,
        certificate=Certificate(
            loss_upper_bound=row["loss_high"],
            alpha=row["alpha"],
            delta=row["delta"],
            tried=row["tried"] or 1,
            n=row["n"],
            n_effective=row["n_effective"],
            floor=row["floor"],
            rated=row["rated"] or 0,
            judge=row["judge"],
            seeds=tuple(seeds),
            snapshot=facts["one_snapshot"],
            traffic_us=(facts["traffic_first_us"], facts["traffic_last_us"]),
            replayed_us=(facts["first_us"], facts["last_us"]),
            decided_at_us=row["decided_at_us"],
            expires_at_us=_expires(facts),
            event=event,
        ),
    )
