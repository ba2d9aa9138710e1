"""What the SDK flavours share: one attempt, answered whole or as a stream."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Protocol

from audit.clients import Answer, CallError, Limits
from audit.clients._bodies import Body, decode
from audit.clients._failures import failure_of
from audit.config import EndpointConfig
from audit.errors import ReplayError

RATE_HEADERS = ("retry-after", "ratelimit")
COUNTING = 10.0
"""Seconds to wait for the counts behind a complete answer; the process may be busy while they come."""
ENDING = 0.2
"""Seconds to wait for the end behind the counts, so that the connection can be used again."""
WHOLE = "asked for as a whole, where the log asked for a stream"
UNCOUNTED = "a stream of this endpoint does not say how many tokens it took"


def need_key(config: EndpointConfig, key_env: str) -> None:
    """Raises ReplayError when the variable that holds a key is empty; no name of one means that none is needed."""
    if key_env and not os.environ.get(key_env):
        raise ReplayError(f"endpoint {config.name!r} needs a key", f"set the environment variable {key_env}")


class Poster(Protocol):
    """The one method of both SDKs' asynchronous clients that is used."""

    async def post(self, path: str, *, cast_to: Any, body: Any, options: Any, stream: bool) -> Any:
        """Send a JSON body and return the raw response, still to be read if it is to be streamed."""
        ...


Read = Callable[[Mapping[str, Any], Mapping[str, str], float], Answer]
"""Makes an answer of a decoded body, rate-limit headers and seconds; raises CallError when there is none."""


async def ask(client: Poster, path: str, body: Mapping[str, Any], limits: Limits, read: Read) -> Answer:
    """One attempt, as a stream where the body asks for one. Raises CallError; never retries.

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
    stream = body.get("stream") is True
    started = time.perf_counter()
    try:
        response = await client.post(path, cast_to=httpx2.Response, body=dict(body), options=options, stream=stream)
    except Exception as error:  # both SDKs have trees of their own; anything else is a defect of theirs or the wire's
        raise failure_of(error) from error
    if not stream:
        seconds = time.perf_counter() - started
        return read(decode(response.content), _rate_headers(response.headers), seconds)
    coming, heard = Body(), _Heard()
    await _follow(response, coming, heard)
    answer = read(coming.end(), _rate_headers(response.headers), heard.last - started)
    if coming.streamed and answer.usage is None:
        # an answer at an unknown price spoils every comparison of costs: it is worth asking once more, as a whole
        # (one that ends without its last word may have been cut there, and says nothing of others)
        raise heard.broken or CallError(
            "unsupported", UNCOUNTED, maybe_billed=True, parameter="stream", lasting=coming.counted
        )
    return replace(answer, time_to_first_chunk=heard.first and heard.first - started)


@dataclass(slots=True)
class _Heard:
    """When a response came, by the clock of `time.perf_counter`: the first chunk that says anything, and the last.

    `broken` is what went wrong behind a complete answer.
    """

    first: float | None = None
    last: float = 0.0
    broken: CallError | None = None


async def _follow(response: Any, body: Body, heard: _Heard) -> None:
    """Read a response as it comes; raises CallError."""
    heard.last = time.perf_counter()
    try:
        async with asyncio.timeout(None) as rest:
            async for piece in response.aiter_bytes():
                body.feed(piece)
                heard.last = time.perf_counter()
                if heard.first is None and body.begun:
                    heard.first = heard.last
                if body.complete:
                    wait = ENDING if body.counted else COUNTING
                    rest.reschedule(asyncio.get_running_loop().time() + wait)
    except CallError:
        raise
    except Exception as error:  # what breaks behind a complete answer takes nothing from it
        failure = failure_of(error)
        if not body.complete:
            raise failure from error
        heard.broken = None if isinstance(error, TimeoutError) else failure
    finally:
        await response.aclose()


def _digest(body: Mapping[str, Any]) -> str:
    return blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=8).hexdigest()


def _rate_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Only what tells how much may still be sent; ids and cookies are nobody's business."""
    return {
        name.lower(): value for name, value in headers.items() if any(each in name.lower() for each in RATE_HEADERS)
    }
