"""How well the rules of the providers' prompt caches explain the cached tokens that were billed, by model."""

from __future__ import annotations

import pyarrow as pa

from audit.measures import Column, Measure
from audit.promptcache.calibration import models_of
from audit.store import Store

_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("model", pa.string()), ("requests", pa.int64()), ("predicted", pa.int64()), ("billed", pa.int64()),
    ("reliability", pa.float64()), ("spread", pa.float64()), ("life_s", pa.int64()), ("min_tokens", pa.int64()),
]  # fmt: skip


def _prepare(store: Store) -> None:
    rows = [
        {name: getattr(each, name) for name, _ in _COLUMNS}
        for each in models_of(store)
        if each.requests and (each.predicted or each.billed)
    ]
    store.replace("prompt_cache_calibration_model", pa.Table.from_pylist(rows, schema=pa.schema(_COLUMNS)))


MEASURE = Measure(
    name="prompt_cache_calibration",
    title="Prompt cache: predicted against billed",
    query="""
SELECT model AS key, CAST(SUM(requests) AS BIGINT) AS requests, CAST(SUM(predicted) AS BIGINT) AS predicted_tokens,
       CAST(SUM(billed) AS BIGINT) AS billed_tokens,
       CASE WHEN SUM(predicted) > 0 THEN CAST(SUM(billed) AS DOUBLE) / CAST(SUM(predicted) AS DOUBLE) ELSE NULL END
           AS billed_share,
       MAX(CASE WHEN billed IS NULL THEN NULL ELSE spread END) AS share_error,
       MIN(CASE WHEN life_s >= 315360000 THEN NULL ELSE life_s END) AS life_seconds, MIN(min_tokens) AS minimum_tokens
FROM prompt_cache_calibration_model GROUP BY model ORDER BY predicted_tokens DESC, model
""",
    columns=(
        Column("key", "Model", "text"),
        Column("requests", "Requests", "count"),
        Column("predicted_tokens", "Predicted cached", "tokens"),
        Column("billed_tokens", "Billed cached", "tokens"),
        Column("billed_share", "Billed / predicted", "share"),
        Column("share_error", "± (one s.e.)", "share"),
        Column("life_seconds", "Usual life", "seconds"),
        Column("minimum_tokens", "Minimum", "tokens"),
    ),
    order=140,
    topic="calls",
    note="Cached tokens by the provider's dated rules, played over the log in time order, against those billed; "
    "the life is the one that explains the billed hits best. Where no request says what was read from cache, only the "
    "prediction stands; traces of blocks without a model are played as a cluster that keeps everything.",
    prepare=_prepare,
)
