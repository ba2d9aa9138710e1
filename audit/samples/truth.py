"""What is true of the sample logs: totals by file, month and workflow, duplicates, and the planted findings."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from audit.samples.calls import Call
from audit.samples.planted import planted
from audit.samples.prices import RATES, RESPONSE_MODELS, call_cost, usd
from audit.samples.timetable import iso

NOT_IN_BODY = frozenset({"user", "metadata", "stream", "stream_options", "prompt_cache_key", "safety_identifier"})


def truth(calls: list[Call], seed: int, days: int) -> dict[str, Any]:
    """Return the whole truth as JSON values; dollars are list price, tokens as the logs report them."""
    workflows = sorted({call.workflow for call in calls})
    return {
        "about": "Synthetic logs of an invented company, written by python -m audit.samples; nobody in them is real.",
        "seed": seed,
        "days": days,
        "rules": {
            "billable": "the provider answered; not failed, not served from the gateway's cache",
            "input_tokens": "all prompt tokens, cache reads and writes included",
            "duplicates": "billable calls with the same model and body (messages, tools, format, decoding parameters); "
            "avoidable = calls minus distinct bodies, avoidable_usd = every call after the first",
            "normalised": "as duplicates, user text compared by NFKC, case folded, white space collapsed",
            "normalised_punctuation": "as normalised, without question and exclamation marks or full stops at the end",
        },
        "prices_usd_per_million_tokens": {model: _per_million(model) for model in sorted({c.model for c in calls})},
        "totals": totals(calls),
        "files": _grouped(calls, lambda call: f"{call.source}.jsonl.gz"),
        "months": _grouped(calls, lambda call: iso(call.started_ms)[:7]),
        "workflows": {name: _workflow([call for call in calls if call.workflow == name]) for name in workflows},
        "planted": planted(calls, seed),
    }


def totals(calls: Iterable[Call]) -> dict[str, Any]:
    """Return request, token and dollar sums of some calls."""
    calls = list(calls)
    billable = [call for call in calls if call.billable]
    return {
        "records": len(calls),
        "billable_requests": len(billable),
        "failed_requests": sum(call.failure is not None for call in calls),
        "gateway_cache_hits": sum(call.gateway_hit for call in calls),
        "input_tokens": sum(call.input_tokens for call in billable),
        "cache_read_tokens": sum(call.cache_read_tokens for call in billable),
        "cache_write_tokens": sum(call.cache_write_tokens for call in billable),
        "output_tokens": sum(call.output_tokens for call in billable),
        "reasoning_tokens": sum(call.reasoning_tokens for call in billable),
        "cost_usd": usd(sum(call_cost(call) for call in billable)),
        "users": len({call.user for call in billable if call.user}),
        "models": dict(sorted(Counter(RESPONSE_MODELS[call.model] for call in billable).items())),
        "first_timestamp": iso(min(call.started_ms for call in calls)),
        "last_timestamp": iso(max(call.started_ms for call in calls)),
    }


def _grouped(calls: list[Call], key: Callable[[Call], str]) -> dict[str, Any]:
    names = sorted({key(call) for call in calls})
    return {name: totals(call for call in calls if key(call) == name) for name in names}


def _workflow(calls: list[Call]) -> dict[str, Any]:
    first, billable = calls[0], [call for call in calls if call.billable]
    return {
        "file": f"{first.source}.jsonl.gz",
        "team": first.team,
        "feature_tag": first.feature,
        **totals(calls),
        "duplicates": _duplicates(billable, lambda text: text),
        "normalised": _duplicates(billable, normalise),
        "normalised_punctuation": _duplicates(billable, lambda text: normalise(text).rstrip("?.! ")),
    }


def normalise(text: str) -> str:
    """Return text in NFKC, case folded, with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _duplicates(billable: list[Call], of_user: Callable[[str], str]) -> dict[str, Any]:
    seen: Counter[str] = Counter()
    avoidable = 0
    for call in billable:
        key = _body_key(call, of_user)
        avoidable += call_cost(call) if seen[key] else 0
        seen[key] += 1
    repeated = [count for count in seen.values() if count > 1]
    return {
        "distinct_bodies": len(seen),
        "groups": len(repeated),
        "requests_in_groups": sum(repeated),
        "avoidable_requests": len(billable) - len(seen),
        "avoidable_usd": usd(avoidable),
    }


def _body_key(call: Call, of_user: Callable[[str], str]) -> str:
    body = {name: value for name, value in call.request.items() if name not in NOT_IN_BODY}
    for name in ("messages", "input"):
        if name in body:
            body[name] = [_turn(message, of_user) for message in body[name]]
    return json.dumps(body, sort_keys=True)


def _turn(message: dict[str, Any], of_user: Callable[[str], str]) -> dict[str, Any]:
    if message["role"] != "user" or not isinstance(message["content"], str):
        return message
    return {**message, "content": of_user(message["content"])}


def _per_million(model: str) -> dict[str, float]:
    return {meter: value / 1_000_000 for meter, value in RATES[model]._asdict().items()}
