"""OpenRouter: activity CSV by generation, and objects of its generation API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.readers._gateway import first, put_time, settle, snake_case
from audit.wire import bodies
from audit.wire.beside import hashed_key
from audit.wire.money import dollars
from audit.wire.tags import tag
from audit.wire.text import label
from audit.wire.times import number, seconds

_AGGREGATE = ({"requests", "prompt_tokens"}, {"requests", "usage"}, {"requests", "byok_usage"})
_PLAIN_TIERS = frozenset({"", "standard", "default", "auto"})


def _row(record: Record) -> dict[str, Any]:
    """The record under snake_case names (the SDK renames to camelCase), out of its `data` wrapper."""
    inner = record.get("data")
    source = inner if isinstance(inner, Mapping) else record
    return snake_case(source)


def _detect(record: Record) -> int:
    inner = record.get("data", record)
    if not isinstance(inner, Mapping) or not _could_be(inner):
        return 0
    row = _row(record)
    if "generation_id" in row and ("tokens_prompt" in row or "cost_total" in row):
        return 30
    if str(row.get("id")).startswith("gen-") and ("native_tokens_prompt" in row or "total_cost" in row):
        return 30
    aggregate = any(keys <= row.keys() for keys in _AGGREGATE) and (
        "byok_usage" in row or "byok_usage_inference" in row
    )
    return 30 if aggregate else 0


def _could_be(record: Mapping[str, Any]) -> bool:
    """A cheap first look: a generation id, or the columns of daily totals."""
    if "generation_id" in record or str(record.get("id")).startswith("gen-"):
        return True
    return "requests" in record or "Requests" in record


def _read(record: Record) -> Iterable[Outcome]:
    row = _row(record)
    identity = label(first(row, "generation_id", "id"))
    if identity is None or "requests" in row:
        return (Skip("aggregate_row"),)
    call = Call(system="openrouter", provider_name="openrouter", response_id=identity)
    call.response_model = label(first(row, "model_permaslug", "model"))
    call.request_model = label(first(row, "model", "model_permaslug"))
    put_time(call, first(row, "created_at"), _second_in(identity))
    call.duration = seconds(first(row, "generation_time_ms", "generation_time", "latency"), 1000)
    call.time_to_first_chunk = seconds(first(row, "time_to_first_token_ms"), 1000)
    if call.time_to_first_chunk is None and "generation_time" in row:
        call.time_to_first_chunk = seconds(first(row, "latency"), 1000)
    call.finish_reason = label(first(row, "finish_reason_normalized", "finish_reason"))
    call.request_stream = _boolean(first(row, "streamed"))
    _fill_usage(call, row)
    _fill_cost(call, row)
    if call.finish_reason == "error" or label(first(row, "finish_reason_raw")) == "error":
        call.status, call.error_type = "failed", "error"
    _label(call, row)
    settle(call, identity)
    return (call,)


def _second_in(identity: str) -> int | None:
    """The epoch second that a generation id carries (`gen-1792670400-…`)."""
    part = identity.split("-")[1] if identity.count("-") >= 1 else ""
    return int(part) if part.isdecimal() and len(part) == 10 else None


def _boolean(value: Any) -> bool | None:
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())


def _fill_usage(call: Call, row: Mapping[str, Any]) -> None:
    """Native counts are billed; the others are of one common tokenizer."""
    counts = {
        "prompt": first(row, "native_tokens_prompt", "tokens_prompt"),
        "completion": first(row, "native_tokens_completion", "tokens_completion"),
        "prompt_token_details": {"cache_read": first(row, "native_tokens_cached", "tokens_cached")},
        "completion_token_details": {"reasoning": first(row, "native_tokens_reasoning", "tokens_reasoning")},
    }
    if counts["prompt"] is not None or counts["completion"] is not None:
        bodies.take_usage(call, counts)


def _fill_cost(call: Call, row: Mapping[str, Any]) -> None:
    """What OpenRouter charges; with the user's own key the provider charges on top, by its list."""
    call.logged_cost_usd = dollars(first(row, "cost_total", "total_cost", "usage"), call.flags)
    own_key = _boolean(first(row, "is_byok")) is True or bool(number(first(row, "byok_usage_inference")))
    call.logged_cost_billed = call.logged_cost_usd is not None and not own_key
    if own_key:
        call.flags.append("byok")
    tier = str(first(row, "service_tier") or "").lower()
    call.service_tier = tier if tier not in _PLAIN_TIERS else None


_TAGS = ("variant", "api_key_name", "provider_name", "byok_usage_inference", "cost_cache", "cost_web_search", "origin")


def _label(call: Call, row: Mapping[str, Any]) -> None:
    call.user = label(first(row, "user", "external_user"))
    call.feature = label(first(row, "app_name", "app_id"))
    call.conversation_id = label(first(row, "session_id"))
    call.api_key_hash = hashed_key(first(row, "api_key_name"))
    if call.feature:
        call.tags["app_name"] = call.feature
    tag(call, {name: value for name in _TAGS if (value := first(row, name)) not in (None, "0", 0)})
    if _boolean(first(row, "cancelled")) is True:
        call.tags["cancelled"] = True


READER = Reader(
    name="openrouter",
    title="OpenRouter generations (activity CSV, API)",
    signatures=tuple(
        frozenset(keys)
        for keys in (
            *(("generation_id",), ("id", "native_tokens_prompt"), ("id", "nativeTokensPrompt"), ("id", "total_cost")),
            *(("id", "totalCost"), ("data",), ("Date", "Slug", "Requests"), ("date", "model_permaslug", "requests")),
            ("date", "model", "requests"),
        )
    ),
    detect=_detect,
    read=_read,
    unlock={
        "text": "OpenRouter keeps no text: enable input/output logging, or log at the client",
        "user": "the request field `user` (CSV column user); X-Title for the app",
    },
)
