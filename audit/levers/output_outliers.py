"""Stop answers that run away: the part of a cut-off answer far beyond what its workflow needs."""

from __future__ import annotations

from typing import Any

from audit.figures import count, things
from audit.levers import Lever, Settings
from audit.levers._places import Place, told
from audit.store import Store

_HITS = """
CREATE OR REPLACE TEMP TABLE output_outliers_hit AS
SELECT o.request_id, o.workflow_id, o.tokens, o.median, o.cause, CAST(o.median * $keep_medians AS BIGINT) AS kept
FROM outlier AS o JOIN request AS r ON r.request_id = o.request_id
WHERE o.meter = 'output' AND r.finish_reason IN ('length', 'max_tokens', 'MAX_TOKENS', 'max_output_tokens')
"""
_SEEN = """
SELECT workflow_id, MAX(tokens) AS tokens, MIN(median) AS median,
       SUM(CASE WHEN cause = 'loop' THEN 1 ELSE 0 END) AS loops
FROM output_outliers_hit GROUP BY workflow_id
"""


def _prepare(store: Store, settings: Settings) -> None:
    store.run(_HITS, keep_medians=float(settings["keep_medians"]))


def _findings(store: Store, settings: Settings) -> list[str]:
    del settings
    return told(store, "output_outliers_hit", _SEEN, _ran_away)


def _ran_away(place: Place, how: dict[str, Any]) -> str:
    loops = int(how["loops"])
    cause = f"; {count(loops)} of them repeat themselves" if loops else ""
    return (
        f"{count(place.requests)} {'answer' if place.requests == 1 else 'answers'} ran into the output limit, the "
        f"longest at {things(how['tokens'], 'token')} where {count(how['median'])} are usual{cause}"
    )


LEVER = Lever(
    name="output_outliers",
    title="Runaway answers",
    stage="SHRINK",
    order=50,
    evidence="B",
    rewrite="""
SELECT m.charge_id, m.request_id, m.position, m.sku_meter, m.provider_name, m.model, m.service_tier,
       CASE WHEN w.request_id IS NOT NULL AND m.sku_meter = 'output' AND m.consumed_quantity > w.kept
            THEN w.kept ELSE m.consumed_quantity END AS consumed_quantity,
       m.estimated, m.unit_price_pico
FROM remaining AS m
LEFT JOIN output_outliers_hit AS w ON w.request_id = m.request_id
""",
    effort_days=1,
    risk="low",
    needs=("usage",),
    settings={"keep_medians": 3.0},
    prepare=_prepare,
    findings=_findings,
    conditions=(
        "only answers that hit the output limit and are more than three times their workflow's median",
        "{keep_medians} medians of each are kept; long answers that ended by themselves are left alone",
    ),
    fix="Set max tokens near the workflow's 99th percentile and stop sequences; find what makes the answer loop.",
    never_costs=True,
)
