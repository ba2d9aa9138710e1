"""The prompts of a log as prefixes: what the audit file holds, made narrow enough to be played in memory.

A prefix that only one request has can never be read, so only shared ones become events. An event is one integer:
number of the prefix, rank of the request in time, and flags that say where in the prompt the prefix ends.
"""

from __future__ import annotations

from audit.store import Store
from audit.tokens import MESSAGE_OVERHEAD, REPLY_OVERHEAD

HEAD, FIRST, LAST, TURN, MARK, LONG, LOOK, NEAR = (1 << bit for bit in range(8))
"""Where a prefix ends: after tools and system prompt, after the first message, at the end, after a user or tool turn;
marked in the log, with the long life, within the look-back of a mark, within the look-back of the end."""

CLUSTER = "trace"
"""Provider of requests whose prompts are known by their blocks, and whose model has no price and no rule."""

_UNLIMITED_S = 100 * 365 * 86_400
_OPEN_US = 2**61
"""A rule that ends later than this still holds; a trace without dates is played by today's."""

RANK_BITS, FLAG_BITS = 27, 8
NODE_SHIFT = RANK_BITS + FLAG_BITS
RANK_MASK = (1 << RANK_BITS) - 1
FLAG_MASK = (1 << FLAG_BITS) - 1

# a trace of no known model is played as a serving cluster with memory for everything would
_RULES = f"""
CREATE OR REPLACE TEMP TABLE promptcache_rule AS
WITH known AS (
    SELECT provider_name, model, valid_from_us, valid_to_us, min_tokens, step, match, ttl_s,
           COALESCE(ttl_long_s, 0) AS ttl_long_s, sliding, COALESCE(lookback, 0) AS lookback, write_premium, reliability
    FROM cache_rule
    UNION ALL
    SELECT '{CLUSTER}', COALESCE(response_model, request_model, 'unknown'), 0, {2**62}, 1, 1, 'longest_prefix',
           {_UNLIMITED_S}, 0, TRUE, 0, FALSE, 1.0
    FROM request WHERE text_status = 'hashed' AND price_provider IS NULL
    GROUP BY COALESCE(response_model, request_model, 'unknown')
)
SELECT ROW_NUMBER() OVER (ORDER BY provider_name, model, valid_from_us) - 1 AS rule, * FROM known
"""

# whose cache a request could read, and when it came; prompts need to be known only by what they share
_CALLS = f"""
CREATE OR REPLACE TEMP TABLE promptcache_call AS
SELECT request_id, COALESCE(price_provider, '{CLUSTER}') AS price_provider,
       CASE WHEN price_provider IS NULL THEN COALESCE(response_model, request_model, 'unknown') ELSE price_model END
           AS price_model,
       COALESCE(organization, '') AS organization, COALESCE(api_key_hash, '') AS api_key_hash, input_tokens,
       COALESCE(started_at_us, CASE WHEN text_status = 'hashed'
                                    THEN TRY_CAST(json_extract_string(tags, '$.trace_us') AS BIGINT)
                                    ELSE NULL END) AS started_at_us,
       started_at_us IS NULL AS relative
FROM request WHERE status = 'billable' AND (prompt_key IS NOT NULL OR text_status = 'hashed')
"""

_PLACES = f"""
CREATE OR REPLACE TEMP TABLE promptcache_place AS
SELECT s.request_id, CAST(SUM(COALESCE(s.tokens, 0) + {MESSAGE_OVERHEAD}) + {REPLY_OVERHEAD} AS BIGINT) AS whole,
       MIN(CASE WHEN s.kind NOT IN ('system', 'tools') THEN s.position ELSE NULL END) AS body,
       MAX(s.position) AS last,
       MAX(CASE WHEN s.cache_breakpoint THEN 1 ELSE 0 END) AS marked,
       MAX(CASE WHEN s.cache_breakpoint AND s.cache_ttl = '1h' THEN 1 ELSE 0 END) AS marked_long,
       MAX(CASE WHEN s.cache_breakpoint IS NULL AND s.cache_ttl = '24h' THEN 1 ELSE 0 END) AS retained
FROM segment AS s WHERE s.direction = 'input' GROUP BY s.request_id
"""

_REALMS = """
CREATE OR REPLACE TEMP TABLE promptcache_realm AS
WITH known AS (SELECT DISTINCT price_provider, price_model, organization, api_key_hash FROM promptcache_call)
SELECT ROW_NUMBER() OVER (ORDER BY price_provider, price_model, organization, api_key_hash) AS realm, price_provider,
       price_model, organization, api_key_hash
FROM known
"""

