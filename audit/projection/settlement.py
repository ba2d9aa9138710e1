"""What survivors lose when requests are removed: the provider's cache is warm no longer where others kept it so.

A request reads a prefix from the provider's cache because an earlier one wrote it or kept it alive. When a lever
takes that request away, the tokens are computed, or written, again. Today's prompts are played over everyone and over
the survivors; what a survivor could read then but not now comes off the cached tokens it was billed, in proportion.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from audit.promptcache import calibrate, today, traffic
from audit.promptcache.bill import bill_of
from audit.store import Store

REWRITE = """
WITH read AS (
    SELECT m.request_id, m.provider_name, m.model, MIN(m.service_tier) AS service_tier,
           CAST(SUM(m.consumed_quantity) AS BIGINT) AS tokens, MAX(CASE WHEN m.estimated THEN 1 ELSE 0 END) AS estimated
    FROM remaining AS m
    JOIN settlement_loss AS s ON s.request_id = m.request_id AND s.provider_name = m.provider_name AND s.model = m.model
    WHERE m.sku_meter = 'cache_read' GROUP BY m.request_id, m.provider_name, m.model
)
SELECT m.charge_id, m.request_id, m.position, m.sku_meter, m.provider_name, m.model, m.service_tier,
       m.consumed_quantity, m.estimated, m.unit_price_pico
FROM remaining AS m
LEFT JOIN settlement_loss AS s ON s.request_id = m.request_id AND s.provider_name = m.provider_name
    AND s.model = m.model
WHERE s.request_id IS NULL OR m.sku_meter <> 'cache_read'
UNION ALL
SELECT NULL, r.request_id, NULL, 'cache_read', r.provider_name, r.model, r.service_tier, r.tokens - s.tokens,
       r.estimated = 1, NULL
FROM read AS r
JOIN settlement_loss AS s ON s.request_id = r.request_id AND s.provider_name = r.provider_name AND s.model = r.model
WHERE r.tokens > s.tokens
UNION ALL
SELECT NULL, r.request_id, NULL, s.sku_meter, r.provider_name, r.model, r.service_tier, s.tokens, r.estimated = 1, NULL
FROM read AS r
JOIN settlement_loss AS s ON s.request_id = r.request_id AND s.provider_name = r.provider_name AND s.model = r.model
"""


def find_losses(store: Store) -> int:
    """Write the cached tokens that survivors of `remaining` lose to `settlement_loss`; returns how many requests do.

    A request that marked its prompt writes the lost prefix again, at its own price; one of a model that caches by
    itself pays plain input.
    """
    found = traffic(store)
    if not (found.read > 0).any():
        return 0
    calibration = calibrate(found)
    bill = bill_of(store, found, "settlement_kind")
    before, after = calibration.today, today(found, calibration.behaviour, bill.alive)
    losing = bill.priced & (found.read > 0) & (after.read < before.read)
    kept = found.read[losing].astype(np.int64) * after.read[losing] // before.read[losing]
    lost = np.maximum(0, bill.quantity["cache_read"][losing] - kept)
    rank = np.flatnonzero(losing)[lost > 0]
    names = [(found.rules[place].provider_name, found.rules[place].model) for place in found.rule[rank].tolist()]
    rewrites = found.of_rule("write_premium")[rank] & (after.covered[rank] > 0) if len(rank) else []
    long = found.written_long[rank] > found.written_short[rank]
    meters = np.where(rewrites, np.where(long, "cache_write_1h", "cache_write_5m"), "input")
    losses = {
        "request_id": pa.array(found.request_id[rank]),
        "provider_name": pa.array([provider for provider, _ in names], pa.string()),
        "model": pa.array([model for _, model in names], pa.string()),
        "tokens": pa.array(lost[lost > 0], pa.int64()),
        "sku_meter": pa.array(meters.tolist(), pa.string()),
    }
    store.replace("settlement_loss", pa.table(losses))
    return len(rank)
