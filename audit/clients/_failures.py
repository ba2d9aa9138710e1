"""Failures by name: what a status, an error object, an exception or an unreadable answer says of a call."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from audit.clients import CallError, FailureKind
from audit.wire.text import read_json

_REMEDIES = {
    "unauthorised": "check the key in the environment variable its endpoint names",
    "connection": "check that the server runs, and the base_url of its endpoint",
    "not_found": "check the name of the model, and the base_url of its endpoint",
    "quota": "the account has no money left",
}

TOO_LONG = (
    "context_length",
    "context length",
    "context window",
    "context size",
    "context_size",
    "prompt is too long",
    "too many tokens",
    "maximum number of tokens",
)
NO_MONEY = ("insufficient_quota", "billing", "credit balance", "exceeded your current quota")
_STATUS = {
    "invalid_request_error": 400, "invalid_prompt": 400, "context_length_exceeded": 400, "content_filter": 400,
    "authentication_error": 401, "invalid_api_key": 401, "billing_error": 402, "insufficient_quota": 429,
    "permission_error": 403, "not_found_error": 404, "model_not_found": 404, "timeout_error": 504,
    "request_too_large": 413, "rate_limit_error": 429, "rate_limit_exceeded": 429, "requests": 429, "tokens": 429,
    "too_many_requests": 429, "resource_exhausted": 429, "overloaded_error": 529, "overloaded": 529,
    "service_unavailable": 503, "unavailable": 503, "engine_overloaded": 503, "api_error": 500, "server_error": 500,
    "internal_server_error": 500, "internal_error": 500,
}  # fmt: skip
"""What the providers' words for an error would be as a status: OpenAI, Anthropic, Google's, gateways'."""
PARAMETERS = (
    "stream_options",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "parallel_tool_calls",
    "tool_choice",
    "response_format",
    "text.format",
    "output_config",
    "json_schema",
    "reasoning_effort",
    "reasoning",
    "effort",
    "thinking",
    "verbosity",
    "frequency_penalty",
    "presence_penalty",
    "stop_sequences",
    "stop",
    "seed",
    "strict",
    "store",
)
_NAMED = re.compile(r"(?<![\w.])(" + "|".join(map(re.escape, PARAMETERS)) + r")(?![\w])")


_KEY = re.compile(r"\b(?:sk|pk|rk|gsk|xai|key|AIza|Bearer)[-_ ]?[-_A-Za-z0-9*]*[*\d][-_A-Za-z0-9*]{3,}")


def remedy(kind: str) -> str:
    """What a user can do where a failure of this kind is all that came."""
    return _REMEDIES.get(kind, "run it again later, or name another --model")


def bad_answer(message: str) -> CallError:
    """A 200 that holds no answer: worth another try, and possibly paid."""
    return CallError("bad_answer", message, retry=True, maybe_billed=True)


def billed(failure: CallError) -> CallError:
    """The failure, of an answer that had begun: whoever began to answer may bill it."""
    failure.maybe_billed = True
    return failure