# ranks are given to narrow rows: a window carries everything it is asked to
_RANKS = f"""
CREATE OR REPLACE TEMP TABLE promptcache_rank AS
SELECT ROW_NUMBER() OVER (ORDER BY r.started_at_us, r.request_id) - 1 AS rank, r.request_id, k.rule
FROM promptcache_call AS r
JOIN promptcache_place AS p ON p.request_id = r.request_id
JOIN promptcache_rule AS k ON k.provider_name = r.price_provider AND k.model = r.price_model
    AND ((r.started_at_us >= k.valid_from_us AND r.started_at_us < k.valid_to_us)
         OR (r.relative AND k.valid_to_us >= {_OPEN_US}))
WHERE r.started_at_us IS NOT NULL AND r.input_tokens >= k.min_tokens AND p.whole > 0
"""

_REQUESTS = """
CREATE OR REPLACE TEMP TABLE promptcache_request AS
SELECT n.rank, n.request_id, n.rule, m.realm, CASE WHEN k.match = 'longest_prefix' THEN 1 ELSE 0 END AS automatic,
       k.lookback, CAST(k.min_tokens * p.whole AS DOUBLE) / r.input_tokens * 0.5 AS least,
       p.whole, COALESCE(p.body, p.last + 1) AS body, p.last, p.marked_long, p.retained
FROM promptcache_rank AS n
JOIN promptcache_call AS r ON r.request_id = n.request_id
JOIN promptcache_place AS p ON p.request_id = n.request_id
JOIN promptcache_rule AS k ON k.rule = n.rule
JOIN promptcache_realm AS m ON m.price_provider = r.price_provider AND m.price_model = r.price_model
    AND m.organization = r.organization AND m.api_key_hash = r.api_key_hash
"""

# `next_mark` looks forward, which is dear; a log without marks does without it
_NEXT_MARK = """
MIN(CASE WHEN mark = 1 THEN position ELSE NULL END) OVER (
    PARTITION BY rank ORDER BY position ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
"""

_SEGMENTS = f"""
CREATE OR REPLACE TEMP TABLE promptcache_segment AS
WITH joined AS (
    SELECT q.rank, q.realm, q.automatic, q.body, q.last, q.lookback, q.marked_long, q.least, s.position, s.chain_hash,
           CASE WHEN s.role IN ('user', 'tool') THEN {TURN} ELSE 0 END AS turn,
           COALESCE(s.tokens, 0) + {MESSAGE_OVERHEAD} AS tokens,
           CASE WHEN s.cache_breakpoint THEN 1 ELSE 0 END AS mark,
           CASE WHEN s.cache_breakpoint AND s.cache_ttl = '1h' THEN 1 ELSE 0 END AS mark_long
    FROM promptcache_request AS q
    JOIN segment AS s ON s.request_id = q.request_id AND s.direction = 'input'
),
summed AS (
    SELECT *,
           SUM(tokens) OVER (PARTITION BY rank ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
               AS upto,
           LAG(chain_hash) OVER (PARTITION BY rank ORDER BY position) AS parent_hash, {{next_mark}} AS next_mark
    FROM joined
)
SELECT rank, realm, automatic, chain_hash, COALESCE(parent_hash, 0) AS parent_hash,
       CAST(tokens AS INTEGER) AS tokens, CAST(upto AS INTEGER) AS upto, least,
       turn + CASE WHEN position = body - 1 THEN {HEAD} ELSE 0 END
       + CASE WHEN position = body THEN {FIRST} ELSE 0 END
       + CASE WHEN position = last THEN {LAST} ELSE 0 END
       + CASE WHEN mark = 1 THEN {MARK} ELSE 0 END
       + CASE WHEN mark_long = 1 OR (mark = 0 AND marked_long = 1) THEN {LONG} ELSE 0 END
       + CASE WHEN mark = 0 AND next_mark IS NOT NULL AND next_mark - position <= lookback THEN {LOOK} ELSE 0 END
       + CASE WHEN position < last AND last - position <= lookback THEN {NEAR} ELSE 0 END AS flags
FROM summed
"""

_NODES = """
CREATE OR REPLACE TEMP TABLE promptcache_node AS
WITH shared AS (
    SELECT realm, chain_hash, MAX(upto) AS upto
    FROM promptcache_segment WHERE upto >= least GROUP BY realm, chain_hash HAVING COUNT(*) > 1
)
SELECT ROW_NUMBER() OVER (ORDER BY realm, chain_hash) - 1 AS node, realm, chain_hash, upto FROM shared
"""

