"""What stands beside the two bodies of a record: times, identity, who and what for, status, cost."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from audit.call import Call
from audit.wire.money import dollars
from audit.wire.pair import Pair
from audit.wire.tags import tag, take
from audit.wire.text import label, maybe_json
from audit.wire.times import between, first_time, number, seconds, to_us


def describe(call: Call, pair: Pair) -> None:
    """Fill what stands beside the bodies: times, identity, who and what for, status, cost, tags."""
    _fill_times(call, pair)
    _fill_names(call, pair)
    record = pair.record
    fields = record if not pair.bare else {key: record[key] for key in record if key not in _BODY_KEYS}
    take(call, fields)
    for value in pair.values("metadata"):
        tag(call, value)
    _fill_outcome(call, pair)


_BODY_KEYS = frozenset({"user", "id", "model", "object", "instructions", "service_tier", "metadata", "conversation"})


def _fill_times(call: Call, pair: Pair) -> None:
    known = pair.known
    if "started" in known:
        call.started_at_us = first_time(call.flags, *pair.values("started"))
    ended = None
    if "ended" in known:
        ended = next((found for value in pair.values("ended") if (found := to_us(value)) is not None), None)
    call.duration = _duration(pair)
    if call.duration is None:
        call.duration = between(call.started_at_us, ended)
    elif call.started_at_us is None and ended is not None:
        call.started_at_us = ended - round(call.duration * 1e6)
    if call.started_at_us is None:
        call.started_at_us = ended
    if "first_chunk_ms" in known:
        call.time_to_first_chunk = seconds(pair.value("first_chunk_ms"), 1000.0)
    if call.time_to_first_chunk is None and "first_chunk" in known:
        call.time_to_first_chunk = seconds(pair.value("first_chunk"), None)


def _duration(pair: Pair) -> float | None:
    known = pair.known
    for role, per_second in (("duration_ms", 1000.0), ("duration_s", 1.0), ("duration", None)):
        if role in known:
            for value in pair.values(role):
                found = seconds(value, per_second)
                if found is not None:
                    return found
    return None


def _fill_names(call: Call, pair: Pair) -> None:
    known = pair.known
    if "model" in known:
        call.request_model = next((value for value in pair.values("model") if isinstance(value, str)), None)
    if "response_model" in known:
        call.response_model = label(pair.value("response_model"))
    if "provider" in known:
        call.provider_name = label(pair.value("provider"))
    if not pair.bare and "response_id" in known:
        call.response_id = label(pair.value("response_id"))
    if not pair.bare and "request_id" in known:
        names = [name for value in pair.values("request_id") if (name := label(value))]
        call.native_id = next((name for name in names if _is_identity(name)), None)
        call.row_id = names[0] if names else None
    if "api_key" in known:
        call.api_key_hash = hashed_key(pair.value("api_key"))
    if "stream" in known and isinstance(pair.value("stream"), bool):
        call.request_stream = pair.value("stream")


def _is_identity(name: str) -> bool:
    """Whether an id can be told from those of other logs; a row number can't."""
    return len(name) >= 5 and not (name.replace(".", "", 1).isdigit() and len(name) < 12)


def hashed_key(key: Any) -> str | None:
    """A short hash of an API key or of its alias; the key itself is never kept."""
    name = label(key)
    return None if name is None else blake2b(name.encode("utf-8", "replace"), digest_size=8).hexdigest()


_FAILED_WORDS = frozenset(
    {"error", "failed", "failure", "fail", "timeout", "timed_out", "exception", "cancelled", "canceled", "aborted",
     "rate_limited", "rate_limit", "errored", "overloaded", "rejected", "expired"}
)  # fmt: skip
_HITS = frozenset({"true", "hit", "1", "yes", "semantic hit", "semantic_hit"})


def _fill_outcome(call: Call, pair: Pair) -> None:
    known = pair.known
    for value in (pair.http_status, *(pair.values("status") if "status" in known else ())):
        problem = status_problem(value)
        if problem is not None:
            call.status, call.error_type = "failed", problem
    if "succeeded" in known and str(pair.value("succeeded")).lower() in ("false", "0"):
        call.status, call.error_type = "failed", call.error_type or "error"
    if "error" in known:
        for value in pair.values("error"):
            found = error_name(maybe_json(value))
            if found is not None:
                call.status, call.error_type = "failed", found
                break
    if "cache_hit" in known and str(pair.value("cache_hit")).strip().lower() in _HITS:
        call.status = "cache_hit"
    if "cost" in known:
        call.logged_cost_usd = dollars(pair.value("cost"), call.flags, pair.value("currency"))


def status_problem(status: Any) -> str | None:
    """The error a status code or word stands for (`429`, `"timeout"`), None for success and for the unknown."""
    code = number(status)
    if code is not None:
        return str(int(code)) if 400 <= code < 1000 else None
    if isinstance(status, str):
        word = status.strip().lower()
        return word if word in _FAILED_WORDS else None
    return None


# what OpenAI gives as the type of a rate limit error, whose code says more
_VAGUE = frozenset({"error", "requests", "tokens"})


def error_name(error: Any) -> str | None:
    """A short name of an error object or message; None when there is no error."""
    if not error or error is True:
        return "error" if error is True else None
    if isinstance(error, dict):
        inner = error.get("error")
        if isinstance(inner, dict):
            return error_name(inner)
        for key in ("type", "code", "status", "error_class", "error_code", "name"):
            found = label(error.get(key))
            if found and found not in _VAGUE:
                return found[:80]
        return "error"
    if isinstance(error, str):
        word = error.strip()
        if word.lower() in ("none", "null", "false", "0", "nan", "ok", ""):
            return None
        return word if len(word) <= 40 and " " not in word else "error"
    return str(error)[:40]
