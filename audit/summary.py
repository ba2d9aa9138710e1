"""The stage `summary`: today's spend, tokens, latency and outcomes in one object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from audit import plugins
from audit.measures import Measure
from audit.outcomes import Outcomes, outcomes
from audit.store import Store
from audit.uncertainty import Uncertainty, uncertainty

_TOTALS = """
SELECT MIN(CASE WHEN status <> 'not_billable' THEN started_at_us ELSE NULL END) AS start_us,
       MAX(CASE WHEN status <> 'not_billable' THEN started_at_us ELSE NULL END) AS end_us,
       MAX(day) - MIN(day) + 1 AS days,
       SUM(CASE WHEN status = 'billable' THEN 1 ELSE 0 END) AS requests,
       SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed_requests,
       SUM(CASE WHEN status = 'gateway_cache_hit' THEN 1 ELSE 0 END) AS gateway_cache_hits,
       SUM(CASE WHEN status = 'not_billable' THEN 1 ELSE 0 END) AS not_billable_records,
       SUM(CASE WHEN status = 'billable' AND usage_source = 'estimated' THEN 1 ELSE 0 END) AS usage_estimated_requests,
       SUM(CASE WHEN status = 'billable' AND usage_source = 'unknown' THEN 1 ELSE 0 END) AS usage_unknown_requests,
       SUM(CASE WHEN status = 'billable' AND usage_source = 'logged' THEN COALESCE(input_tokens, 0) ELSE 0 END)
           AS input_tokens,
       SUM(CASE WHEN status = 'billable' AND usage_source = 'logged' THEN cache_read_input_tokens ELSE NULL END)
           AS cache_read_input_tokens,
       SUM(CASE WHEN status = 'billable' AND usage_source = 'logged'
                     AND (cache_write_5m_input_tokens IS NOT NULL OR cache_write_1h_input_tokens IS NOT NULL)
                THEN COALESCE(cache_write_5m_input_tokens, 0) + COALESCE(cache_write_1h_input_tokens, 0)
                ELSE NULL END) AS cache_creation_input_tokens,
       SUM(CASE WHEN status = 'billable' AND usage_source = 'logged' THEN COALESCE(output_tokens, 0) ELSE 0 END)
           AS output_tokens,
       SUM(CASE WHEN status = 'billable' AND usage_source = 'logged' THEN reasoning_output_tokens ELSE NULL END)
           AS reasoning_output_tokens,
       SUM(CASE WHEN status = 'billable' AND usage_source = 'estimated' THEN COALESCE(input_tokens, 0) ELSE 0 END)
           AS estimated_input_tokens,
       SUM(CASE WHEN status = 'billable' AND usage_source = 'estimated' THEN COALESCE(output_tokens, 0) ELSE 0 END)
           AS estimated_output_tokens
FROM request
"""

_COST = """
SELECT CAST(COALESCE(SUM(c.cost_pico), 0) AS DECIMAL(38, 0)) AS cost,
       CAST(COALESCE(SUM(c.estimated_cost_pico), 0) AS DECIMAL(38, 0)) AS estimated,
       COALESCE(SUM(c.unpriced), 0) AS unpriced
FROM request AS r JOIN request_cost AS c ON c.request_id = r.request_id WHERE r.status = 'billable'
"""

_UNPRICED = """
SELECT COALESCE(r.response_model, r.request_model, 'unknown') AS model, COUNT(*) AS requests,
       CAST(SUM(COALESCE(r.input_tokens, 0)) AS BIGINT) AS input_tokens,
       CAST(SUM(COALESCE(r.output_tokens, 0)) AS BIGINT) AS output_tokens
