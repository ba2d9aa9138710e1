"""Kong AI Gateway: log lines of any logging plugin that carry what the AI plugins measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.readers._gateway import column_usage, fill_bodies, first, settle
from audit.wire.beside import status_problem
from audit.wire.counts import part
from audit.wire.tags import tag
from audit.wire.text import label, maybe_json
from audit.wire.times import number, seconds, to_us


def _detect(record: Record) -> int:
    return (
        30 if isinstance(record.get("request"), dict) and isinstance(maybe_json(record.get("latencies")), dict) else 0
    )


def _read(record: Record) -> Iterable[Outcome]:
    told = part(maybe_json(record.get("ai")))
    plugins = {name: part(each) for name, each in told.items() if name != "payload"}
    calls = [(name, each) for name, each in plugins.items() if each.get("meta") or each.get("usage")]
    if not calls:
        return (Skip("not_an_llm_call"),)
    return [_call(record, told, name, each) for name, each in calls]


def _call(record: Record, told: Mapping[str, Any], plugin: str, found: Mapping[str, Any]) -> Call:
    meta, usage, request = part(found.get("meta")), part(found.get("usage")), part(record.get("request"))
    call = Call(system="kong")
    asked, answered = part(told.get("payload")).get("request"), part(found.get("payload")).get("response")
    fill_bodies(call, maybe_json(asked), maybe_json(answered))
    call.request_model = label(meta.get("request_model")) or call.request_model
    call.response_model = label(meta.get("response_model")) or call.response_model
    provider = label(meta.get("provider_name"))
    call.provider_name = provider.lower() if provider else None
    call.started_at_us = to_us(record.get("started_at"))
    latency = first(meta, "llm_latency") or part(record.get("latencies")).get("proxy")
    call.duration = seconds(latency, 1000)
    call.time_to_first_chunk = seconds(usage.get("time_to_first_token"), 1000)
    problem = status_problem(part(record.get("response")).get("status"))
    if problem is not None:
        call.status, call.error_type = "failed", problem
    elif str(part(found.get("cache")).get("cache_status")).lower() == "hit":
        call.status = "cache_hit"
    if call.usage is None:
        counts = {
            "prompt": first(usage, "prompt_tokens", "prompt_token"),
            "completion": first(usage, "completion_tokens", "completion_token"),
            "total": usage.get("total_tokens"),
            "read": first(part(usage.get("prompt_tokens_details")), "cached_tokens"),
        }
        column_usage(call, counts)
    call.logged_cost_usd = number(usage.get("cost")) or None
    call.user = label(part(record.get("consumer")).get("username"))
    tag(call, {key: part(record.get(key)).get("name") for key in ("service", "route", "workspace_name")})
    native = label(request.get("id"))
    settle(call, native and f"{native}:{plugin}")
    return call


READER = Reader(
    name="kong",
    title="Kong AI Gateway (log lines with the AI plugins' metrics)",
    signatures=(frozenset({"latencies", "request", "response"}),),
    detect=_detect,
    read=_read,
    unlock={
        "text": "ai-proxy: logging.log_payloads = true",
        "cache_tokens": "ai-proxy: logging.log_payloads = true, the usage object is in the payload",
        "user": "an authentication plugin, so that requests have a consumer",
        "latency": "ai-proxy: logging.log_statistics = true",
    },
)
