"""What the response caches found, in sentences: what to cache first, how long, what is left out and why."""

from __future__ import annotations

import math
from collections import defaultdict

from audit.figures import count, money, share, things
from audit.levers import Risk, Settings
from audit.levers._response_cache_lives import Aged, Life, stated
from audit.levers._response_cache_masks import MASKED
from audit.levers._response_cache_reasons import REASONS
from audit.levers._response_cache_study import Cell, Study, study
from audit.store import Store
from audit.store.naming import REQUEST_NAME

FIRST = 3
"""How many workflows are named to begin with."""

_REFUSED = 5
_RISKS: tuple[tuple[float, Risk], ...] = ((0.02, "low"), (0.2, "medium"))
"""Up to which share of differing answers a cache is so risky; beyond the last it is high."""
_WORKFLOWS = """
SELECT w.workflow_id, w.name, COUNT(*) AS requests
FROM workflow AS w JOIN request AS r ON r.workflow_id = w.workflow_id
WHERE r.status = 'billable' GROUP BY w.workflow_id, w.name
"""
# the question of a workflow that was asked most often, by the first request that asked it
_EXAMPLE = f"""
WITH asked AS (
    SELECT COALESCE(normalised_key, prompt_key) AS question, COUNT(*) AS requests, MIN(request_id) AS first_id
    FROM request WHERE workflow_id = $workflow AND status = 'billable' AND prompt_key IS NOT NULL
    GROUP BY COALESCE(normalised_key, prompt_key)
),
ranked AS (SELECT *, ROW_NUMBER() OVER (ORDER BY requests DESC, first_id) AS place FROM asked)
SELECT k.requests, {REQUEST_NAME} AS name
FROM ranked AS k JOIN request AS r ON r.request_id = k.first_id WHERE k.place = 1 AND k.requests > 1
"""
_HEADERS = f"""
SELECT w.name, COUNT(*) AS requests
FROM {MASKED} AS m
JOIN request AS r ON r.request_id = m.request_id
JOIN workflow AS w ON w.workflow_id = r.workflow_id
GROUP BY w.name ORDER BY requests DESC, w.name
"""
_LASTS = {300.0: "5 minutes", 3_600.0: "an hour", 86_400.0: "a day", 604_800.0: "7 days", math.inf: "without a limit"}


def findings(store: Store, settings: Settings, key: str) -> list[str]:
    """Sentences about the cache of one key: the three workflows to begin with, the grid, and the refusals."""
    found = study(store, settings, key)
    known = store.rows(_WORKFLOWS)
    names = {row["workflow_id"]: row["name"] or "(none)" for row in known}
    requests = {row["workflow_id"]: row["requests"] for row in known}
    best = sorted(found.lives.values(), key=lambda life: (-_chosen(life).saved_pico, life.workflow_id))
    worth = [life for life in best if _chosen(life).saved_pico > 0]
    lines = [
        f"{'cache first' if place == 0 else 'then'}: {names.get(life.workflow_id, '(none)')}: "
        + _workflow(store, life, requests.get(life.workflow_id, 0))
        for place, life in enumerate(worth[:FIRST])
    ]
    lines += _grid(found, settings)
    return lines + _refused(found, names)


def doubt(store: Store, settings: Settings, key: str) -> tuple[Risk, str]:
    """How risky the cache of one key is: how often today's model answers a repeated question in other words."""
    chosen = [_chosen(life) for life in study(store, settings, key).lives.values()]
    compared, differing = sum(aged.compared for aged in chosen), sum(aged.differing for aged in chosen)
    if not compared:
        return "medium", "no answer to a repeated question could be compared with the one a cache would give"
    risk: Risk = next((risk for most, risk in _RISKS if differing <= most * compared), "high")
    return risk, (
        f"{share(differing / compared)} of {count(compared)} repeated questions were answered in other words than a"
        f" cache would have used: the risk is {risk}"
    )


