"""Prompts made shorter: what every trimmed token really paid, and what shorter prefixes do to the provider's cache.

A lever that trims says which parts of which segments go (`<lever>_span`: request_id, position, `since` and `until` as
shares of its text, `share` of that stretch that goes; a whole segment takes its message's overhead along). A token
inside the cached prefix saves the price of a read, a written one that of a write, the others the full price. A cached
prefix that falls under the model's minimum is read no more and what is left of it pays the full price; `breaks_prefix`
says that cuts move from request to request, so that nothing behind the first cut can be read either. Workflows in
which that costs more than it saves are left as they are.
"""

from __future__ import annotations

from typing import Any

from audit.levers import Settings
from audit.store import Store
from audit.store.naming import REQUEST_NAME
from audit.store.segment_cost import input_placed

_METERS = ("cache_read", "cache_write_5m", "cache_write_1h", "input")

_SPOTS = """
CREATE OR REPLACE TEMP TABLE {name}_spot AS
WITH {placed},
chosen AS (
    SELECT p.*, s.share, s.since AS from_share, s.until AS to_share,
           CASE WHEN s.since <= 0 AND s.until >= 1 AND s.share >= 1 THEN 0.0 ELSE p.overhead END AS stays
    FROM input_placed AS p JOIN {name}_span AS s ON s.request_id = p.request_id AND s.position = p.position
),
spots AS (
    SELECT request_id, read_tokens, write_tokens, billed, share,
           CAST(billed AS DOUBLE) * (upto - weight + stays + (weight - stays) * from_share) / whole AS since,
           CAST(billed AS DOUBLE) * (upto - weight + stays + (weight - stays) * to_share) / whole AS until
    FROM chosen
),
cuts AS (
    SELECT request_id, MIN(read_tokens) AS read_tokens, MIN(write_tokens) AS write_tokens, MIN(billed) AS billed,
           MIN(since) AS first_cut, SUM(share * {read}) AS read_cut, SUM(share * {write}) AS write_cut,
           SUM(share * (until - since)) AS all_cut
    FROM spots GROUP BY request_id
)
SELECT request_id, read_tokens, write_tokens, billed - read_tokens - write_tokens AS fresh_tokens, first_cut,
       CAST(ROUND(read_cut) AS BIGINT) AS read_cut, CAST(ROUND(write_cut) AS BIGINT) AS write_cut,
       CAST(ROUND(all_cut - read_cut - write_cut) AS BIGINT) AS fresh_cut
FROM cuts
"""

# what is left of the cached prefix, and how much of it can be cached no longer
_LOST = """
CREATE OR REPLACE TEMP TABLE {name}_left AS
WITH rules AS (
    SELECT r.request_id, MAX(k.min_tokens) AS min_tokens
    FROM {name}_spot AS s JOIN request AS r ON r.request_id = s.request_id
    JOIN cache_rule AS k ON k.provider_name = r.price_provider AND k.model = r.price_model
        AND COALESCE(r.started_at_us, $now_us) >= k.valid_from_us AND COALESCE(r.started_at_us, $now_us) < k.valid_to_us
    GROUP BY r.request_id
),
kept AS (
    SELECT s.*, COALESCE(k.min_tokens, 0) AS min_tokens, s.read_tokens - s.read_cut AS read_left,
           s.write_tokens - s.write_cut AS write_left,
           CAST(ROUND(s.first_cut) AS BIGINT) AS before_cut
    FROM {name}_spot AS s LEFT JOIN rules AS k ON k.request_id = s.request_id
),
readable AS (
    SELECT *, CASE WHEN $breaks_prefix = 1 AND read_left > before_cut THEN before_cut ELSE read_left END AS readable
    FROM kept
)
SELECT request_id, read_tokens, write_tokens, fresh_tokens, read_cut, write_cut, fresh_cut,
       CASE WHEN read_cut = 0 AND write_cut = 0 AND readable = read_left THEN 0
            WHEN readable + write_left < min_tokens OR ($breaks_prefix = 1 AND readable < min_tokens) THEN read_left
            ELSE read_left - readable END AS read_lost,
       CASE WHEN (read_cut > 0 OR write_cut > 0) AND readable + write_left < min_tokens THEN write_left
            ELSE 0 END AS write_lost
FROM readable
"""

