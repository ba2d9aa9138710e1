"""LiteLLM's SpendLogs table, exported as CSV, JSON or Parquet; its daily tables are sums and are left out."""

from __future__ import annotations

from collections.abc import Iterable

from audit.call import Outcome, Skip
from audit.readers import Reader, Record
from audit.readers._litellm import call_of

_ROW = frozenset({"request_id", "call_type", "spend", "startTime"})
_DAILY = frozenset({"api_requests", "spend", "date"})


def _detect(record: Record) -> int:
    return 30 if record.keys() >= _ROW or record.keys() >= _DAILY else 0


def _read(record: Record) -> Iterable[Outcome]:
    if "request_id" not in record:
        return (Skip("aggregate_row"),)
    return (call_of(record, record.get("request_id"), record.get("spend")),)


READER = Reader(
    name="litellm_spendlogs",
    title="LiteLLM proxy SpendLogs (database export as CSV, JSON or Parquet)",
    signatures=(_ROW, _DAILY),
    detect=_detect,
    read=_read,
    unlock={
        "text": "general_settings.store_prompts_in_spend_logs: true; MAX_STRING_LENGTH_PROMPT_IN_DB for long prompts",
        "cache_tokens": "keep the metadata column in the export: additional_usage_values holds cache reads and writes",
        "user": "send user= in requests, or give each team its own virtual key with a team_alias",
        "cost": "set input_cost_per_token / output_cost_per_token in model_info for models LiteLLM has no price for",
    },
)
