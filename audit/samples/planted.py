"""The findings planted in the sample logs, with ids, tokens and dollars where arithmetic allows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

from audit.samples.calls import Call
from audit.samples.counting import MESSAGE_OVERHEAD, compact, count
from audit.samples.prices import RATES, call_cost, usd
from audit.samples.prompt_cache import PromptCache, cacheable_tokens
from audit.samples.texts import operations, support
from audit.samples.timetable import MODEL_SWITCH, PREFIX_BREAK, day_of
from audit.samples.workflows.growth import HEAVY_USER


def planted(calls: list[Call], seed: int) -> dict[str, Any]:
    """Return every planted finding by name."""
    return {
        "frequent_questions": _frequent_questions(calls),
        "gibberish": _ids(calls, "gibberish"),
        "retries": _groups(calls, "retry_group"),
        "fallbacks": _groups(calls, "fallback_group"),
        "double_billed_timeouts": _groups(calls, "timeout_retry"),
        "double_clicks": _groups(calls, "in_flight"),
        "gateway_cache_hits": [call.request_id for call in calls if call.gateway_hit],
        "outliers": _outliers(calls),
        "clock_at_the_top": _clock_at_the_top(calls, seed),
        "prefix_break": _prefix_break(calls),
        "cache_written_but_rarely_read": _rarely_read(calls),
        "unmarked_prefix": _unmarked(calls, seed),
        "unused_documents": _unused_documents(calls),
        "unused_tools": _unused_tools(calls),
        "growing_chats": _growing_chats(calls),
        "nightly_job": _nightly(calls),
        "health_check": _summed([call for call in calls if call.workflow == "health-check"]),
        "staging_traffic": _summed([call for call in calls if call.environment == "staging"]),
        "heavy_user": {"user": HEAVY_USER, **_summed([call for call in calls if call.user == HEAVY_USER])},
        "model_switch": _model_switch(calls),
    }


def _with(calls: list[Call], plant: str) -> list[Call]:
    return [call for call in calls if plant in call.plants]


def _ids(calls: list[Call], plant: str) -> list[str]:
    return [call.request_id for call in _with(calls, plant)]


def _summed(calls: list[Call]) -> dict[str, Any]:
    billable = [call for call in calls if call.billable]
    return {"billable_requests": len(billable), "cost_usd": usd(sum(map(call_cost, billable)))}


def _groups(calls: list[Call], plant: str) -> list[dict[str, Any]]:
    """Return attempts at one answer in time order; every billed answer but the last was wasted."""
    groups: dict[str, list[Call]] = defaultdict(list)
    for call in _with(calls, plant):
        groups[call.plants[plant]].append(call)
    return [
        {
            "request_ids": [call.request_id for call in group],
            "failed": sum(call.failure is not None for call in group),
            "succeeded": group[-1].failure is None,
            "wasted_usd": usd(sum(call_cost(call) for call in [c for c in group if c.billable][:-1])),
        }
        for group in groups.values()
    ]


def _frequent_questions(calls: list[Call]) -> dict[str, Any]:
    asked = [call for call in _with(calls, "faq_surface") if call.billable]
    return {
        "workflow": "support-faq",
        "questions": len(support.FAQS),
        "surfaces": dict(sorted(Counter(call.plants["faq_surface"] for call in asked).items())),
        "never_merge": [list(pair) for pair in support.OPPOSITE_QUESTIONS],
    }


def _outliers(calls: list[Call]) -> list[dict[str, Any]]:
    found = []
    for call in _with(calls, "outlier"):
        peers = [peer for peer in calls if peer.workflow == call.workflow and peer.billable]
        meter: str = call.plants["outlier"]
        tokens = _meter(meter)
        usual = median(map(tokens, peers))
        rate = RATES[call.model].output if meter == "output" else RATES[call.model].input
        found.append(
            {
                "request_id": call.request_id,
                "workflow": call.workflow,
                "meter": meter,
                "finish_reason": call.finish,
                "tokens": tokens(call),
                "median_tokens": usual,
                "excess_usd": usd(round((tokens(call) - usual) * rate)),
            }
        )
    return found


def _meter(name: str) -> Callable[[Call], int]:
    return (lambda call: call.output_tokens) if name == "output" else (lambda call: call.input_tokens)


def _resimulated(calls: list[Call], seed: int, change: Callable[[Call], Call]) -> dict[str, Any]:
    """Return what the provider's cache would have read and written, and saved, had the prompts been built otherwise."""
    cache, after = PromptCache(seed), []
    for call in calls:
        changed = replace(change(call), cache_read_tokens=0, cache_write_tokens=0)
        cache.fill(changed)
        after.append(changed)
    return {
        "cache_read_tokens": sum(call.cache_read_tokens for call in after),
        "cache_write_tokens": sum(call.cache_write_tokens for call in after),
        "saved_usd": usd(sum(map(call_cost, calls)) - sum(map(call_cost, after))),
    }


def _clock_at_the_top(calls: list[Call], seed: int) -> dict[str, Any]:
    stamped = [call for call in _with(calls, "clock_in_prefix") if call.billable]

    def clock_last(call: Call) -> Call:
        clock, manual = call.prompt[0].split("\n\n", 1)
        return replace(call, prompt=[manual, f"{clock}\n\n{call.prompt[1]}"])

    return {
        "workflow": "sales-assistant",
        "feature_tag": None,
        "billable_requests": len(stamped),
        "logged_cache_read_tokens": sum(call.cache_read_tokens for call in stamped),
        "static_tokens": count(stamped[0].prompt[0].split("\n\n", 1)[1]),
        "with_the_clock_last": _resimulated(stamped, seed, clock_last),
    }


