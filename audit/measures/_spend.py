"""Spend by one dimension: the query every `spend_by_*` measure shares."""

from __future__ import annotations

from audit.measures import Column, Measure, Unit

COLUMNS = (
    Column("requests", "Requests", "count"),
    Column("input_tokens", "Input tokens", "tokens"),
    Column("cache_read_input_tokens", "Cached", "tokens"),
    Column("output_tokens", "Output tokens", "tokens"),
    Column("cost_pico", "Spend", "pico"),
    Column("share", "Share", "share"),
)

_QUERY = """
WITH spent AS (
    SELECT {key} AS key, COUNT(*) AS requests,
           CAST(SUM(CASE WHEN r.usage_source = 'logged' THEN COALESCE(r.input_tokens, 0) ELSE 0 END) AS BIGINT)
               AS input_tokens,
           CAST(SUM(CASE WHEN r.usage_source = 'logged' THEN COALESCE(r.cache_read_input_tokens, 0) ELSE 0 END)
               AS BIGINT) AS cache_read_input_tokens,
           CAST(SUM(CASE WHEN r.usage_source = 'logged' THEN COALESCE(r.output_tokens, 0) ELSE 0 END) AS BIGINT)
               AS output_tokens,
           {cost} AS cost_pico,
           CAST(SUM(COALESCE(c.estimated_cost_pico, 0)) AS DECIMAL(38, 0)) AS estimated_cost_pico
    FROM request AS r
    LEFT JOIN request_cost AS c ON c.request_id = r.request_id
    {joins}
    WHERE r.status = 'billable'
    GROUP BY {key}
),
total AS (SELECT SUM(cost_pico) AS cost_pico FROM spent)
SELECT s.key, s.requests, s.input_tokens, s.cache_read_input_tokens, s.output_tokens, s.cost_pico,
       s.estimated_cost_pico,
       CASE WHEN s.cost_pico IS NULL THEN NULL WHEN t.cost_pico > 0
            THEN CAST(s.cost_pico AS DOUBLE) / CAST(t.cost_pico AS DOUBLE) ELSE 0.0 END AS share
FROM spent AS s CROSS JOIN total AS t
ORDER BY {order}
"""

_COST = "CAST(SUM(COALESCE(c.cost_pico, 0)) AS DECIMAL(38, 0))"
# where nothing has a price the spend is unknown, and not nothing
_KNOWN_COST = f"CASE WHEN MIN(COALESCE(c.unpriced, 0)) = 1 AND SUM(c.cost_pico) = 0 THEN NULL ELSE {_COST} END"


def spend_by(
    name: str, heading: str, key: str, *, place: int, joins: str = "", unit: Unit = "text", limit: int = 12
) -> Measure:
    """A measure that adds up requests, tokens and dollars by the SQL expression `key`: dearest first, days in order."""
    by_time = unit == "day"
    return Measure(
        name=name,
        title=f"Spend by {heading.lower()}",
        query=_QUERY.format(
            key=key,
            joins=joins,
            cost=_COST if by_time else _KNOWN_COST,
            order="s.key" if by_time else "COALESCE(s.cost_pico, 0) DESC, s.requests DESC, s.key",
        ),
        columns=(Column("key", heading, unit), *COLUMNS),
        order=place,
        limit=limit,
    )
