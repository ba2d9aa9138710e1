"""What each piece of a prompt or answer cost: the billed quantities of a request laid over its segments in order.

A provider bills a prompt as a cached prefix, what was written to the cache behind it, and the rest; so a segment's
dollars depend on where it stands. Where the model's own tokenizer counted the text, a segment has its counted tokens
and a message's overhead, and what is billed beyond (schemas, formatting) belongs to no segment; otherwise the billed
tokens are shared over the segments by their counts. Media take what counted text does not explain. Boundaries are
rounded once, so pieces add up exactly.
"""

from __future__ import annotations

from audit.tokens import MESSAGE_OVERHEAD, OWN_ENCODING

_METERS = """
meters AS (
    SELECT request_id,
           SUM(CASE WHEN sku_meter = 'cache_read' THEN consumed_quantity ELSE 0 END) AS read_tokens,
           SUM(CASE WHEN sku_meter = 'cache_read' THEN cost_pico ELSE 0 END) AS read_cost,
           SUM(CASE WHEN sku_meter IN ('cache_write_5m', 'cache_write_1h') THEN consumed_quantity ELSE 0 END)
               AS write_tokens,
           SUM(CASE WHEN sku_meter IN ('cache_write_5m', 'cache_write_1h') THEN cost_pico ELSE 0 END) AS write_cost,
           SUM(CASE WHEN sku_meter = 'input' THEN consumed_quantity ELSE 0 END) AS fresh_tokens,
           SUM(CASE WHEN sku_meter = 'input' THEN cost_pico ELSE 0 END) AS fresh_cost,
           SUM(CASE WHEN sku_meter = 'output' THEN consumed_quantity ELSE 0 END) AS output_tokens,
           SUM(CASE WHEN sku_meter = 'output' THEN cost_pico ELSE 0 END) AS output_cost,
           MAX(CASE WHEN {own} THEN 1 ELSE 0 END) AS own_tokenizer
    FROM {table} WHERE cost_pico IS NOT NULL {charges}
    GROUP BY request_id
)"""

_PLACED = """
input_counted AS (
    SELECT s.request_id, s.position, s.role, s.kind, s.content_hash, m.read_tokens, m.read_cost, m.write_tokens,
           m.write_cost, m.fresh_tokens, m.fresh_cost, m.read_tokens + m.write_tokens + m.fresh_tokens AS billed,
           m.own_tokenizer, CASE WHEN s.kind IN ('media', 'tools') THEN 0.0 ELSE {overhead}.0 END AS overhead,
           CASE WHEN s.kind = 'media' THEN 0 ELSE s.words END AS words,
           SUM(CASE WHEN s.kind = 'media' THEN 1 ELSE 0 END) OVER (PARTITION BY s.request_id) AS media,
           SUM(CASE WHEN s.kind = 'media' THEN 0 ELSE s.words END) OVER (PARTITION BY s.request_id) AS all_words
    FROM (SELECT request_id, position, role, kind, content_hash,
                 COALESCE(tokens, 0) + CASE WHEN kind = 'tools' THEN 0 ELSE {overhead} END AS words
          FROM segment WHERE direction = 'input') AS s
    JOIN meters AS m ON m.request_id = s.request_id
),
input_weighed AS (
    SELECT *, CASE WHEN kind <> 'media' THEN CAST(words AS DOUBLE)
                   WHEN billed > all_words THEN CAST(billed - all_words AS DOUBLE) / CAST(media AS DOUBLE)
                   ELSE 0.0 END AS weight
    FROM input_counted
),
input_summed AS (
    SELECT *, SUM(weight) OVER (PARTITION BY request_id ORDER BY position
                                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS upto,
           CASE WHEN own_tokenizer = 1 AND media = 0 AND billed > all_words THEN CAST(billed AS DOUBLE)
                ELSE SUM(weight) OVER (PARTITION BY request_id) END AS whole
    FROM input_weighed
),
input_placed AS (
    SELECT *, CAST(ROUND(CAST(billed AS DOUBLE) * (upto - weight) / whole) AS BIGINT) AS since,
           CAST(ROUND(CAST(billed AS DOUBLE) * upto / whole) AS BIGINT) AS until
    FROM input_summed WHERE whole > 0
)"""