# rows of one request, meter and price are interchangeable, so they are cut as one
_ROWS = """
CREATE OR REPLACE TEMP TABLE {name}_row AS
WITH charged AS (
    SELECT m.request_id, m.sku_meter, m.provider_name, m.model, m.service_tier, m.estimated, m.unit_price_pico,
           CAST(SUM(m.consumed_quantity) AS BIGINT) AS consumed_quantity,
           CASE WHEN m.sku_meter LIKE 'cache_write%' THEN 'write' ELSE m.sku_meter END AS part
    FROM remaining AS m JOIN {name}_left AS l ON l.request_id = m.request_id
    WHERE m.sku_meter IN ({meters})
    GROUP BY m.request_id, m.sku_meter, m.provider_name, m.model, m.service_tier, m.estimated, m.unit_price_pico,
             CASE WHEN m.sku_meter LIKE 'cache_write%' THEN 'write' ELSE m.sku_meter END
),
fresh_price AS (
    SELECT provider_name, model, service_tier, MAX(unit_price_pico) AS input_pico
    FROM remaining WHERE sku_meter = 'input' GROUP BY provider_name, model, service_tier
),
shared AS (
    SELECT c.*, COALESCE(f.input_pico, c.unit_price_pico) AS input_pico,
           CAST(c.consumed_quantity AS DOUBLE) / CAST(CASE WHEN c.part = 'cache_read' THEN l.read_tokens
               WHEN c.part = 'write' THEN l.write_tokens ELSE l.fresh_tokens END AS DOUBLE) AS part_of,
           CASE WHEN c.part = 'cache_read' THEN l.read_cut WHEN c.part = 'write' THEN l.write_cut ELSE l.fresh_cut END
               AS cut,
           CASE WHEN c.part = 'cache_read' THEN l.read_lost WHEN c.part = 'write' THEN l.write_lost ELSE 0 END AS lost
    FROM charged AS c
    JOIN {name}_left AS l ON l.request_id = c.request_id
    LEFT JOIN fresh_price AS f ON f.provider_name = c.provider_name AND f.model = c.model
        AND f.service_tier = c.service_tier
    WHERE c.consumed_quantity > 0
)
SELECT request_id, sku_meter, provider_name, model, service_tier, estimated, consumed_quantity, unit_price_pico,
       input_pico, CAST(ROUND(CAST(cut AS DOUBLE) * part_of) AS BIGINT) AS cut,
       CAST(ROUND(CAST(lost AS DOUBLE) * part_of) AS BIGINT) AS lost
FROM shared
"""

_GAINS = """
CREATE OR REPLACE TEMP TABLE {name}_gain AS
SELECT COALESCE(r.workflow_id, 0) AS workflow_id, COUNT(DISTINCT c.request_id) AS requests,
       CAST(SUM(c.cut) AS BIGINT) AS tokens, CAST(SUM(c.lost) AS BIGINT) AS lost_tokens,
       CAST(SUM(c.cut * c.unit_price_pico - c.lost * (c.input_pico - c.unit_price_pico)) AS BIGINT) AS saving_pico,
       MIN(CASE WHEN c.cut > 0 THEN c.request_id ELSE NULL END) AS first_id
FROM {name}_row AS c JOIN request AS r ON r.request_id = c.request_id
GROUP BY COALESCE(r.workflow_id, 0)
"""

