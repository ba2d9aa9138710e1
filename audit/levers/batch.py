"""Send traffic nobody waits for through the provider's batch tier."""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa

from audit.levers import Lever, Settings
from audit.store import Store

_OFFLINE_WORD = re.compile(r"(?:^|[^a-z])(batch|offline|nightly|cron|backfill|bulk)(?:[^a-z]|$)")
_OFFLINE_KEYS = frozenset({"batch", "offline", "async", "background", "is_batch", "is_offline"})


def says_offline(environment: str | None, tags: str | None) -> bool:
    """Whether the environment or a tag (JSON object) of a request says that nobody waits for its answer."""
    if environment and _OFFLINE_WORD.search(environment.lower()):
        return True
    if not tags:
        return False
    values: Any = json.loads(tags)
    if not isinstance(values, dict):
        return False
    for key, value in values.items():
        if isinstance(value, str) and _OFFLINE_WORD.search(value.lower()):
            return True
        if key.rsplit(".", 1)[-1].lower() in _OFFLINE_KEYS and value in (True, 1, "true", "True", "1", "yes"):
            return True
        if isinstance(value, list) and any(isinstance(v, str) and _OFFLINE_WORD.search(v.lower()) for v in value):
            return True
    return False


def _prepare(store: Store, settings: Settings) -> None:
    del settings
    kinds = store.rows(
        "SELECT DISTINCT COALESCE(environment, '') AS environment, COALESCE(tags, '') AS tags FROM request"
        " WHERE status = 'billable'"
    )
    offline = [kind for kind in kinds if says_offline(kind["environment"], kind["tags"])]
    schema = pa.schema([("environment", pa.string()), ("tags", pa.string())])
    store.replace("batch_offline", pa.Table.from_pylist(offline, schema=schema))


def _blocked(store: Store, settings: Settings) -> str | None:
    _prepare(store, settings)
    if store.value("SELECT COUNT(*) FROM batch_offline"):
        return None
    return (
        "no request is tagged as offline work: add a tag such as job=nightly or environment=batch at the gateway, "
        "or map an existing one with [tags] environment in audit.toml"
    )


LEVER = Lever(
    name="batch",
    title="Batch tier for offline traffic",
    stage="REPRICE",
    order=20,
    evidence="A",
    rewrite="""
WITH offline AS (
    SELECT r.request_id FROM request AS r
    JOIN batch_offline AS b ON b.environment = COALESCE(r.environment, '') AND b.tags = COALESCE(r.tags, '')
    WHERE r.status = 'billable' AND COALESCE(r.request_stream, FALSE) = FALSE
),
offered AS (
    SELECT DISTINCT provider_name, model, sku_meter FROM price WHERE service_tier = 'batch' AND inferred = FALSE
)
SELECT m.charge_id, m.request_id, m.position, m.sku_meter, m.provider_name, m.model,
       CASE WHEN o.request_id IS NOT NULL AND b.model IS NOT NULL THEN 'batch' ELSE m.service_tier END
           AS service_tier,
       m.consumed_quantity, m.estimated,
       CASE WHEN o.request_id IS NOT NULL AND b.model IS NOT NULL THEN NULL ELSE m.unit_price_pico END
           AS unit_price_pico
FROM remaining AS m
LEFT JOIN offline AS o ON o.request_id = m.request_id AND m.service_tier = 'standard'
LEFT JOIN offered AS b
    ON b.provider_name = m.provider_name AND b.model = m.model AND b.sku_meter = m.sku_meter
""",
    effort_days=4,
    risk="low",
    needs=("usage",),
    prepare=_prepare,
    blocked=_blocked,
    conditions=(
        "only requests tagged as offline work (batch, nightly, offline, cron, backfill, bulk) that do not stream",
        "the tag is taken at its word; answers may take up to 24 hours",
    ),
    fix="Collect these requests and submit them through the provider's batch interface.",
)