_INPUT = """
input_cut AS (
    SELECT *,
           CASE WHEN since < read_tokens THEN since ELSE read_tokens END AS read_since,
           CASE WHEN until < read_tokens THEN until ELSE read_tokens END AS read_until,
           CASE WHEN since < read_tokens THEN 0 WHEN since < read_tokens + write_tokens THEN since - read_tokens
                ELSE write_tokens END AS write_since,
           CASE WHEN until < read_tokens THEN 0 WHEN until < read_tokens + write_tokens THEN until - read_tokens
                ELSE write_tokens END AS write_until
    FROM input_placed
),
input_cost AS (
    SELECT request_id, position, 'input' AS direction, role, kind, content_hash, until - since AS tokens,
           read_until - read_since AS cache_read_tokens, write_until - write_since AS cache_write_tokens,
           {read} + {write} + {fresh} AS cost_pico
    FROM input_cut
)"""

_OUTPUT = """
output_counted AS (
    SELECT s.request_id, s.position, s.role, s.kind, s.content_hash, m.output_tokens, m.output_cost,
           m.own_tokenizer, CAST(COALESCE(s.tokens, 0) AS DOUBLE) AS words,
           CAST(CASE WHEN r.reasoning_output_tokens <= m.output_tokens THEN r.reasoning_output_tokens ELSE 0 END
                AS DOUBLE) AS reasoning,
           CAST(SUM(CASE WHEN s.kind = 'reasoning' THEN COALESCE(s.tokens, 0) ELSE 0 END)
                OVER (PARTITION BY s.request_id) AS DOUBLE) AS thought,
           CAST(SUM(COALESCE(s.tokens, 0)) OVER (PARTITION BY s.request_id) AS DOUBLE) AS all_words
    FROM segment AS s JOIN meters AS m ON m.request_id = s.request_id
    JOIN request AS r ON r.request_id = s.request_id
    WHERE s.direction = 'output'
),
output_weighed AS (
    SELECT *, CAST(output_tokens AS DOUBLE) - CASE WHEN thought > 0 THEN 0.0 ELSE reasoning END AS billed,
           CASE WHEN reasoning > 0 AND thought > 0 AND kind = 'reasoning' THEN words * reasoning / thought
                WHEN reasoning > 0 AND thought > 0 AND all_words > thought
                THEN words * (CAST(output_tokens AS DOUBLE) - reasoning) / (all_words - thought)
                ELSE words END AS weight
    FROM output_counted
),
output_summed AS (
    SELECT *, SUM(weight) OVER (PARTITION BY request_id ORDER BY position
                                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS upto,
           SUM(weight) OVER (PARTITION BY request_id) AS weights
    FROM output_weighed
),
output_wide AS (
    SELECT *, CASE WHEN own_tokenizer = 1 AND billed > weights THEN billed ELSE weights END AS whole
    FROM output_summed
),
output_placed AS (
    SELECT *, CAST(ROUND(billed * (upto - weight) / whole) AS BIGINT) AS since,
           CAST(ROUND(billed * upto / whole) AS BIGINT) AS until
    FROM output_wide WHERE whole > 0
),
output_cost AS (
    SELECT request_id, position, 'output' AS direction, role, kind, content_hash, until - since AS tokens,
           0 AS cache_read_tokens, 0 AS cache_write_tokens, {output} AS cost_pico
    FROM output_placed
    UNION ALL
    SELECT m.request_id, 2000000000 AS position, 'output' AS direction, 'assistant' AS role, 'reasoning' AS kind,
           NULL AS content_hash, r.reasoning_output_tokens AS tokens, 0 AS cache_read_tokens, 0 AS cache_write_tokens,
           m.output_cost - {hidden} AS cost_pico
    FROM meters AS m JOIN request AS r ON r.request_id = m.request_id
    LEFT JOIN (SELECT DISTINCT request_id FROM output_placed WHERE thought > 0) AS t ON t.request_id = m.request_id
    WHERE r.reasoning_output_tokens > 0 AND r.reasoning_output_tokens <= m.output_tokens AND t.request_id IS NULL
)"""


