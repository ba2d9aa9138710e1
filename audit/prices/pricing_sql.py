"""The price join: every charge meets the one price row of its meter, tier, moment and request size."""

from __future__ import annotations

from audit.prices.rows import WEEK_US

# tiers with a price are few, so what a tier falls back to is settled per (model, meter, tier) and not per charge:
# its own rows, else the standard tier under the same surcharge (`standard+us`), else the plain standard tier; what runs
# on capacity that was bought by the hour has no price by the token at all
_TIER_IN_USE = """
asked AS (
    SELECT DISTINCT provider_name, model, sku_meter, COALESCE(service_tier, 'standard') AS service_tier
    FROM {charge} WHERE provider_name IS NOT NULL AND model IS NOT NULL
),
listed AS (SELECT DISTINCT provider_name, model, sku_meter, service_tier FROM {price}),
tier_in_use AS (
    SELECT a.provider_name, a.model, a.sku_meter, a.service_tier,
           CASE WHEN own.model IS NOT NULL OR a.service_tier LIKE 'provisioned%' THEN a.service_tier
                WHEN surcharged.model IS NOT NULL THEN surcharged.service_tier
                ELSE 'standard' END AS priced_tier
    FROM asked AS a
    LEFT JOIN listed AS own
        ON own.provider_name = a.provider_name AND own.model = a.model AND own.sku_meter = a.sku_meter
        AND own.service_tier = a.service_tier
    LEFT JOIN listed AS surcharged
        ON surcharged.provider_name = a.provider_name AND surcharged.model = a.model
        AND surcharged.sku_meter = a.sku_meter
        AND a.service_tier LIKE '%+%'
        AND surcharged.service_tier = CONCAT('standard', SUBSTR(a.service_tier, POSITION('+' IN a.service_tier)))
)"""

_PRICED = f"""
SELECT c.charge_id, c.request_id,
       p.unit_price_pico, p.list_unit_price_pico,
       CAST(c.consumed_quantity * p.unit_price_pico AS BIGINT) AS cost_pico,
       CAST(c.consumed_quantity * p.list_unit_price_pico AS BIGINT) AS list_cost_pico,
       CASE WHEN p.unit_price_pico IS NULL THEN FALSE
            ELSE t.priced_tier <> COALESCE(c.service_tier, 'standard') END AS tier_fallback,
       p.source AS price_source
FROM {{charge}} AS c
LEFT JOIN request AS r ON r.request_id = c.request_id
LEFT JOIN tier_in_use AS t
    ON t.provider_name = c.provider_name AND t.model = c.model AND t.sku_meter = c.sku_meter
    AND t.service_tier = COALESCE(c.service_tier, 'standard')
LEFT JOIN {{price}} AS p
    ON p.provider_name = c.provider_name AND p.model = c.model AND p.sku_meter = c.sku_meter
    AND p.service_tier = t.priced_tier
    AND COALESCE(r.started_at_us, $undated_us) >= p.valid_from_us
    AND COALESCE(r.started_at_us, $undated_us) < p.valid_to_us
    AND COALESCE(r.started_at_us, $undated_us) % {WEEK_US} >= p.week_from_us
    AND COALESCE(r.started_at_us, $undated_us) % {WEEK_US} < p.week_to_us
    AND COALESCE(r.input_tokens, 0) > p.input_threshold
    AND COALESCE(r.input_tokens, 0) <= p.input_ceiling
"""


def price_charges(charge: str = "charge", price: str = "price") -> str:
    """SQL that gives each row of `charge` its price and cost; `$undated_us` is the moment of requests without one.

    Columns: charge_id, request_id, unit_price_pico, list_unit_price_pico, cost_pico, list_cost_pico, tier_fallback,
    price_source. A meter, model or day without a price gives NULL prices, never zero. `charge` and `price` are names
    of tables this program made, never text of a user. Rows of one meter and tier never overlap (the catalogue's
    promise), so the join keeps one row per charge.
    """
    tables = {"charge": charge, "price": price}
    return f"WITH {_TIER_IN_USE.format(**tables)}\n{_PRICED.format(**tables)}"
