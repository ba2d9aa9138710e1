"""Mark stable prompt prefixes for the provider's prompt cache where that pays, beyond what already hits.

Only models whose cache must be asked for (breakpoints) are in scope: models that cache by themselves already do what
the log shows. Two ways to mark are played over the log in time order, with the short and the long life: the end of
tools and system prompt (`head`), and also the end of every prompt (`turns`, for growing conversations). The cheapest
per workflow and model is taken, today's way included. Every miss pays its write.
"""

from __future__ import annotations

from audit.levers import Lever, Settings
from audit.store import Store

_REQUESTS = """
CREATE OR REPLACE TEMP TABLE prompt_cache_request AS
WITH paid AS (
    SELECT request_id, provider_name, model, CAST(SUM(consumed_quantity) AS BIGINT) AS input_tokens,
           CAST(SUM(CASE WHEN sku_meter = 'cache_read' THEN consumed_quantity ELSE 0 END) AS BIGINT) AS logged_read,
           CAST(SUM(CASE WHEN sku_meter = 'cache_write_5m' THEN consumed_quantity ELSE 0 END) AS BIGINT) AS logged_5m,
           CAST(SUM(CASE WHEN sku_meter = 'cache_write_1h' THEN consumed_quantity ELSE 0 END) AS BIGINT) AS logged_1h
    FROM remaining WHERE sku_meter IN ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h')
    GROUP BY request_id, provider_name, model
)
SELECT r.request_id, r.workflow_id, p.provider_name, p.model,
       COALESCE(r.organization, '') || '|' || COALESCE(r.api_key_hash, '') AS scope,
       r.started_at_us,
       r.started_at_us + CAST(COALESCE(r.time_to_first_chunk, r.duration, 0) * 1000000 AS BIGINT) AS ready_us,
       p.input_tokens, p.logged_read, p.logged_5m, p.logged_1h, k.min_tokens, k.ttl_s, k.ttl_long_s, k.reliability
FROM request AS r
JOIN paid AS p ON p.request_id = r.request_id
JOIN cache_rule AS k ON k.provider_name = p.provider_name AND k.model = p.model
    AND r.started_at_us >= k.valid_from_us AND r.started_at_us < k.valid_to_us
WHERE r.prompt_key IS NOT NULL AND k.match <> 'longest_prefix'
"""

_NODES = """
CREATE OR REPLACE TEMP TABLE prompt_cache_node AS
WITH summed AS (
    SELECT q.*, s.position, s.chain_hash, s.kind,
           SUM(s.tokens) OVER (PARTITION BY s.request_id ORDER BY s.position
                               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS upto,
           SUM(s.tokens) OVER (PARTITION BY s.request_id) AS whole,
           MAX(CASE WHEN s.kind IN ('tools', 'system') THEN s.position ELSE -1 END) OVER (PARTITION BY s.request_id)
               AS head_position,
           MAX(s.position) OVER (PARTITION BY s.request_id) AS last_position
    FROM prompt_cache_request AS q
    JOIN segment AS s ON s.request_id = q.request_id AND s.direction = 'input'
)
SELECT request_id, workflow_id, provider_name, model, scope, started_at_us, ready_us, input_tokens, logged_read,
       logged_5m, logged_1h, min_tokens, ttl_s, ttl_long_s, reliability, chain_hash,
       CAST(CAST(upto AS DOUBLE) * input_tokens / whole AS BIGINT) AS upto,
       CASE WHEN position = head_position THEN 1 ELSE 0 END AS is_head,
       CASE WHEN position = last_position THEN 1 ELSE 0 END AS is_last
FROM summed WHERE whole > 0
"""