def failure_of(error: Exception) -> CallError:
    """The named failure behind an exception of an SDK, of the HTTP library or of the wire."""
    status = getattr(error, "status_code", None)
    response = getattr(error, "response", None)
    if isinstance(status, int) and response is not None:
        return status_failure(status, _error_object(response), response.headers)
    names = {type(each).__name__ for each in (error, error.__cause__, error.__context__) if each is not None}
    unsent = bool(names & {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol"})
    if any("Timeout" in name for name in names) and not unsent:
        return CallError("timeout", "no answer in the time given", retry=True, maybe_billed=True)
    if any("Connect" in name or name in {"ReadError", "WriteError", "RemoteProtocolError"} for name in names):
        return CallError("connection", _reason(error), retry=True, maybe_billed=not unsent)
    return CallError("bad_answer", f"{type(error).__name__}: {_reason(error)}", retry=True, maybe_billed=True)


def _reason(error: Exception) -> str:
    """Text of the innermost cause: "Connection error." alone helps nobody."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return (str(cause) or type(cause).__name__)[:300]


def _error_object(response: Any) -> dict[str, Any]:
    try:
        data = read_json(response.content)
    except Exception:  # an unread or undecodable body says no more than the status
        return {}
    if isinstance(data, list) and data:
        data = data[0]
    wrong = data.get("error", data) if isinstance(data, dict) else data
    if isinstance(wrong, dict):
        return wrong
    return {"message": str(wrong)}


def status_failure(status: int, wrong: Mapping[str, Any], headers: Mapping[str, str], place: str = "") -> CallError:
    """The named failure of an HTTP status and the error object that came with it; `place` says where, if elsewhere."""
    if status < 400:
        where = _without_keys(headers.get("location", "nowhere"))[:200]
        raise CallError("not_found", f"HTTP {status}: redirected to {where}; name that address as the endpoint's")
    text = _without_keys(str(wrong.get("message") or wrong.get("detail") or "no reason given")[:500])
    label = f"{wrong.get('code') or ''} {wrong.get('type') or ''} {text}".lower()
    kind, retry = _kind(status, label)
    if headers.get("x-should-retry") == "false":
        retry = False
    return CallError(
        kind,
        f"{place or f'HTTP {status}'}: {text if status != 401 else 'the endpoint refused the key'}",
        retry=retry,
        retry_after=retry_after(headers),
        maybe_billed=status in (408, 504, 520, 522, 524),
        parameter=_parameter(wrong, text) if kind == "unsupported" else None,
    )


def inner_failure(wrong: object, *, otherwise: int) -> CallError:
    """The named failure of an error object that came without a status of its own; `otherwise` where it tells none."""
    given: Mapping[str, Any] = wrong if isinstance(wrong, Mapping) else {"message": str(wrong or "no reason given")}
    if isinstance(inner := given.get("error"), Mapping):
        given = inner
    told = (_status(given.get(key)) for key in ("code", "status", "status_code", "type"))
    return status_failure(next((status for status in told if status), otherwise), given, {}, "error in the answer")


def _status(word: object) -> int | None:
    if isinstance(word, str):
        word = int(word) if word.isdecimal() and len(word) == 3 else _STATUS.get(word.lower())
    return word if type(word) is int and 400 <= word < 600 else None


def _without_keys(text: str) -> str:
    """The text without anything that looks like a key: providers quote parts of it, and gateways all of it."""
    return _KEY.sub("[key]", text)


def _kind(status: int, label: str) -> tuple[FailureKind, bool]:
    fixed: dict[int, tuple[FailureKind, bool]] = {
        401: ("unauthorised", False),
        402: ("quota", False),
        403: ("unauthorised", False),
        404: ("not_found", False),
        405: ("not_found", False),
        408: ("timeout", True),
        409: ("server_error", True),
        413: ("too_long", False),
        425: ("server_error", True),
        501: ("not_found", False),
        503: ("overloaded", True),
        529: ("overloaded", True),
    }
    if status == 429:
        return ("quota", False) if any(each in label for each in NO_MONEY) else ("rate_limited", True)
    if status in fixed:
        return fixed[status]
    if status >= 500:
        return "server_error", True
    if any(each in label for each in TOO_LONG):
        return "too_long", False
    if any(each in label for each in NO_MONEY):
        return "quota", False
    return ("unsupported", False) if _NAMED.search(label) else ("rejected", False)


def _parameter(wrong: Mapping[str, Any], text: str) -> str | None:
    named = wrong.get("param")
    if isinstance(named, str) and (found := _NAMED.search(named)):
        return found.group(1)
    found = _NAMED.search(text)
    return found.group(1) if found else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds an endpoint asked to wait: `retry-after-ms`, or `Retry-After` as seconds or a date."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if not value:
            continue
        try:
            seconds = float(value) * scale
        except ValueError:
            try:
                seconds = parsedate_to_datetime(value).timestamp() - time.time()
            except ValueError:
                continue
        return max(0.0, seconds) if isfinite(seconds) else None
    return None