def _prefix_break(calls: list[Call]) -> dict[str, Any]:
    searches = [call for call in calls if call.workflow == "docs-search" and call.billable]

    def share(some: list[Call]) -> float:
        return round(sum(c.cache_read_tokens for c in some) / max(1, sum(c.input_tokens for c in some)), 4)

    broken = [call for call in searches if "prefix_break" in call.plants]
    return {
        "workflow": "docs-search",
        "since": PREFIX_BREAK.isoformat(),
        "breaker": "Workspace: ws-NNN in the first line of the instructions",
        "requests_after": len(broken),
        "cache_share_before": share([call for call in searches if "prefix_break" not in call.plants]),
        "cache_share_after": share(broken),
    }


def _rarely_read(calls: list[Call]) -> dict[str, Any]:
    reviews = [call for call in _with(calls, "rarely_read_write") if call.billable]
    written = sum(call.cache_write_tokens for call in reviews)
    read = sum(call.cache_read_tokens for call in reviews)
    rates = RATES[reviews[0].model]
    return {
        "workflow": "contract-review",
        "writes": sum(call.cache_write_tokens > 0 for call in reviews),
        "reads": sum(call.cache_read_tokens > 0 for call in reviews),
        "cache_write_tokens": written,
        "cache_read_tokens": read,
        "write_premium_usd": usd(written * (rates.cache_write - rates.input)),
        "read_saving_usd": usd(read * (rates.input - rates.cache_read)),
    }


def _unmarked(calls: list[Call], seed: int) -> dict[str, Any]:
    checks = [call for call in _with(calls, "unmarked_prefix") if call.billable]
    return {
        "workflow": "listing-check",
        "feature_tag": None,
        "billable_requests": len(checks),
        "prefix_tokens": cacheable_tokens(replace(checks[0], cacheable=1)),
        "with_a_breakpoint": _resimulated(checks, seed, lambda call: replace(call, cacheable=1)),
    }


def _unused_documents(calls: list[Call]) -> dict[str, Any]:
    searches = [call for call in _with(calls, "unused_documents") if call.billable]
    tokens, cost = 0, 0
    for call in searches:
        documents = call.prompt[1].split("\n\nQuestion: ")[0].split("<document ")[1:]
        unused = sum(count("<document " + doc) for doc in documents if f"[{doc[4:10]}]" not in str(call.answer))
        tokens += unused
        cost += unused * RATES[call.model].input
    return {
        "workflow": "docs-search",
        "documents": sum(call.prompt[1].count("<document ") for call in searches),
        "unused": sum(int(call.plants["unused_documents"]) for call in searches),
        "unused_tokens": tokens,
        "unused_usd_at_input_price": usd(cost),
    }


def _unused_tools(calls: list[Call]) -> dict[str, Any]:
    steps = [call for call in calls if call.workflow == "stock-agent" and call.billable]
    each = sum(count(compact(tool)) + MESSAGE_OVERHEAD for tool in operations.UNUSED_TOOLS)
    rates = RATES[steps[0].model]
    paid = sum(rates.cache_read if call.cache_read_tokens else rates.cache_write for call in steps)
    return {
        "workflow": "stock-agent",
        "offered": len(operations.AGENT_TOOLS),
        "never_called": [tool["name"] for tool in operations.UNUSED_TOOLS],
        "billable_requests": len(steps),
        "tokens_per_request": each,
        "paid_usd": usd(each * paid),
    }


def _growing_chats(calls: list[Call]) -> dict[str, Any]:
    chats = [call for call in calls if call.workflow == "support-chat" and call.billable]
    longest = max(chats, key=lambda call: call.input_tokens)
    return {
        "workflow": "support-chat",
        "conversations": len({call.metadata["conversation_id"] for call in chats}),
        "billable_requests": len(chats),
        "history_tokens": sum(sum(map(count, call.prompt[1:-1])) for call in chats),
        "new_message_tokens": sum(count(call.prompt[-1]) for call in chats),
        "longest": {"request_id": longest.request_id, "input_tokens": longest.input_tokens},
    }


def _nightly(calls: list[Call]) -> dict[str, Any]:
    job = [call for call in calls if call.metadata.get("offline")]
    cost = sum(map(call_cost, job))
    tags = {"metadata.job": "nightly", "metadata.offline": True, "metadata.environment": "batch"}
    return {"workflow": "review-tagging", "tags": tags, **_summed(job), "at_half_price_usd": usd(cost - cost // 2)}


def _model_switch(calls: list[Call]) -> dict[str, Any]:
    searches = [call for call in calls if call.workflow == "docs-search" and call.billable]

    def share(later: bool) -> float:
        models = [call.model for call in searches if (day_of(call.started_ms) >= MODEL_SWITCH) == later]
        return round(models.count("gpt-5.5") / max(1, len(models)), 4)

    return {
        "workflow": "docs-search",
        "since": MODEL_SWITCH.isoformat(),
        "flagship": "gpt-5.5",
        "other": "gpt-5-mini",
        "flagship_share_before": share(later=False),
        "flagship_share_after": share(later=True),
    }