# the last time this very prefix was written or read before, and could be read again already
_PLAY = """
CREATE OR REPLACE TEMP TABLE prompt_cache_{policy} AS
WITH seen AS (
    SELECT *,
           MAX(CASE WHEN {marked} THEN started_at_us ELSE NULL END) OVER before AS used_us,
           MIN(CASE WHEN {marked} THEN ready_us ELSE NULL END) OVER before AS first_ready_us
    FROM prompt_cache_node WHERE {relevant}
    WINDOW before AS (
        PARTITION BY provider_name, model, scope, chain_hash ORDER BY started_at_us, request_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),
read AS (
    SELECT request_id,
           MAX(CASE WHEN upto >= min_tokens AND started_at_us - used_us <= {ttl} * 1000000
                         AND first_ready_us <= started_at_us THEN upto ELSE 0 END) AS read,
           MAX(CASE WHEN upto >= min_tokens AND {marked} THEN upto ELSE 0 END) AS marked
    FROM seen GROUP BY request_id
)
SELECT q.request_id, q.workflow_id, q.provider_name, q.model, q.input_tokens,
       CAST(ROUND(r.read * $rho_of_hits) AS BIGINT) AS read,
       CASE WHEN r.marked > r.read THEN r.marked ELSE r.read END - CAST(ROUND(r.read * $rho_of_hits) AS BIGINT)
           AS written
FROM prompt_cache_request AS q JOIN read AS r ON r.request_id = q.request_id
"""

_POLICIES = (
    ("head_5m", "is_head = 1", "is_head = 1", "ttl_s", "cache_write_5m"),
    ("turns_5m", "is_head = 1 OR is_last = 1", "1 = 1", "ttl_s", "cache_write_5m"),
    ("head_1h", "is_head = 1", "is_head = 1", "ttl_long_s", "cache_write_1h"),
    ("turns_1h", "is_head = 1 OR is_last = 1", "1 = 1", "ttl_long_s", "cache_write_1h"),
)

_PRICES = """
CREATE OR REPLACE TEMP TABLE prompt_cache_price AS
WITH latest AS (
    SELECT provider_name, model, sku_meter, unit_price_pico,
           ROW_NUMBER() OVER (PARTITION BY provider_name, model, sku_meter
                              ORDER BY valid_from_us DESC, input_threshold, week_from_us) AS place
    FROM price WHERE service_tier = 'standard'
)
SELECT provider_name, model,
       MAX(CASE WHEN sku_meter = 'input' THEN unit_price_pico ELSE NULL END) AS input,
       MAX(CASE WHEN sku_meter = 'cache_read' THEN unit_price_pico ELSE NULL END) AS cache_read,
       MAX(CASE WHEN sku_meter = 'cache_write_5m' THEN unit_price_pico ELSE NULL END) AS cache_write_5m,
       MAX(CASE WHEN sku_meter = 'cache_write_1h' THEN unit_price_pico ELSE NULL END) AS cache_write_1h
FROM latest WHERE place = 1 GROUP BY provider_name, model
"""

_BILL = """
SELECT '{policy}' AS policy, '{meter}' AS meter, s.workflow_id, s.provider_name, s.model,
       CAST(SUM(CAST(s.input_tokens - s.read - s.written AS DOUBLE) * p.input + CAST(s.read AS DOUBLE) * p.cache_read
                + CAST(s.written AS DOUBLE) * p.{meter}) AS DOUBLE) AS bill
FROM prompt_cache_{policy} AS s
JOIN prompt_cache_price AS p ON p.provider_name = s.provider_name AND p.model = s.model
WHERE p.{meter} IS NOT NULL AND p.cache_read IS NOT NULL
GROUP BY s.workflow_id, s.provider_name, s.model
"""

_TODAY = """
SELECT 'today' AS policy, '' AS meter, q.workflow_id, q.provider_name, q.model,
       CAST(SUM(CAST(q.input_tokens - q.logged_read - q.logged_5m - q.logged_1h AS DOUBLE) * p.input
                + CAST(q.logged_read AS DOUBLE) * COALESCE(p.cache_read, p.input)
                + CAST(q.logged_5m AS DOUBLE) * COALESCE(p.cache_write_5m, p.input)
                + CAST(q.logged_1h AS DOUBLE) * COALESCE(p.cache_write_1h, p.input)) AS DOUBLE) AS bill
FROM prompt_cache_request AS q
JOIN prompt_cache_price AS p ON p.provider_name = q.provider_name AND p.model = q.model
GROUP BY q.workflow_id, q.provider_name, q.model
"""

