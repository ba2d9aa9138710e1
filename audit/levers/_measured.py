"""What a replay measured, carried over to the bill that is left: requests with media, and how far the draw scatters."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from audit.statistics.arrays import FloatArray
from audit.statistics.estimation import Measured
from audit.store import Store

_MEDIA = """
CREATE OR REPLACE TEMP TABLE measured_media AS
SELECT DISTINCT request_id FROM segment WHERE direction = 'input' AND kind = 'media'
"""


INPUT = "('input', 'cache_read', 'cache_write_5m', 'cache_write_1h')"
"""Meters of a prompt's tokens, as SQL."""

_BILL = f"""
    SELECT c.request_id,
           CAST(SUM(CASE WHEN c.sku_meter IN {INPUT} THEN c.consumed_quantity ELSE 0 END) AS DOUBLE) AS input,
           CAST(SUM(CASE WHEN c.sku_meter = 'output' THEN c.consumed_quantity ELSE 0 END) AS DOUBLE) AS output,
           CAST(SUM(c.cost_pico) AS DOUBLE) AS cost
    FROM {{charges}} AS c JOIN {{scope}} AS s ON s.request_id = c.request_id GROUP BY c.request_id
"""

# a request without tokens of a kind is left with all of them
_LEFT = """
CREATE OR REPLACE TEMP TABLE measured_left AS
WITH today AS ({today}),
left_over AS ({left_over})
SELECT l.request_id, l.cost, t.cost AS cost_today,
       CASE WHEN t.input > 0 THEN l.input / t.input ELSE 1.0 END AS input_left,
       CASE WHEN t.output > 0 THEN l.output / t.output ELSE 1.0 END AS output_left
FROM left_over AS l JOIN today AS t ON t.request_id = l.request_id
"""


def find_left(store: Store, scope: str) -> None:
    """Write what the levers before left of the requests in the temporary table `scope` to `measured_left`.

    `cost` and `cost_today` are pico-USD, `input_left` and `output_left` shares of today's tokens. Requests nobody pays
    for any more are not in it.
    """
    bills = {"today": "charge", "left_over": "remaining"}
    store.run(_LEFT.format(**{name: _BILL.format(charges=table, scope=scope) for name, table in bills.items()}))


def find_media(store: Store) -> None:
    """Write the requests with images, sound or files to `measured_media`."""
    store.run(_MEDIA)


def shares(savings: Iterable[tuple[float, Measured]], draws: int, seed: int) -> FloatArray:
    """Draws of a saving over its point value.

    `savings` are the dollars of each workflow and the share of them that is saved, with the error the draw of its
    prompts left: strata, what was drawn for certain and conversations are in it.
    """
    random = np.random.default_rng(seed)
    point, drawn = 0.0, np.zeros(draws)
    for dollars, share in savings:
        point += dollars * share.value
        drawn += dollars * share.draws(draws, random)
    return drawn / point if point > 0 else np.ones(draws)