_CUT = """
CREATE OR REPLACE TEMP TABLE {name}_cut AS
SELECT c.request_id, c.sku_meter, c.provider_name, c.model, c.service_tier, c.estimated, c.unit_price_pico, c.lost,
       c.consumed_quantity - c.cut - c.lost AS kept
FROM {name}_row AS c JOIN request AS r ON r.request_id = c.request_id
JOIN {name}_gain AS g ON g.workflow_id = COALESCE(r.workflow_id, 0)
WHERE g.saving_pico > 0 AND (c.cut > 0 OR c.lost > 0)
"""

_FOUND = f"""
SELECT COALESCE(w.name, '(none)') AS workflow, g.requests, g.tokens, g.lost_tokens, g.saving_pico, g.workflow_id,
       {REQUEST_NAME} AS example
FROM {{name}}_gain AS g
LEFT JOIN workflow AS w ON w.workflow_id = g.workflow_id
LEFT JOIN request AS r ON r.request_id = g.first_id
WHERE g.tokens > 0 ORDER BY g.saving_pico DESC, workflow
"""


def _overlap(low: str, high: str) -> str:
    """SQL of how much of [since, until) lies in [low, high)."""
    start = f"CASE WHEN since > {low} THEN since ELSE {low} END"
    end = f"CASE WHEN until < {high} THEN until ELSE {high} END"
    return f"CASE WHEN {end} > {start} THEN {end} - {start} ELSE 0.0 END"


def cut(store: Store, name: str, *, breaks_prefix: bool = False) -> None:
    """Price the spans of `<name>_span` on what remains; writes `<name>_cut` for `rewrite` and `<name>_gain`."""
    only = f"AND request_id IN (SELECT request_id FROM {name}_span)"
    store.run(
        _SPOTS.format(
            name=name,
            placed=input_placed(only, "remaining"),
            read=_overlap("0.0", "CAST(read_tokens AS DOUBLE)"),
            write=_overlap("CAST(read_tokens AS DOUBLE)", "CAST(read_tokens + write_tokens AS DOUBLE)"),
        )
    )
    store.run(_LOST.format(name=name), breaks_prefix=int(breaks_prefix), now_us=2**61)
    meters = ", ".join(f"'{meter}'" for meter in _METERS)
    store.run(_ROWS.format(name=name, meters=meters))
    store.run(_GAINS.format(name=name))
    store.run(_CUT.format(name=name))


def rewrite(name: str) -> str:
    """The SELECT of a lever that trims: cut quantities, and what can't be cached any longer as plain input."""
    return f"""
SELECT m.charge_id, m.request_id, m.position, m.sku_meter, m.provider_name, m.model, m.service_tier,
       m.consumed_quantity, m.estimated, m.unit_price_pico
FROM remaining AS m
LEFT JOIN {name}_cut AS c ON c.request_id = m.request_id AND c.sku_meter = m.sku_meter AND c.model = m.model
    AND c.provider_name = m.provider_name AND c.service_tier = m.service_tier AND c.estimated = m.estimated
    AND c.unit_price_pico = m.unit_price_pico
WHERE c.request_id IS NULL
UNION ALL
SELECT NULL, request_id, NULL, sku_meter, provider_name, model, service_tier, kept, estimated, unit_price_pico
FROM {name}_cut WHERE kept > 0
UNION ALL
SELECT NULL, request_id, NULL, 'input', provider_name, model, service_tier, lost, estimated, NULL
FROM {name}_cut WHERE lost > 0
"""


def found(store: Store, name: str) -> list[dict[str, Any]]:
    """What the last cut did, by workflow, the dearest first: workflow, requests, tokens, lost_tokens, saving_pico and,
    as an example, a request."""
    return store.rows(_FOUND.format(name=name))


def unmeasured(store: Store, settings: Settings) -> str | None:
    """Why nothing can be trimmed: text that was not kept; None when there is text."""
    del settings
    if store.value("SELECT COUNT(*) FROM content WHERE text IS NOT NULL"):
        return None
    return "not measurable on this audit file: texts were not kept (ingested with --no-content)"