_CHOICE = """
CREATE OR REPLACE TEMP TABLE prompt_cache_choice AS
WITH bills AS ({bills}),
ranked AS (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY workflow_id, provider_name, model ORDER BY bill, policy) AS place
    FROM bills
)
SELECT workflow_id, provider_name, model, policy, meter FROM ranked WHERE place = 1 AND policy <> 'today'
"""

_PLAN = """
CREATE OR REPLACE TEMP TABLE prompt_cache_plan AS
{plans}
"""

_PLAN_OF = """
SELECT s.request_id, s.provider_name, s.model, s.input_tokens - s.read - s.written AS input, s.read, s.written,
       '{meter}' AS meter
FROM prompt_cache_{policy} AS s
JOIN prompt_cache_choice AS c ON c.workflow_id = s.workflow_id AND c.provider_name = s.provider_name
    AND c.model = s.model AND c.policy = '{policy}'
"""


def _prepare(store: Store, settings: Settings) -> None:
    for statement in (_REQUESTS, _NODES, _PRICES):
        store.run(statement)
    for policy, marked, relevant, ttl, _ in _POLICIES:
        sql = _PLAY.format(policy=policy, marked=marked, relevant=relevant, ttl=ttl)
        store.run(sql, rho_of_hits=float(settings["reliability"]))
    bills = [_BILL.format(policy=policy, meter=meter) for policy, *_, meter in _POLICIES]
    store.run(_CHOICE.format(bills=" UNION ALL ".join([_TODAY, *bills])))
    plans = [_PLAN_OF.format(policy=policy, meter=meter) for policy, *_, meter in _POLICIES]
    store.run(_PLAN.format(plans=" UNION ALL ".join(plans)))


def _blocked(store: Store, settings: Settings) -> str | None:
    del settings
    if store.value("SELECT COUNT(*) FROM cache_rule WHERE match <> 'longest_prefix'"):
        return None
    return "no model in this log has a prompt cache that must be asked for; the others cache by themselves"


LEVER = Lever(
    name="prompt_cache",
    title="Provider prompt cache",
    stage="REPRICE",
    order=10,
    evidence="B",
    rewrite="""
SELECT m.charge_id, m.request_id, m.position, m.sku_meter, m.provider_name, m.model, m.service_tier,
       m.consumed_quantity, m.estimated, m.unit_price_pico
FROM remaining AS m LEFT JOIN prompt_cache_plan AS p ON p.request_id = m.request_id AND p.model = m.model
WHERE p.request_id IS NULL OR m.sku_meter NOT IN ('input', 'cache_read', 'cache_write_5m', 'cache_write_1h')
UNION ALL
SELECT NULL, p.request_id, NULL, k.sku_meter, p.provider_name, p.model, t.service_tier,
       CASE WHEN k.sku_meter = 'input' THEN p.input WHEN k.sku_meter = 'cache_read' THEN p.read ELSE p.written END,
       FALSE, NULL
FROM prompt_cache_plan AS p
JOIN (SELECT request_id, MIN(service_tier) AS service_tier FROM remaining GROUP BY request_id) AS t
    ON t.request_id = p.request_id
JOIN (SELECT 'input' AS sku_meter UNION ALL SELECT 'cache_read' UNION ALL SELECT 'cache_write_5m'
      UNION ALL SELECT 'cache_write_1h') AS k ON k.sku_meter IN ('input', 'cache_read') OR k.sku_meter = p.meter
WHERE CASE WHEN k.sku_meter = 'input' THEN p.input WHEN k.sku_meter = 'cache_read' THEN p.read ELSE p.written END > 0
""",
    effort_days=1,
    risk="low",
    needs=("text", "time", "usage"),
    settings={"reliability": 0.9},
    prepare=_prepare,
    blocked=_blocked,
    conditions=(
        "beyond what already hits; every miss pays the write, and {reliability} of the theoretical hits are counted",
        "prefixes are compared segment by segment, inside one organization and API key",
    ),
    fix="Set cache_control at the end of the system prompt (and of each turn in conversations).",
)