def headers(store: Store) -> list[str]:
    """Workflows whose prompts differ in a clock or an id that the answers do not depend on."""
    return [
        f"{row['name']}: {things(row['requests'], 'prompt')} carry a clock or an id that their answers are proven not "
        "to depend on; leave it out of the key"
        for row in store.rows(_HEADERS)
    ]


def _chosen(life: Life) -> Aged:
    return next(aged for aged in life.ages if aged.ttl_s == life.ttl_s)


def _workflow(store: Store, life: Life, requests: int) -> str:
    aged = _chosen(life)
    most = "".join(
        f"; the commonest question came {things(row['requests'], 'time')}, first in {row['name']}"
        for row in store.rows(_EXAMPLE, workflow=life.workflow_id)
    )
    same = aged.compared - aged.differing
    agreeing = (
        f"{share(same / aged.compared)} of {count(aged.compared)} repeated questions got the same answer again, "
        if aged.compared
        else ""
    )
    return (
        f"{count(aged.hits)} of {things(requests, 'request')} were answered before, {money(aged.saved_pico)}; "
        f"{agreeing}{_lasting(life)}{most}"
    )


def _lasting(life: Life) -> str:
    lasts = _LASTS.get(life.ttl_s) or f"{count(life.ttl_s)} s"
    longest = life.ages[-1]
    return {
        "proven": f"so entries may live {lasts}" + (" that shows in this log" if math.isinf(life.ttl_s) else ""),
        "assumed": f"too few to prove how long answers keep: entries live {lasts}"
        + (f" (without a limit: {money(longest.saved_pico)})" if longest.saved_pico > _chosen(life).saved_pico else ""),
        "stale": f"but older ones are proven out of date: entries live {lasts}",
        "stated": f"entries live {lasts} as stated",
    }[life.basis]


def _grid(found: Study, settings: Settings) -> list[str]:
    unlimited = [cell for cell in found.grid if cell.capacity is None]
    if not unlimited or not unlimited[-1].hits:
        return []
    savings = ", ".join(f"{_LASTS[cell.ttl_s]} {money(cell.saved_pico)}" for cell in unlimited)
    whole = unlimited[-1]
    return [
        f"by the life of an entry: {savings}; at most {share(whole.hit_rate)} of the requests fit for a cache, "
        f"{share(whole.warm_hit_rate)} once it is warm; {_entries(found.capacity, unlimited, found, settings)}"
    ]


def _entries(capacity: int | None, unlimited: list[Cell], found: Study, settings: Settings) -> str:
    if stated(settings["capacity"], "capacity") is not None:
        held = "without a limit" if capacity is None else f"of {count(capacity)} entries as stated"
        return f"a cache {held} is counted, what is said by workflow and life is without a limit"
    if capacity is None:
        return "more than 100,000 entries are worth keeping"
    limited = next((cell for cell in found.grid if cell.capacity == capacity and math.isinf(cell.ttl_s)), None)
    most = unlimited[-1].saved_pico
    kept = f" ({share(limited.saved_pico / most)} of it)" if limited and most else ""
    return f"{count(capacity)} entries are enough{kept}"


def _refused(found: Study, names: dict[int, str]) -> list[str]:
    by_reason: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for row in found.refused:
        by_reason[row.reason].append((row.cost_pico, row.requests, row.workflow_id))
    ordered = sorted(by_reason.items(), key=lambda each: -sum(cost for cost, _, _ in each[1]))
    lines = []
    for reason, rows in ordered:
        listed = ", ".join(
            f"{names.get(workflow, '(none)')} {things(requests, 'request')} {money(cost)}"
            for cost, requests, workflow in rows[:_REFUSED]
        )
        more = f" and {len(rows) - _REFUSED} more workflows" if len(rows) > _REFUSED else ""
        lines.append(f"not from a cache, because {REASONS[reason]}: {listed}{more}")
    return lines