_EVENTS = f"""
CREATE OR REPLACE TEMP TABLE promptcache_event AS
SELECT CAST(n.node * {1 << NODE_SHIFT} + s.rank * {1 << FLAG_BITS} + s.flags AS BIGINT) AS event
FROM promptcache_segment AS s
JOIN promptcache_node AS n ON n.realm = s.realm AND n.chain_hash = s.chain_hash
WHERE s.upto >= s.least
UNION ALL
SELECT CAST(i.node * {1 << NODE_SHIFT} + s.rank * {1 << FLAG_BITS} AS BIGINT) AS event
FROM promptcache_segment AS s
JOIN promptcache_inner AS i ON i.realm = s.realm AND i.chain_hash = s.chain_hash
WHERE i.upto >= s.least
"""

EVENTS = "SELECT event FROM promptcache_event"
NODES = "SELECT upto FROM promptcache_node ORDER BY node"

_WORKFLOWS = """
CREATE OR REPLACE TEMP TABLE promptcache_workflow AS
SELECT ROW_NUMBER() OVER (ORDER BY workflow_id) - 1 AS number, workflow_id FROM (
    SELECT DISTINCT COALESCE(r.workflow_id, 0) AS workflow_id
    FROM promptcache_request AS q JOIN request AS r ON r.request_id = q.request_id
) AS known
"""
WORKFLOWS = "SELECT workflow_id FROM promptcache_workflow ORDER BY number"


def _narrow(tokens: str) -> str:
    """SQL of tokens that three of them added fit 32 bits: no prompt has more, whatever a log says."""
    return f"LEAST({tokens}, 700000000)"


REQUESTS = f"""
WITH ends AS (
    SELECT rank, MAX(CASE WHEN flags % {2 * HEAD} >= {HEAD} THEN upto ELSE 0 END) AS head,
           MAX(CASE WHEN flags % {2 * FIRST} >= {FIRST} THEN upto ELSE 0 END) AS first,
           MAX(CASE WHEN flags % {2 * MARK} >= {MARK} THEN upto ELSE 0 END) AS mark
    FROM promptcache_segment GROUP BY rank
)
SELECT q.request_id, w.number AS workflow, q.rule, q.realm, a.started_at_us,
       CAST(COALESCE(r.time_to_first_chunk, r.duration, 0) AS DOUBLE) AS wait_s,
       {_narrow("r.input_tokens")} AS input_tokens, {_narrow("q.whole")} AS whole, e.head, e.first, e.mark,
       {_narrow("COALESCE(r.cache_read_input_tokens, -1)")} AS read,
       {_narrow("COALESCE(r.cache_write_5m_input_tokens, 0)")} AS written_short,
       {_narrow("COALESCE(r.cache_write_1h_input_tokens, 0)")} AS written_long,
       CASE WHEN r.service_tier = 'batch' THEN 1 ELSE 0 END AS batch, q.retained
FROM promptcache_request AS q
JOIN request AS r ON r.request_id = q.request_id
JOIN promptcache_call AS a ON a.request_id = q.request_id
JOIN promptcache_workflow AS w ON w.workflow_id = COALESCE(r.workflow_id, 0)
JOIN ends AS e ON e.rank = q.rank
ORDER BY q.rank
"""

RULES = "SELECT * FROM promptcache_rule ORDER BY rule"

STAMP = """
SELECT (SELECT COUNT(*) FROM request) AS requests, (SELECT COUNT(*) FROM segment) AS segments,
       (SELECT COALESCE(MAX(request_id), 0) FROM request) AS newest, (SELECT COUNT(*) FROM cache_rule) AS rules,
       (SELECT COALESCE(CAST(SUM(min_tokens + ttl_s) AS BIGINT), 0) FROM cache_rule) AS rule_sum,
       (SELECT COUNT(DISTINCT workflow_id) FROM request) AS workflows
"""


def build(store: Store) -> None:
    """Make the temporary tables `promptcache_*` of the whole log."""
    for statement in (_RULES, _CALLS, _PLACES, _REALMS, _RANKS, _REQUESTS, _WORKFLOWS):
        store.run(statement)
    marked = store.value("SELECT MAX(marked) FROM promptcache_place")
    store.run(_SEGMENTS.format(next_mark=_NEXT_MARK if marked else "CAST(NULL AS BIGINT)"))
    store.run(_NODES)


def make_events(store: Store) -> None:
    """Make the temporary table `promptcache_event`, once the prefixes inside texts are known too."""
    store.run(_EVENTS)


def drop(store: Store) -> None:
    """Forget the wide temporary tables; what is played lives in arrays."""
    for name in ("call", "place", "rank", "realm", "request", "workflow", "segment", "node", "inner", "event"):
        store.run(f"DROP TABLE IF EXISTS promptcache_{name}")