def _between(cost: str, whole: str, since: str, until: str) -> str:
    """SQL of the share of `cost` between two places of `whole` units; sums over adjoining pieces lose nothing."""
    return f"({_upto(cost, whole, until)} - {_upto(cost, whole, since)})"


def _upto(cost: str, whole: str, place: str) -> str:
    return (
        f"CASE WHEN {whole} > 0 THEN CAST(ROUND(CAST({cost} AS DOUBLE) * CAST({place} AS DOUBLE)"
        f" / CAST({whole} AS DOUBLE)) AS BIGINT) ELSE 0 END"
    )


def input_placed(only: str = "", table: str = "charge") -> str:
    """SQL: CTEs (without WITH) that end in `input_placed`: the input segments of requests that `only` chooses from the
    charges in `table`, each with request_id, position, kind, `billed` input tokens of its request (`read_tokens` first,
    then `write_tokens`, then `fresh_tokens`) and its own from `since` to `until`; `weight`, `upto` and `whole` are the
    same places unrounded, `overhead` is what a message weighs without its text."""
    own = " OR ".join(f"model LIKE '{start}%'" for start in OWN_ENCODING)
    return ",".join((_METERS.format(charges=only, own=own, table=table), _PLACED.format(overhead=MESSAGE_OVERHEAD)))


def segment_cost(only: str = "") -> str:
    """SQL: CTEs (without WITH) that end in `segment_cost`: request_id, position, direction, role, kind, content_hash,
    tokens, cache_read_tokens, cache_write_tokens, cost_pico.

    `only` is an SQL condition on `charge` that chooses the requests, such as `AND request_id = $request_id`. Reasoning
    that was billed but not logged is a row of its own at the end.
    """
    fresh_since, fresh_until = (f"{place} - read_{place} - write_{place}" for place in ("since", "until"))
    return ",".join(
        (
            input_placed(only),
            _INPUT.format(
                read=_between("read_cost", "read_tokens", "read_since", "read_until"),
                write=_between("write_cost", "write_tokens", "write_since", "write_until"),
                fresh=_between("fresh_cost", "fresh_tokens", f"({fresh_since})", f"({fresh_until})"),
            ),
            _OUTPUT.format(
                output=_between("output_cost", "output_tokens", "since", "until"),
                hidden=_upto("m.output_cost", "m.output_tokens", "(m.output_tokens - r.reasoning_output_tokens)"),
            ),
            """
segment_cost AS (
    SELECT * FROM input_cost
    UNION ALL
    SELECT * FROM output_cost
)""",
        )
    )


_PARTS = """
parts AS (
    SELECT request_id, kind, SUM(tokens) AS tokens, SUM(cache_read_tokens) AS cache_read_tokens,
           SUM(cost_pico) AS cost_pico
    FROM segment_cost GROUP BY request_id, kind
),
known AS (SELECT request_id, SUM(cost_pico) AS cost_pico FROM parts GROUP BY request_id),
whole AS (
    SELECT request_id, SUM(cost_pico) AS cost_pico FROM charge WHERE cost_pico IS NOT NULL {only} GROUP BY request_id
),
request_part AS (
    SELECT request_id, kind, tokens, cache_read_tokens, cost_pico FROM parts
    UNION ALL
    SELECT c.request_id, 'not in the text' AS kind, 0 AS tokens, 0 AS cache_read_tokens,
           c.cost_pico - COALESCE(k.cost_pico, 0) AS cost_pico
    FROM whole AS c LEFT JOIN known AS k ON k.request_id = c.request_id
    WHERE c.cost_pico <> COALESCE(k.cost_pico, 0)
)"""


def request_part(only: str = "") -> str:
    """SQL: CTEs (without WITH) that end in `request_part`: request_id, kind, tokens, cache_read_tokens, cost_pico.

    Its rows add up to the bill: what no logged text explains is the kind `not in the text`.
    """
    return ",".join((segment_cost(only), _PARTS.format(only=only)))
