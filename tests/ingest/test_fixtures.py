"""Real-looking logs of every format against totals worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.ingest import IngestResult
from audit.store import Store

LOGS = Path(__file__).parent.parent / "fixtures" / "logs"
EXPECTED = {name: each for name, each in json.loads((LOGS / "expected.json").read_text()).items() if name != "_rules"}

TOTALS = """
SELECT SUM(CASE WHEN status = 'billable' THEN 1 ELSE 0 END) AS billable_requests,
       SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed_requests,
       SUM(CASE WHEN status = 'gateway_cache_hit' THEN 1 ELSE 0 END) AS gateway_cache_hits,
       SUM(CASE WHEN status = 'billable' AND usage_source = 'unknown' THEN 1 ELSE 0 END) AS usage_unknown_requests,
       SUM(CASE WHEN status = 'billable' THEN COALESCE(input_tokens, 0) ELSE 0 END) AS input_tokens_total,
       SUM(CASE WHEN status = 'billable' THEN cache_read_input_tokens END) AS cache_read_tokens,
       SUM(CASE WHEN status = 'billable' THEN cache_write_5m_input_tokens END) AS write_5m,
       SUM(CASE WHEN status = 'billable' THEN cache_write_1h_input_tokens END) AS write_1h,
       SUM(CASE WHEN status = 'billable' THEN COALESCE(output_tokens, 0) ELSE 0 END) AS output_tokens,
       SUM(CASE WHEN status = 'billable' THEN COALESCE(reasoning_output_tokens, 0) ELSE 0 END) AS reasoning_tokens,
       MIN(started_at_us) AS first_us, MAX(started_at_us) AS last_us
FROM request
"""
MODELS = """
SELECT DISTINCT COALESCE(response_model, request_model) AS model FROM request WHERE status = 'billable' ORDER BY model
"""


@pytest.mark.parametrize("name", EXPECTED)
def test_totals(name: str, store: Store, read: Callable[..., IngestResult]) -> None:
    expected = EXPECTED[name]
    result = read(*(LOGS / file for file in expected["files"]))
    assert not result.rejected
    (found,) = store.rows(TOTALS)
    for key in ("billable_requests", "failed_requests", "gateway_cache_hits", "usage_unknown_requests",
                "input_tokens_total", "output_tokens", "reasoning_tokens"):  # fmt: skip
        assert found[key] == expected[key], key
    for key in ("cache_read_tokens", "cache_write_tokens"):
        if expected[key] is not None:
            counted = ("cache_read_tokens",) if "read" in key else ("write_5m", "write_1h")
            assert sum(found[name] or 0 for name in counted) == expected[key], key
    assert [row["model"] for row in store.rows(MODELS)] == expected["models"]
    for key, column in (("first_ts_utc", "first_us"), ("last_ts_utc", "last_us")):
        moment = expected[key] and datetime.fromisoformat(expected[key])
        assert found[column] == (moment and round(moment.astimezone(UTC).timestamp() * 1_000_000)), key


def test_charges_add_up_to_the_tokens_of_each_request(store: Store, read: Callable[..., IngestResult]) -> None:
    read(LOGS)
    wrong = store.rows(
        """
        SELECT r.request_id, r.input_tokens, r.output_tokens, c.input, c.output FROM request AS r LEFT JOIN (
            SELECT request_id,
                   SUM(CASE WHEN sku_meter LIKE 'input%' OR sku_meter LIKE 'cache%' THEN consumed_quantity ELSE 0 END)
                       AS input,
                   SUM(CASE WHEN sku_meter LIKE 'output%' THEN consumed_quantity ELSE 0 END) AS output
            FROM charge GROUP BY request_id
        ) AS c ON c.request_id = r.request_id
        WHERE r.status = 'billable' AND (COALESCE(c.input, 0) <> COALESCE(r.input_tokens, 0)
                                         OR COALESCE(c.output, 0) <> COALESCE(r.output_tokens, 0))
        """
    )
    assert wrong == []
    charged = store.value(
        "SELECT COUNT(*) FROM charge AS c JOIN request AS r ON r.request_id = c.request_id WHERE r.status <> 'billable'"
    )
    assert charged == 0
