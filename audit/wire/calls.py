"""A record taken apart becomes a call: bodies where there are any, columns for what they leave open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.call import Call, Segment
from audit.wire.beside import describe
from audit.wire.bodies import take_usage
from audit.wire.columns import layout
from audit.wire.dialect import Dialect
from audit.wire.exchange import fill, settle
from audit.wire.messages import transcript
from audit.wire.pair import Pair
from audit.wire.text import label, maybe_json
from audit.wire.times import to_us
from audit.wire.usage import from_anthropic, from_mapping, from_openai, service_tier

_COUNT_NAMES = (
    ("input_tokens", "prompt_tokens"),
    ("output_tokens", "completion_tokens"),
    ("total_tokens", "total_tokens"),
    ("cache_read_tokens", "cached_tokens"),
    ("cache_write_tokens", "cache_write_tokens"),
    ("reasoning_tokens", "reasoning_tokens"),
)
_ANTHROPIC_KEYS = frozenset({"cache_read_input_tokens", "cache_creation_input_tokens"})
_PROVIDERS: dict[Dialect, str] = {"anthropic": "anthropic", "gemini": "google", "converse": "aws.bedrock"}


def from_pair(pair: Pair, system: str) -> Call:
    """The call of a home-made record, a bare response body, or a flat row of columns."""
    call = Call(system=system)
    describe(call, pair)
    columns = call.request_model
    if pair.dialect is not None:
        request = pair.request
        fill(call, pair.dialect, request, pair.response, whole=pair.flat)
        if call.provider_name is None and _is_own_model(pair.dialect, call):
            call.provider_name = _PROVIDERS.get(pair.dialect)
    else:
        _fill_models(call, pair)
        _fill_texts(call, pair)
    if call.request_model is None:
        call.request_model = columns
    if call.usage is None and "implausible_usage" not in call.flags:
        _fill_counts(call, pair)
    _fill_rest(call, pair)
    _judge_answer(call, pair)
    if pair.bare and call.text_status == "full" and not any(_is_asked(segment) for segment in call.segments):
        # a response object repeats instructions and tools, and nothing of what was asked
        call.text_status = "truncated"
    settle(call)
    return call


def _is_own_model(dialect: Dialect, call: Call) -> bool:
    # a model under another spelling (`us.anthropic.claude-…`, `glm-4.6`) is served by someone else
    model = (call.response_model or call.request_model or "").strip().lower()
    return model.startswith({"anthropic": ("claude",), "gemini": ("gemini", "models/gemini")}.get(dialect, ("",)))


def _is_asked(segment: Segment) -> bool:
    return segment.direction == "input" and segment.kind not in ("system", "tools")


def _fill_models(call: Call, pair: Pair) -> None:
    for holder, name in ((pair.request, "request_model"), (pair.response, "response_model")):
        model = holder.get("model") if isinstance(holder, dict) else None
        if isinstance(model, str) and getattr(call, name) is None:
            setattr(call, name, model)
    if isinstance(pair.response, dict) and call.response_id is None:
        call.response_id = label(pair.response.get("id"))


def _fill_texts(call: Call, pair: Pair) -> None:
    request: Any = pair.request
    system = pair.value("system_prompt")
    if isinstance(request, str) and isinstance(system, str):
        request = {"system": system, "prompt": request}
    if not call.segments:
        transcript(request, pair.response).apply(call)


def _fill_counts(call: Call, pair: Pair) -> None:
    """Usage that stands beside the bodies, or in a response of no known dialect: a usage object, or token columns."""
    if pair.bare:
        return
    for holder in (pair.record, pair.response):
        if isinstance(holder, Mapping) and call.usage is None:
            _take_counts(call, holder, layout(tuple(holder)))


def _take_counts(call: Call, holder: Mapping[str, Any], known: Mapping[str, tuple[str, ...]]) -> None:
    for key in known.get("usage", ()):
        counts = maybe_json(holder[key])
        if isinstance(counts, dict) and counts:
            take_usage(call, counts, from_mapping)
            return
    found = {name: _first(holder, known[role]) for role, name in _COUNT_NAMES if role in known}
    if found.get("prompt_tokens") is None and found.get("completion_tokens") is None:
        return
    model = (call.response_model or call.request_model or "").lower()
    keys = known.get("cache_read_tokens", ()) + known.get("cache_write_tokens", ())
    if (
        ("claude" in model or "anthropic" in model)
        and found.get("total_tokens") is None
        and _ANTHROPIC_KEYS & set(keys)
    ):
        take_usage(call, _anthropic_counts(found), from_anthropic)
    else:
        take_usage(call, found, from_openai)


def _first(holder: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((holder[key] for key in keys if holder[key] not in (None, "")), None)


def _anthropic_counts(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "input_tokens": found.get("prompt_tokens"),
        "output_tokens": found.get("completion_tokens"),
        "cache_read_input_tokens": found.get("cached_tokens"),
        "cache_creation_input_tokens": found.get("cache_write_tokens"),
    }


def _fill_rest(call: Call, pair: Pair) -> None:
    known = pair.known
    if not pair.bare:
        if call.service_tier is None and "service_tier" in known:
            call.service_tier = service_tier(pair.value("service_tier"))
        if call.finish_reason is None and "finish_reason" in known:
            call.finish_reason = label(pair.value("finish_reason"))
        if "operation" in known and str(pair.value("operation")).lower() in ("embedding", "embeddings", "aembedding"):
            call.operation_name = "embeddings"
    if call.started_at_us is None and isinstance(pair.response, dict):
        call.started_at_us = to_us(pair.response.get("created") or pair.response.get("created_at"))


def _judge_answer(call: Call, pair: Pair) -> None:
    """A record with a place for the answer, and neither answer, usage nor a good status, is a failed call."""
    if call.status != "ok" or call.usage is not None or pair.bare or not pair.answered:
        return
    if pair.response is None and "status" not in pair.known and "succeeded" not in pair.known:
        call.status, call.error_type = "failed", "no_response"
