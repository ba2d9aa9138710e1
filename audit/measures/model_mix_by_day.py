"""By day: the share of input read from provider caches, and each model's share of the requests."""

from audit.measures import Column, Measure

MEASURE = Measure(
    name="model_mix_by_day",
    title="Cache share and model mix by day",
    query="""
WITH cells AS (
    SELECT day, COALESCE(response_model, request_model, 'unknown') AS model, COUNT(*) AS requests,
           CAST(SUM(COALESCE(input_tokens, 0)) AS BIGINT) AS input_tokens,
           CAST(SUM(COALESCE(cache_read_input_tokens, 0)) AS BIGINT) AS cache_read_input_tokens
    FROM request WHERE status = 'billable' AND day IS NOT NULL
    GROUP BY day, COALESCE(response_model, request_model, 'unknown')
)
SELECT day AS key, model, requests,
       CAST(requests AS DOUBLE) / CAST(SUM(requests) OVER (PARTITION BY day) AS DOUBLE) AS share,
       CASE WHEN input_tokens > 0 THEN CAST(cache_read_input_tokens AS DOUBLE) / CAST(input_tokens AS DOUBLE)
            ELSE 0.0 END AS cache_share
FROM cells ORDER BY day, requests DESC, model
""",
    columns=(
        Column("key", "Day", "day"),
        Column("model", "Model", "text"),
        Column("requests", "Requests", "count"),
        Column("share", "Share of requests", "share"),
        Column("cache_share", "Input read from cache", "share"),
    ),
    order=150,
    limit=20,
)
