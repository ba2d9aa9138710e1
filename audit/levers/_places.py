"""Where a lever acted: by workflow the requests, the dollars and the request it spared most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from audit.figures import money
from audit.store import Store
from audit.store.naming import REQUEST_NAME

_SPARED = f"""
WITH before AS (
    SELECT c.request_id, SUM(c.cost_pico) AS cost
    FROM charge AS c JOIN {{table}} AS t ON t.request_id = c.request_id
    WHERE c.cost_pico IS NOT NULL AND c.estimated = $estimated GROUP BY c.request_id
),
now AS (
    SELECT m.request_id, SUM(m.cost_pico) AS cost
    FROM remaining AS m JOIN {{table}} AS t ON t.request_id = m.request_id GROUP BY m.request_id
),
spared AS (
    SELECT r.workflow_id, {REQUEST_NAME} AS example,
           b.cost - COALESCE(n.cost, 0) AS saving,
           ROW_NUMBER() OVER (PARTITION BY r.workflow_id ORDER BY b.cost - COALESCE(n.cost, 0) DESC, r.request_id)
               AS place
    FROM before AS b JOIN request AS r ON r.request_id = b.request_id
    LEFT JOIN now AS n ON n.request_id = b.request_id
    WHERE b.cost > COALESCE(n.cost, 0)
)
SELECT s.workflow_id, COALESCE(MIN(w.name), '(none)') AS workflow, COUNT(*) AS requests,
       CAST(SUM(s.saving) AS DECIMAL(38, 0)) AS saving, MAX(CASE WHEN s.place = 1 THEN s.example ELSE '' END) AS example
FROM spared AS s LEFT JOIN workflow AS w ON w.workflow_id = s.workflow_id
GROUP BY s.workflow_id ORDER BY saving DESC, workflow
"""
_LOGGED = "SELECT COUNT(*) FROM charge WHERE cost_pico IS NOT NULL AND estimated = FALSE"


@dataclass(frozen=True, slots=True)
class Place:
    """What a lever spares in one workflow; `example` is the id of the request it spares most."""

    workflow_id: int | None
    workflow: str
    requests: int
    saving_pico: int
    example: str


def spared(store: Store, table: str) -> list[Place]:
    """Of the requests in a temporary table, those the lever made cheaper, by workflow, the dearest first.

    To be asked while `remaining` is the bill as this lever alone left it.
    """
    rows = store.rows(_SPARED.format(table=table), estimated=not store.value(_LOGGED))
    return [
        Place(row["workflow_id"], row["workflow"], row["requests"], int(row["saving"]), row["example"]) for row in rows
    ]


def told(store: Store, table: str, seen: str, tell: Callable[[Place, dict[str, Any]], str], most: int = 6) -> list[str]:
    """A sentence for each workflow a lever makes cheaper: what `tell` makes of the place and of the row that the query
    `seen` has for it, the dollars, and a request to look at."""
    how = {row["workflow_id"]: row for row in store.rows(seen)}
    return [
        f"{place.workflow}: {tell(place, how[place.workflow_id])} ({money(place.saving_pico)}){instance(place.example)}"
        for place in spared(store, table)[:most]
    ]


def instance(example: str | None) -> str:
    """The end of a finding that names a request to look at."""
    return f"; for instance {example}" if example else ""