FROM request AS r JOIN request_cost AS c ON c.request_id = r.request_id
WHERE r.status = 'billable' AND c.unpriced = 1
GROUP BY COALESCE(r.response_model, r.request_model, 'unknown') ORDER BY requests DESC, model
"""

# `listed` is what the table says where it prices the whole request; a biller's figure is an adjustment of it
_LOGGED = """
WITH listed AS (
    SELECT request_id, SUM(cost_pico) AS pico, MAX(CASE WHEN cost_pico IS NULL THEN 1 ELSE 0 END) AS unpriced
    FROM charge WHERE sku_meter <> 'billed_adjustment' GROUP BY request_id
)
SELECT COALESCE(r.response_model, r.request_model, 'unknown') AS model, COUNT(*) AS requests,
       SUM(CASE WHEN r.logged_cost_billed THEN 1 ELSE 0 END) AS billed,
       CAST(SUM(r.logged_cost_pico) AS DECIMAL(38, 0)) AS logged,
       CAST(SUM(c.cost_pico) AS DECIMAL(38, 0)) AS cost,
       SUM(CASE WHEN l.unpriced = 0 THEN 1 ELSE 0 END) AS listed_requests,
       CAST(SUM(CASE WHEN l.unpriced = 0 THEN r.logged_cost_pico ELSE 0 END) AS DECIMAL(38, 0)) AS logged_of_listed,
       CAST(SUM(CASE WHEN l.unpriced = 0 THEN l.pico ELSE 0 END) AS DECIMAL(38, 0)) AS listed
FROM request AS r JOIN request_cost AS c ON c.request_id = r.request_id
LEFT JOIN listed AS l ON l.request_id = r.request_id
WHERE r.status = 'billable' AND r.logged_cost_pico IS NOT NULL
GROUP BY COALESCE(r.response_model, r.request_model, 'unknown') ORDER BY model
"""

_REJECTED = "SELECT reason, COUNT(*) AS records FROM reject GROUP BY reason ORDER BY records DESC, reason"
_DUPLICATES = "SELECT reason, COUNT(*) AS records FROM duplicate_record GROUP BY reason ORDER BY records DESC, reason"
_MODELS = """
SELECT DISTINCT COALESCE(response_model, request_model, 'unknown') AS model FROM request WHERE status = 'billable'
ORDER BY model
"""


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals of the log and every measure's rows; money in pico-USD, times in UTC epoch microseconds."""

    start_us: int | None
    end_us: int | None
    days: int
    counts: dict[str, int | None]
    cost_pico: int
    estimated_cost_pico: int
    unpriced: list[dict[str, Any]]
    logged_costs: list[dict[str, Any]]
    rejected: list[dict[str, Any]]
    duplicates: list[dict[str, Any]]
    models: list[str]
    outcomes: Outcomes
    uncertainty: Uncertainty
    measures: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """Billable model calls, those of unknown usage included."""
        return self.counts["requests"] or 0

    @property
    def cost_per_request_pico(self) -> float | None:
        """Mean cost of a billable call; None without calls."""
        return self.cost_pico / self.requests if self.requests else None

    @property
    def cost_per_success_pico(self) -> float | None:
        """Everything paid, over the tasks that succeeded; None when none did."""
        return self.cost_pico / self.outcomes.successes if self.outcomes.successes else None


def measures() -> list[Measure]:
    """All measures in the order of the report."""
    return sorted(plugins.find("measures", "MEASURE"), key=lambda measure: (measure.order, measure.name))


def summary(store: Store) -> Summary:
    """Read today's totals and run every measure."""
    totals = store.rows(_TOTALS)[0]
    start_us, end_us, days = totals.pop("start_us"), totals.pop("end_us"), totals.pop("days")
    cost = store.rows(_COST)[0]
    counts = {name: None if value is None else int(value) for name, value in totals.items()}
    told = any(
        counts[name] is not None for name in _CACHE
    )  # a log that tells of reads tells of writes: there were none
    for name, value in counts.items():
        if value is None and (told or name not in _CACHE):
            counts[name] = 0
    counts["unpriced_requests"] = int(cost["unpriced"])
    return Summary(
        start_us=start_us,
        end_us=end_us,
        days=days or 0,
        counts=counts,
        cost_pico=int(cost["cost"]),
        estimated_cost_pico=int(cost["estimated"]),
        unpriced=store.rows(_UNPRICED),
        logged_costs=store.rows(_LOGGED),
        rejected=store.rows(_REJECTED),
        duplicates=store.rows(_DUPLICATES),
        models=[row["model"] for row in store.rows(_MODELS)],
        outcomes=outcomes(store),
        uncertainty=uncertainty(store),
        measures={measure.name: rows_of(store, measure) for measure in measures()},
    )


def rows_of(store: Store, measure: Measure) -> list[dict[str, Any]]:
    """The rows of one measure."""
    if measure.prepare:
        measure.prepare(store)
    return store.rows(measure.query)


_CACHE = ("cache_read_input_tokens", "cache_creation_input_tokens")
