"""What the SDK flavours share: one attempt, its failures by name, and answers read without trusting them."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from math import isfinite
from typing import Any, Protocol

from audit.clients import CallError, FailureKind, Limits
from audit.config import EndpointConfig
from audit.errors import ReplayError
from audit.wire.stream import join
from audit.wire.text import repaired

STREAM_STARTS = (b"data: ", b"data:{", b"event:")
RATE_HEADERS = ("retry-after", "ratelimit")
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
PARAMETERS = (
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


def need_key(config: EndpointConfig, key_env: str) -> None:
    """Raises ReplayError when the variable that holds a key is empty; no name of one means that none is needed."""
    if key_env and not os.environ.get(key_env):
        raise ReplayError(f"endpoint {config.name!r} needs a key", f"set the environment variable {key_env}")


class Poster(Protocol):
    """The one method of both SDKs' asynchronous clients that is used."""

    async def post(self, path: str, *, cast_to: Any, body: Any, options: Any) -> Any:
        """Send a JSON body and return the raw response."""
        ...


async def post(
    client: Poster, path: str, body: Mapping[str, Any], limits: Limits
) -> tuple[dict[str, Any], dict[str, str], float]:
    """One attempt: (decoded body, rate-limit headers, seconds). Raises CallError; never retries.

    Attempts with the same body carry the same key, in this run and the next: an endpoint that knows such keys answers
    and bills them once. A changed body gets another key, because reusing one is an error there.
    """
    import httpx2

    headers = {"Idempotency-Key": f"{limits.idempotency_key}-{_digest(body)}"} if limits.idempotency_key else {}
    options = {
        # the lane bounds an attempt as a whole; content goes nowhere but to the address that was shown
        "timeout": httpx2.Timeout(None, connect=min(10.0, limits.timeout)),
        "headers": headers,
        "follow_redirects": False,
    }
    started = time.perf_counter()
    try:
        response = await client.post(path, cast_to=httpx2.Response, body=dict(body), options=options)
    except Exception as error:  # both SDKs have trees of their own; anything else is a defect of theirs or the wire's
        raise failure_of(error) from error
    seconds = time.perf_counter() - started
    return decode(response.content), _rate_headers(response.headers), seconds


def _digest(body: Mapping[str, Any]) -> str:
    return blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=8).hexdigest()


def decode(content: bytes) -> dict[str, Any]:
    """The JSON object of a 200 answer; HTML, cut or foreign JSON and error bodies become CallError."""
    try:
        data = _joined(content) if content.lstrip()[:6] in STREAM_STARTS else json.loads(content)
    except (ValueError, RecursionError) as error:
        kind = "a web page" if content.lstrip()[:1] == b"<" else "something that is not JSON"
        raise bad_answer(f"the endpoint answered with {kind}") from error
    if not isinstance(data, dict):
        raise bad_answer("the endpoint answered with JSON that is no object")
    wrong = data.get("error")
    if isinstance(wrong, dict) and not any(data.get(key) for key in ("choices", "output", "content")):
        code = wrong.get("code")
        failure = status_failure(code if isinstance(code, int) and code >= 400 else 400, wrong, {})
        # the endpoint took the request before something behind it failed
        failure.maybe_billed = failure.maybe_billed or failure.kind in ("server_error", "overloaded")
        raise failure
    return data


def _joined(content: bytes) -> Any:
    """The body behind a stream that nobody asked for; some gateways stream regardless."""
    return join(content.decode("utf-8"))


def bad_answer(message: str) -> CallError:
    """A 200 that holds no answer: worth another try, and possibly paid."""
    return CallError("bad_answer", message, retry=True, maybe_billed=True)


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
        data = json.loads(response.content)
    except Exception:  # an unread or undecodable body says no more than the status
        return {}
    if isinstance(data, list) and data:
        data = data[0]
    wrong = data.get("error", data) if isinstance(data, dict) else data
    if isinstance(wrong, dict):
        return wrong
    return {"message": str(wrong)}


def status_failure(status: int, wrong: Mapping[str, Any], headers: Mapping[str, str]) -> CallError:
    """The named failure of an HTTP status and the error object that came with it."""
    if status < 400:
        where = _without_keys(headers.get("location", "nowhere"))[:200]
        raise CallError("not_found", f"HTTP {status}: redirected to {where}; name that address as the endpoint's")
    text = _without_keys(str(wrong.get("message") or "no reason given")[:500])
    label = f"{wrong.get('code') or ''} {wrong.get('type') or ''} {text}".lower()
    kind, retry = _kind(status, label)
    if headers.get("x-should-retry") == "false":
        retry = False
    return CallError(
        kind,
        f"HTTP {status}: {text if status != 401 else 'the endpoint refused the key'}",
        retry=retry,
        retry_after=retry_after(headers),
        maybe_billed=status in (408, 504, 520, 522, 524),
        parameter=_parameter(wrong, text) if kind == "unsupported" else None,
    )


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


def _rate_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Only what tells how much may still be sent; ids and cookies are nobody's business."""
    return {
        name.lower(): value for name, value in headers.items() if any(each in name.lower() for each in RATE_HEADERS)
    }


def text_of(content: object) -> str:
    """The text of a message's content: a string, or the text parts of a list; anything else is empty."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, dict))
    return "".join(part for part in parts if isinstance(part, str))


def arguments_of(value: object) -> Any:
    """Decoded arguments of a tool call; text that is no JSON stays text."""
    if not isinstance(value, str):
        return value if value is not None else {}
    try:
        return json.loads(value) if value.strip() else {}
    except (ValueError, RecursionError):
        return value


def string(value: object) -> str | None:
    """The value when it is a string, cut to what an id can be and fit to be stored; else None."""
    return repaired(value[:200]) if isinstance(value, str) and value else None


def lower_limit(body: dict[str, Any], key: str, message: str) -> str | None:
    """Lower a token limit to the largest one the refusal names below the present value; says what was done."""
    present = body.get(key)
    if not isinstance(present, int):
        return None
    named = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", message)]
    fitting = [number for number in named if 256 <= number < present]
    if not fitting:
        return None
    body[key] = max(fitting)
    return f"output limited to {body[key]} tokens, the most this model allows"
